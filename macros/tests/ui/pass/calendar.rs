//! Jobs by a calendar, with the options that only they have.
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{MissedTicks, Overlap, Run, Scheduler, cron, daily, every};

const NIGHTLY: &str = "30 2 * * *";
const OPENING: &str = "09:00";

#[cron("0 3 * * *", zone = "Europe/Berlin", name = "report")]
#[cron(NIGHTLY, name = "constant")]
#[cron("@hourly", local_zone, name = "local", missed_ticks = MissedTicks::Burst)]
async fn report(run: Run) -> Result<(), std::io::Error> {
    assert!(run.slot().is_some());
    Ok(())
}

#[cron("*/5 * * * * *", "seconds", blocking, name = "blocking", jitter = "1s", late_at_most = "1m")]
#[daily("03:00", "time", name = "daily", on_overlap = Overlap::Skip)]
#[daily(["09:00", "17:30"], "times", on = "mon-fri", zone = "America/New_York", name = "office", tag = "bell")]
#[daily([OPENING, "12:00:30"], "constant", name = "constants")]
fn named(name: &str) {
    assert!(!name.is_empty());
}

#[every("10m", aligned, name = "aligned")]
#[every(Duration::from_secs(600), aligned, name = "aligned constant", late_at_most = Duration::from_secs(60))]
fn aligned() {}

fn main() -> Result<(), atevery::Error> {
    let scheduler = Scheduler::new(VirtualTime::new());
    let mut described = Vec::new();
    scheduler.add_registered_where(|function| {
        described.push((function.schedule(), function.interval()));
        false
    })?;
    let described: Vec<_> = described.iter().map(|(text, interval)| (text.as_str(), *interval)).collect();
    for text in [
        "cron 0 3 * * * Europe/Berlin",
        "cron 30 2 * * *",
        "cron @hourly local time",
        "daily 03:00",
        "daily 09:00, 17:30 mon-fri America/New_York",
        "every 10m aligned",
    ] {
        assert!(described.contains(&(text, None)), "{text}: {described:?}");
    }
    let jobs = scheduler.add_registered_where(|function| !function.schedule().contains("local"))?;
    assert_eq!(jobs.len(), 8);
    let of = |name: &str| jobs.iter().find(|job| job.name() == name).unwrap();
    assert_eq!(of("office").status().schedule(), "daily 09:00, 17:30 mon-fri America/New_York");
    assert_eq!(of("constants").status().schedule(), "daily 09:00, 12:00:30");
    assert!(of("office").has_tag("bell") && of("aligned").interval().is_none());
    Ok(())
}
