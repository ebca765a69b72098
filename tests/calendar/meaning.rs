//! Reading, describing, and comparing schedules.

use std::iter::successors;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::{Calendar, Cron, Daily};

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn at(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        UNIX_EPOCH - distance
    } else {
        UNIX_EPOCH + distance
    }
}

#[test]
fn different_texts_mean_the_same() {
    for (a, b) in [
        ("0 3 * * SUN", "0 3 * * 7"),
        ("0 3 * * 0", "0 3 * * 7"),
        ("  0\t3 *  * *\n", "0 3 * * *"),
        ("0 0 3 * * *", "0 3 * * *"),
        ("00 03 * 01 *", "0 3 * jan *"),
        ("0 3 ? * ?", "0 3 * * *"),
        ("0 0 3 * * ?", "0 3 * * *"),
        ("0 3 * * mon-fri", "0 3 * * 1,2,3,4,5"),
        ("0 3 * * sat-sun", "0 3 * * 6,0"),
        ("0 3 * * mon-sun", "0 3 * * *"),
        ("0 3 * * 5-7", "0 3 * * fri,sat,sun"),
        ("0 3 * * 1/2", "0 3 * * 1,3,5,7"),
        ("*/20 * * * *", "0-40/20 * * * *"),
        ("10/20 * * * *", "10-59/20 * * * *"),
        ("*/60 * * * *", "0-0 * * * *"),
        ("0 3 l * *", "0 3 L * *"),
        ("0 3 lw,15w * *", "0 3 15W,LW * *"),
        ("0 3 * * FRI#2,monL", "0 3 * * 1l,5#2"),
        ("0 3 1-31 * mon", "0 3 * * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 jan *"),
        ("@monthly", "0 0 1 * *"),
        ("@weekly", "0 0 * * sun"),
        ("@Daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        (" @hourly ", "0 * * * *"),
    ] {
        assert_eq!(cron(a), cron(b), "{a} and {b}");
    }
}

#[test]
fn similar_texts_mean_different_things() {
    for (a, b) in [
        ("0 3 * * 1", "0 3 * * 2"),
        ("0 0-0 * * *", "0 0 * * *"),          // a rhythm and an appointment
        ("0 3 */2 * mon", "0 3 1-31/2 * mon"), // both, and either
        ("0 3 13 * +fri", "0 3 13 * fri"),
        ("1 0 3 * * *", "0 3 * * *"),
        ("0 3 31W * *", "0 3 LW * *"),
        ("0 3 * * fri#5", "0 3 * * friL"),
    ] {
        assert_ne!(cron(a), cron(b), "{a} and {b}");
    }
    let berlin = cron("0 3 * * *").zone("Europe/Berlin").expect("the zone is known");
    assert_ne!(berlin, cron("0 3 * * *"));
    assert_eq!(
        berlin,
        cron("0 3 * * *")
            .zone("europe/berlin")
            .expect("the case doesn't matter")
    );
    assert_eq!(berlin.zone("UTC").expect("UTC is known"), cron("0 3 * * *"));
}

#[test]
fn a_rhythm_is_told_from_an_appointment() {
    for (text, is_rhythm) in [
        ("0 3 * * *", false),
        ("0,30 9,17 * * *", false),
        ("0 0 */2 1-6 *", false),
        ("@daily", false),
        ("@hourly", true),
        ("0 * * * *", true),
        ("0 9-17 * * *", true),
        ("0/30 9 * * *", true),
        ("*/10 0 3 * * *", true),
        ("0 0 3 * * *", false),
    ] {
        assert_eq!(cron(text).is_rhythm(), is_rhythm, "{text}");
    }
    assert!(!Daily::at("03:00").expect("a time").is_rhythm());
}

#[test]
fn descriptions_for_the_status() {
    let zoned = cron("30  2 * * *").zone("europe/berlin").expect("the zone is known");
    assert_eq!(zoned.describe(), "30 2 * * * Europe/Berlin");
    assert_eq!(zoned.to_string(), "30 2 * * * Europe/Berlin");
    assert_eq!(format!("{zoned:?}"), "Cron(30 2 * * * Europe/Berlin)");
    assert_eq!(cron("@daily").describe(), "@daily");
    assert_eq!(cron("@daily").zone("UTC").expect("UTC is known").describe(), "@daily");

    let daily = Daily::at(["17:30", "09:00", "17:30"]).expect("two times");
    assert_eq!(daily.describe(), "daily 09:00, 17:30");
    for (weekdays, shown) in [
        ("mon-fri", " mon-fri"),
        ("Fri,MON,tue", " mon,tue,fri"),
        ("sat-sun", " sat,sun"),
        ("fri - sun, mon", " mon,fri-sun"),
        ("0-6", ""),
        ("*", ""),
    ] {
        let on = daily.clone().on(weekdays).expect("weekdays");
        assert_eq!(on.describe(), format!("daily 09:00, 17:30{shown}"), "{weekdays}");
    }
    let office = daily.on("mon-fri").and_then(|daily| daily.zone("Europe/Berlin"));
    assert_eq!(
        office.expect("a zone").to_string(),
        "daily 09:00, 17:30 mon-fri Europe/Berlin"
    );
    assert_eq!(Daily::at("03:00:09").expect("a time").to_string(), "daily 03:00:09");
}

#[test]
fn times_in_any_container() {
    let text = String::from("09:00");
    let expected = Daily::at(["09:00", "17:30"]).expect("two times");
    let array = &["09:00", "17:30"];
    let list = vec![String::from("17:30"), text.clone()];
    for given in [
        Daily::at(array),
        Daily::at(&array[..]),
        Daily::at(vec!["09:00", "17:30"]),
        Daily::at(&list),
        Daily::at(list.as_slice()),
        Daily::at(list.clone()),
    ] {
        assert_eq!(given.expect("two times"), expected);
    }
    assert_eq!(Daily::at(&text).expect("a time"), Daily::at("09:00").expect("a time"));
    assert_eq!(
        Daily::at(text).expect("a time"),
        Daily::at([" 09:00:00 "]).expect("a time")
    );
}

#[test]
fn a_slot_is_a_whole_second_and_strictly_later() {
    let every_second = cron("* * * * * *");
    let nanosecond = Duration::from_nanos(1);
    for seconds in [-60_000_000_000, -2, -1, 0, 1, 1_800_000_000] {
        assert_eq!(every_second.next(at(seconds)), Some(at(seconds + 1)), "{seconds}");
        assert_eq!(
            every_second.next(at(seconds) - nanosecond),
            Some(at(seconds)),
            "{seconds}"
        );
        assert_eq!(
            every_second.next(at(seconds) + nanosecond),
            Some(at(seconds + 1)),
            "{seconds}"
        );
    }
}

#[test]
fn no_slot_is_later_than_the_year_9999() {
    let last = 253_402_300_799;
    for zone in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/Los_Angeles"] {
        for text in [
            "* * * * * *",
            "0 0 1 1 *",
            "59 59 23 31 12 *",
            "0 0 29 2 +mon",
            "*/5 * 29 2 *",
        ] {
            let cron = cron(text).zone(zone).expect("the zone is known");
            let first = cron.next(at(last - 40 * 86_400 * 366));
            for slot in successors(first, |slot| cron.next(*slot)).take(3) {
                assert!(slot <= at(last), "{cron}");
            }
            assert_eq!(cron.next(at(last)), None, "{cron}");
            assert_eq!(cron.next(at(last) + Duration::from_secs(1 << 50)), None, "{cron}");
        }
    }
}

#[test]
fn the_last_second_of_the_year_9999_counts_in_utc() {
    let last = 253_402_300_799;
    let new_years_eve = cron("59 59 23 31 12 *");
    assert_eq!(new_years_eve.next(at(last - 1)), Some(at(last)));
    let in_los_angeles = new_years_eve.zone("America/Los_Angeles").expect("the zone is known");
    assert_eq!(in_los_angeles.next(at(last - 1)), None);
}

#[test]
fn a_rhythm_that_always_falls_into_a_gap_has_no_slot() {
    let lost = cron("30-59 2 * 3 sunL")
        .zone("Europe/Berlin")
        .expect("the zone is known");
    assert_eq!(lost.next(at(1_800_000_000)), None);
}
