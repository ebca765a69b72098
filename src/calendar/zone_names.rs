//! The zone that was meant.

use jiff::tz;

use crate::text::OneLine;

/// What to say about a name that no zone has.
pub(super) fn unknown(name: &str) -> String {
    let way_out = if name.trim().is_empty() {
        "write a name such as \"Europe/Berlin\" or \"UTC\"".to_owned()
    } else if has_offset(name) {
        "an offset is no zone; name the place, such as \"Europe/Berlin\" (or write \"Etc/GMT-2\" for 2 hours ahead of \
         UTC)"
            .to_owned()
    } else if name.len() <= 4 && name.chars().all(|c| c.is_ascii_uppercase()) {
        "an abbreviation may stand for several zones; name the place, such as \"Europe/Berlin\"".to_owned()
    } else if name.eq_ignore_ascii_case("local") {
        "write `local_zone` for the zone of the system".to_owned()
    } else if let Some(meant) = meant(name) {
        format!("did you mean \"{meant}\"?")
    } else {
        "write a name of the time zone database, such as \"Europe/Berlin\"".to_owned()
    };
    format!(
        "time zone \"{}\": there is no such zone; {way_out}",
        OneLine(&shortened(name))
    )
}

/// Whether the text is an offset from UTC, such as `+02:00` or `UTC+2`.
fn has_offset(name: &str) -> bool {
    let sign = name.find(['+', '-']).map(|at| &name[at + 1..]);
    sign.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The zone whose name is most alike.
fn meant(name: &str) -> Option<String> {
    let wanted = simplified(name);
    if wanted.len() < 4 {
        return None;
    }
    let names = tz::db().available().map(|name| name.as_str().to_owned());
    let names = names.filter(|name| name != "Factory");
    let best = names.min_by_key(|name| (distance_to(name, &wanted), name.len(), name.clone()))?;
    (distance_to(&best, &wanted) <= wanted.chars().count() / 4).then_some(best)
}

/// How far a zone's name is from what is wanted, as a whole or by its last part: `berlin`.
fn distance_to(zone: &str, wanted: &str) -> usize {
    let zone = simplified(zone);
    let city = zone.rsplit('/').next().unwrap_or_default();
    let as_city = if wanted.contains('/') {
        usize::MAX
    } else {
        distance(city, wanted)
    };
    distance(&zone, wanted).min(as_city)
}

fn simplified(name: &str) -> String {
    shortened(name.trim()).to_lowercase().replace(' ', "_")
}

/// The first characters of a name. The longest name of a zone has 32.
fn shortened(name: &str) -> String {
    name.chars().take(60).collect()
}

/// The number of characters to insert, remove or replace (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[b.len()]
}
