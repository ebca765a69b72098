//! Events as text.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use atevery::{Event, MissedTicks};

use super::watched;
use crate::support::ms;

#[test]
fn each_kind_in_words() {
    let (world, seen) = watched();
    world
        .every(100)
        .name("fails")
        .retry(|| [ms(10)])
        .run(|| Err("no pulse"))
        .unwrap();
    let skip = world.every(100).missed_ticks(MissedTicks::Skip);
    skip.name("skips").times(3).run(|| ()).unwrap();
    world.start();
    world.advance(20);
    world.time.jump(ms(200));
    world.settle();
    world.time.jump(ms(330));
    world.settle();
    let mut lines: Vec<_> = seen.take().iter().map(Event::to_string).collect();
    lines.retain(|line| line.starts_with("skips") || line.starts_with("fails: run 0"));
    let expected = [
        "fails: run 0 started",
        "fails: run 0 retried: no pulse",
        "skips: run 0 started",
        "skips: run 0 finished after 0ns",
        "fails: run 0 failed after 10ms: no pulse",
        "skips: run 1 missed 1 interval",
        "skips: run 1 late by 120ms",
        "skips: run 1 started",
        "skips: run 1 finished after 0ns",
        "skips: run 2 missed 2 intervals",
        "skips: run 2 late by 250ms",
        "skips: run 2 started",
        "skips: run 2 finished after 0ns",
        "skips: removed",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_event_is_one_line_whatever_is_in_names_and_errors() {
    let texts = [
        "two\nlines",
        "a\rb",
        "\u{1b}[31mred",
        "nul\0",
        "\u{2028}",
        "\u{85}",
        "\u{202e}desrever",
    ];
    for text in texts {
        let (world, seen) = watched();
        let failing = move || Err(text);
        world.every(100).name(text).run(failing).unwrap();
        let panics = move || -> () { panic!("{text}") };
        world.every(100).name(text).run(panics).unwrap();
        world.every(100).name(text).retry(|| [ms(10)]).run(failing).unwrap();
        world.start();
        let lines: Vec<_> = seen.take().iter().map(Event::to_string).collect();
        assert!(lines.len() == 6, "{lines:?}");
        for line in lines {
            let confusing = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{202e}');
            assert!(!line.contains(confusing), "{line:?}");
        }
    }
}

#[test]
fn quotes_and_accents_stay_as_they_are() {
    let (world, seen) = watched();
    world
        .every(100)
        .name("Zoë's \"job\" 日本 C:\\tmp e\u{301}")
        .run(|| Err("can't read 'é'"))
        .unwrap();
    world.start();
    assert_eq!(
        seen.take()[1].to_string(),
        "Zoë's \"job\" 日本 C:\\tmp e\u{301}: run 0 failed after 0ns: can't read 'é'"
    );
}

#[test]
fn an_error_is_written_with_its_causes() {
    let (world, seen) = watched();
    let target = || "x".parse::<u8>().map(drop).map_err(Outer);
    world.every(100).name("a").run(target).unwrap();
    world.start();
    assert_eq!(
        seen.take()[1].to_string(),
        "a: run 0 failed after 0ns: the size can't be read: invalid digit found in string"
    );
}

#[derive(Debug)]
struct Outer(ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the size can't be read")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
