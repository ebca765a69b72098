//! jiff reads the variables `TZ` and `TZDIR` once in a process, so each test that sets them has a process of its own.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use jiff::tz;

use super::Zone;

const HOUR: i64 = 3_600;

/// Calls the test of this name in a process with these variables. Returns whether it passed.
fn passes(test: &str, variables: &[(&str, &str)]) -> bool {
    let program = env::current_exe().expect("the test knows its program");
    let test = format!(
        "{}::{test}",
        module_path!().split_once("::").expect("the crate comes first").1
    );
    let mut command = Command::new(program);
    command
        .args(["--exact", &test, "--ignored"])
        .envs(variables.iter().copied());
    let output = command.output().expect("the program runs again");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("running 1 test"), "{test}: {text}");
    println!("{text}");
    output.status.success()
}

#[test]
fn the_zone_of_the_system() {
    assert!(passes("is_new_york", &[("TZ", "America/New_York")]));
    assert!(passes("is_new_york", &[("TZ", ":America/New_York")]));
    assert!(!passes("is_new_york", &[("TZ", "Asia/Tokyo")]));
    assert!(passes("is_not_found", &[("TZ", "Mars/Olympus")]));
    assert!(passes("has_no_name", &[("TZ", "XST-2")]));
}

#[test]
#[ignore = "is called with TZ"]
fn is_new_york() {
    let zone = Zone::local().expect("there is a zone");
    assert_eq!(zone.shown().as_deref(), Some("America/New_York"));
    assert_eq!(zone, Zone::local().expect("there is a zone"));
    assert_ne!(zone, Zone::named("America/New_York").expect("the zone is known"));
}

#[test]
#[ignore = "is called with TZ"]
fn is_not_found() {
    let error = Zone::local().expect_err("there is no such zone");
    assert!(error.is_invalid_schedule());
    assert!(error.to_string().contains("set the variable TZ"), "{error}");
}

#[test]
#[ignore = "is called with TZ"]
fn has_no_name() {
    let zone = Zone::local().expect("the rules are the name");
    assert_eq!(offset(&zone), 2 * HOUR);
    assert_eq!(zone.shown().as_deref(), Some("local time"));
}

#[test]
fn new_data_is_used_and_a_lost_zone_keeps_its_rules() {
    let folder = env::temp_dir().join(format!("atevery-zones-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the zone");
    let passed = passes("follows_its_file", &[("TZDIR", &folder.to_string_lossy())]);
    fs::remove_dir_all(&folder).expect("the folder is there");
    assert!(passed);
}

#[test]
#[ignore = "is called with TZDIR"]
fn follows_its_file() {
    let file = env::var("TZDIR").map(|folder| Path::new(&folder).join("Nowhere"));
    let file = file.expect("the variable is set");
    fs::write(&file, data(1)).expect("the folder is there");
    let zone = Zone::named("nowhere").expect("the zone is there");
    assert_eq!((offset(&zone), zone.shown().as_deref()), (HOUR, Some("Nowhere")));

    // Else jiff looks at the file after 5 minutes only.
    fs::write(&file, data(3)).expect("the file is there");
    tz::db().reset();
    assert_eq!(offset(&zone), 3 * HOUR);

    fs::remove_file(&file).expect("the file is there");
    tz::db().reset();
    assert_eq!(offset(&zone), HOUR);
    assert!(Zone::named("Nowhere").is_err());
}

fn offset(zone: &Zone) -> i64 {
    use crate::time::ZoneRules;

    zone.rules().period(0).offset
}

/// A zone without changes, in the format of the time zone database (RFC 8536).
fn data(hours: i32) -> Vec<u8> {
    let header = [&b"TZif2"[..], &[0; 15]].concat();
    // Counts of: indicators (2), leap seconds, changes, types, characters of names.
    let counts = [0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).concat();
    let local_type = [&(hours * 3_600).to_be_bytes()[..], &[0, 0]].concat();
    let block = [header, counts, local_type, b"XST\0".to_vec()].concat();
    let rule = format!("\nXST{}\n", -hours);
    [&block[..], &block, rule.as_bytes()].concat()
}
