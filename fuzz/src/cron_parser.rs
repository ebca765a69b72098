//! Compares the parser of cron expressions with a second parser, which is written for clarity: it splits texts and
//! collects numbers. Then checks the slots of what was read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron};

/// Both parsers accept `text` or both refuse it. What is accepted has slots whose times match the fields, each later
/// than the one before, and found again from right before it.
pub fn check(text: &str) {
    let oracle = oracle(text);
    match text.parse::<Cron>() {
        Ok(cron) => {
            let times = oracle.unwrap_or_else(|| panic!("{text:?} was read as {cron}"));
            let again = cron.to_string().parse::<Cron>();
            assert!(
                again.is_ok_and(|again| again == cron),
                "{text:?} is described as {cron}"
            );
            check_slots(&cron, &times);
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.starts_with("cron expression \""), "{message}");
            let never_comes = message.contains("the date never comes");
            assert!(oracle.is_none() || never_comes, "{text:?} was refused: {message}");
        }
    }
}

fn check_slots(cron: &Cron, times: &[Vec<u32>; 3]) {
    let mut after = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for _ in 0..3 {
        let Some(slot) = cron.next(after) else { return };
        assert!(slot > after, "{cron}");
        assert_eq!(cron.next(slot - Duration::from_nanos(1)), Some(slot), "{cron}");
        assert!(matches(slot, times), "{cron}: {slot:?}");
        after = slot;
    }
}

fn matches(slot: SystemTime, [seconds, minutes, hours]: &[Vec<u32>; 3]) -> bool {
    let since = slot.duration_since(UNIX_EPOCH).expect("the slots are later than 1970");
    let second = (since.as_secs() % 86_400) as u32;
    seconds.contains(&(second % 60)) && minutes.contains(&(second / 60 % 60)) && hours.contains(&(second / 3_600))
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// The seconds, minutes and hours of an expression. `None` if the text is no expression.
fn oracle(text: &str) -> Option<[Vec<u32>; 3]> {
    let text = text.to_ascii_lowercase();
    let mut fields: Vec<&str> = text.split_ascii_whitespace().collect();
    if let [name] = fields[..] {
        let hours = match name {
            "@hourly" => (0..24).collect(),
            "@yearly" | "@annually" | "@monthly" | "@weekly" | "@daily" | "@midnight" => vec![0],
            _ => return None,
        };
        return Some([vec![0], vec![0], hours]);
    }
    if fields.len() == 5 {
        fields.insert(0, "0");
    }
    let [second, minute, hour, date, month, weekday] = fields[..] else {
        return None;
    };
    if second.starts_with("tz=") || second.starts_with("cron_tz=") || second.starts_with('@') {
        return None;
    }
    let is_date = |item: &str| {
        let nearest = item.strip_suffix('w').and_then(|day| value(day, 1, 31, &[]));
        matches!(item, "l" | "lw") || nearest.is_some() || values(item, 1, 31, &[], true).is_some()
    };
    let is_weekday = |item: &str| {
        let day = |text| value(text, 0, 7, &WEEKDAYS);
        let nth = item
            .split_once('#')
            .is_some_and(|(text, nth)| day(text).is_some() && value(nth, 1, 5, &[]).is_some());
        let last = item.strip_suffix('l').is_some_and(|text| day(text).is_some());
        nth || last || values(item, 0, 7, &WEEKDAYS, true).is_some()
    };
    let weekday = weekday.strip_prefix('+').unwrap_or(weekday);
    let is_right = date.split(',').all(is_date) && weekday.split(',').all(is_weekday);
    list(month, 1, 12, &MONTHS)?;
    is_right.then_some([
        list(second, 0, 59, &[])?,
        list(minute, 0, 59, &[])?,
        list(hour, 0, 23, &[])?,
    ])
}

fn list(field: &str, least: u32, most: u32, names: &[&str]) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for item in field.split(',') {
        all.extend(values(item, least, most, names, false)?);
    }
    Some(all)
}

fn values(item: &str, least: u32, most: u32, names: &[&str], allows_question_mark: bool) -> Option<Vec<u32>> {
    let (base, step) = match item.split_once('/') {
        Some((base, step)) => (
            base,
            Some(value(step, 1, if most == 7 { 7 } else { most - least + 1 }, &[])?),
        ),
        None => (item, None),
    };
    let (first, last) = if base == "*" || (allows_question_mark && base == "?") {
        (least, most)
    } else if let Some((first, last)) = base.split_once('-') {
        let first = value(first, least, most, names)?;
        let ends_on_sunday = last == "sun" && !names.is_empty() && most == 7 && first > 0;
        (
            first,
            if ends_on_sunday {
                7
            } else {
                value(last, least, most, names)?
            },
        )
    } else {
        let first = value(base, least, most, names)?;
        (first, if step.is_some() { most } else { first })
    };
    (first <= last).then(|| (first..=last).step_by(step.unwrap_or(1) as usize).collect())
}

/// A number of at most six digits, or a name. The first name stands for `least`.
fn value(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u32> {
    if let Some(at) = names.iter().position(|name| *name == text) {
        return Some(at as u32 + least);
    }
    let is_number = (1..=6).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u32 = text.parse().ok().filter(|_| is_number)?;
    (least..=most).contains(&number).then_some(number)
}
