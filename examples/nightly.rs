//! A report at 03:00 in Berlin, and one at 09:00 on working days in New York.
//!
//! `cargo run --release --example nightly`
//!
//! The example plays the year 2026 on virtual time, and prints the runs around the days on which the clocks change. The
//! tests at the end count them: `cargo test --example nightly`

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use atevery::runtime::Runtime;
use atevery::testing::VirtualTime;
use atevery::{Run, Scheduler};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// 1 January 2026, 0:00 UTC.
const NEW_YEAR: Duration = Duration::from_secs(1_767_225_600);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// The days on which the clocks change in Berlin or in New York.
const CHANGES: [&str; 4] = ["2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01"];

/// The name of a report, and its slot.
type Report = (&'static str, SystemTime);

/// Registers both reports. Each run notes its slot.
fn reports(runtime: impl Runtime, written: &Arc<Mutex<Vec<Report>>>) -> Result<Scheduler, atevery::Error> {
    let scheduler = Scheduler::new(runtime);
    let write = |name: &'static str| {
        let written = Arc::clone(written);
        move |run: Run| {
            if let Some(slot) = run.slot() {
                written.lock().unwrap().push((name, slot));
            }
        }
    };
    let hour = Duration::from_secs(3_600);
    let nightly = scheduler.daily("03:00").zone("Europe/Berlin").name("nightly");
    nightly.late_at_most(hour).run(write("nightly"))?;
    let opening = scheduler
        .daily("09:00")
        .on("mon-fri")
        .zone("America/New_York")
        .name("opening");
    opening.late_at_most(hour).run(write("opening"))?;
    Ok(scheduler)
}

/// The local time of a report, with the offset from UTC.
fn local((name, slot): Report) -> Result<String, jiff::Error> {
    let zone = TimeZone::get(if name == "nightly" {
        "Europe/Berlin"
    } else {
        "America/New_York"
    })?;
    let local = Timestamp::try_from(slot)?.to_zoned_datetime(zone);
    Ok(local.strftime("%a %Y-%m-%d %H:%M %:z %Q").to_string())
}

/// The reports of a year.
fn a_year() -> Result<Vec<Report>, atevery::Error> {
    let time = VirtualTime::at(UNIX_EPOCH + NEW_YEAR);
    let written = Arc::default();
    let scheduler = reports(time.clone(), &written)?;
    scheduler.start()?;
    time.advance(YEAR);
    let written = std::mem::take(&mut *written.lock().unwrap());
    Ok(written)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let year = a_year()?;
    for change in CHANGES {
        println!("around {change}:");
        let change = Timestamp::from_second(format!("{change}T12:00:00Z").parse::<Timestamp>()?.as_second())?;
        for report in &year {
            let distance = Timestamp::try_from(report.1)?.duration_since(change);
            if distance.unsigned_abs() < Duration::from_secs(36 * 3_600) {
                println!("  {}  {}", report.0, local(*report)?);
            }
        }
    }
    let nightly = year.iter().filter(|report| report.0 == "nightly").count();
    println!(
        "{nightly} nightly reports, and {} on working days",
        year.len() - nightly
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_its_report_at_three_and_each_working_day_at_nine() {
        let year = a_year().unwrap();
        let (nightly, opening): (Vec<Report>, Vec<Report>) = year.into_iter().partition(|report| report.0 == "nightly");
        assert_eq!(nightly.len(), 365);
        assert!(nightly.iter().all(|report| local(*report).unwrap().contains(" 03:00 ")));
        // 2026 begins on a Thursday: 52 weeks, and a Thursday.
        assert_eq!(opening.len(), 261);
        assert!(opening.iter().all(|report| local(*report).unwrap().contains(" 09:00 ")));
    }
}
