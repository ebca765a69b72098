//! What is said of schedules that are wrong: each message names the text, what is wrong with which part, and the way
//! out.

use atevery::{Cron, Daily, Error};

/// For each kind of text, lines of a text in backquotes and what the message says about it.
const MESSAGES: &str = include_str!("errors.txt");

/// The number of lines with a message.
const COUNT: usize = 132;

#[test]
fn every_message_is_as_written() {
    let mut kind = "";
    let mut checked = 0;
    for line in MESSAGES.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            kind = name.trim_end_matches(']');
            continue;
        }
        let (text, expected) = line[1..].split_once("` ").expect("a text in backquotes, and a message");
        let Some(error) = error(kind, text) else {
            panic!("{kind} {text:?} is read")
        };
        assert!(error.is_invalid_schedule() && !error.is_invalid_option(), "{error}");
        assert_eq!(error.to_string(), format!("{kind} \"{text}\": {expected}"));
        assert_eq!(format!("{error:?}"), error.to_string());
        checked += 1;
    }
    assert_eq!(checked, COUNT);
}

fn error(kind: &str, text: &str) -> Option<Error> {
    let nightly = Daily::at("03:00").expect("a time");
    match kind {
        "cron expression" => text.parse::<Cron>().err(),
        "time of day" => Daily::at(text).err(),
        "weekdays" => nightly.on(text).err(),
        "time zone" => nightly.zone(text).err(),
        _ => panic!("there is no kind {kind}"),
    }
}

#[test]
fn a_schedule_needs_a_time() {
    let error = Daily::at([""; 0]).expect_err("no time at all");
    assert!(error.is_invalid_schedule());
    assert_eq!(
        error.to_string(),
        "a daily schedule needs at least one time of day, such as \"03:00\""
    );
}

#[test]
fn long_and_confusing_texts_are_cut_and_escaped() {
    let long = format!("{} * * * *", "1,".repeat(500));
    let error = long.parse::<Cron>().expect_err("the list ends with a comma");
    assert!(error.to_string().len() < 400, "{error}");
    let error = "0 3 * * \u{202e}fri".parse::<Cron>().expect_err("no weekday");
    assert!(error.to_string().contains("\\u{202e}fri"), "{error}");
}
