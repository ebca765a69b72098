//! Messages that a `const fn` can write, so that the compiler says the same as an error at run time.

/// A text with room for the longest message. What has no room is left out.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    bytes: [u8; ROOM],
    length: usize,
}

const ROOM: usize = 640;

/// The number of bytes of a user's text that are quoted.
const LONGEST_QUOTE: usize = 80;

impl Message {
    pub(crate) const fn new() -> Message {
        Message {
            bytes: [0; ROOM],
            length: 0,
        }
    }

    pub(crate) const fn as_str(&self) -> &str {
        let (written, _) = self.bytes.split_at(self.length);
        match std::str::from_utf8(written) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    pub(crate) const fn text(self, text: &str) -> Message {
        self.part(text.as_bytes(), 0, text.len())
    }

    /// Writes a part of a user's text in quotes. A long text is cut off.
    pub(crate) const fn quote(self, text: &[u8], start: usize, end: usize) -> Message {
        let mut last = end;
        if end - start > LONGEST_QUOTE {
            last = start + LONGEST_QUOTE;
            // Not inside a character.
            while last > start && text[last] & 0b1100_0000 == 0b1000_0000 {
                last -= 1;
            }
        }
        let message = self.text("\"").part(text, start, last);
        message.text(if last < end { "...\"" } else { "\"" })
    }

    pub(crate) const fn number(self, number: u32) -> Message {
        let message = if number >= 10 { self.number(number / 10) } else { self };
        message.byte(b'0' + (number % 10) as u8)
    }

    /// Writes an ASCII character.
    pub(crate) const fn byte(self, byte: u8) -> Message {
        self.part(&[byte], 0, 1)
    }

    const fn part(mut self, text: &[u8], start: usize, end: usize) -> Message {
        if self.length + (end - start) <= ROOM {
            let mut at = start;
            while at < end {
                self.bytes[self.length] = text[at];
                self.length += 1;
                at += 1;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_numbers() {
        let text = "no 0 or 120: ".to_owned() + &"é".repeat(200);
        let message = Message::new().quote(text.as_bytes(), 3, 4).number(120);
        assert_eq!(message.as_str(), "\"0\"120");
        let cut = Message::new().quote(text.as_bytes(), 12, text.len());
        assert_eq!(cut.as_str(), format!("\" {}...\"", "é".repeat(39)));
    }

    #[test]
    fn a_message_that_is_too_long_is_text_still() {
        let long = "é".repeat(ROOM);
        assert_eq!(Message::new().text("a").text(&long).as_str(), "a");
    }
}
