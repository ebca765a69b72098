//! Texts from users, escaped for one line.

use std::any::Any;
use std::error::Error;
use std::fmt::{self, Write};

use crate::unwind::{catch, discard};

/// A user's text on one line. Line breaks are escaped, and so are characters that move a terminal's cursor, change the
/// direction of writing, or can't be seen. Quotes and accents stay unchanged.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if is_confusing(c) {
                write!(f, "{}", c.escape_default())
            } else {
                f.write_char(c)
            }
        })
    }
}

fn is_confusing(c: char) -> bool {
    let breaks_line = matches!(c, '\u{2028}' | '\u{2029}');
    let turns_direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || breaks_line || is_unseen(c) || turns_direction
}

/// Whether terminals show nothing, or an empty place, for the character. Joiners and variation selectors stay: scripts
/// and emoji need them.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
    )
}

/// An error and its causes, on one line. The error is user code, and its `Display` may panic.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let described = catch(|| {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    });
    described.unwrap_or_else(|payload| {
        discard(payload);
        String::from("an error that panics when it is shown")
    })
}

/// The text of a panic. Drops the payload.
pub(crate) fn payload_text(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => String::from(*text),
        (_, Some(text)) => text.clone(),
        _ => String::from("a panic whose payload is no text"),
    };
    discard(payload);
    text
}
