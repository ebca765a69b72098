//! Options, and errors of the registration.

use atevery::Error;

use super::*;

fn refused(builder: JobBuilder) -> Error {
    builder.run(|| ()).unwrap_err()
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_registration() {
    let office = Office::new();
    let s = &office.scheduler;
    for (builder, part) in [
        (s.cron("60 * * * *"), "minute"),
        (s.cron("0 0 30 2 *"), "never comes"),
        (s.cron("0 3 * * *").zone("Europe/Berln"), "Europe/Berlin"),
        (s.daily("3 pm"), "3 pm"),
        (s.daily("03:00").on("mon-fry"), "fry"),
        (s.daily("03:00").zone("Nowhere"), "Nowhere"),
        (s.cron("61 * * * *").zone("Nowhere"), "61"),
    ] {
        let error = refused(builder);
        assert!(
            error.is_invalid_schedule() && error.to_string().contains(part),
            "{error}"
        );
    }
    assert!(s.jobs().is_empty());
    let error = s.cron("x").ticks().unwrap_err();
    assert!(error.is_invalid_schedule(), "{error}");
}

#[test]
fn options_of_other_schedules_are_refused() {
    let office = Office::new();
    let s = &office.scheduler;
    for (builder, option) in [
        (s.every(MINUTE).zone("UTC"), "zone"),
        (s.every(MINUTE).local_zone(), "local_zone"),
        (s.every(MINUTE).on("mon"), "on"),
        (s.every(MINUTE).late_at_most(MINUTE), "late_at_most"),
        (s.every(MINUTE).aligned().zone("UTC"), "zone"),
        (s.cron("0 3 * * *").on("mon"), "on"),
        (s.cron("0 3 * * *").aligned(), "aligned"),
        (s.daily("03:00").aligned(), "aligned"),
        (s.daily("03:00").fixed_delay(), "fixed_delay"),
        (s.on(appointments(&[10])).zone("UTC"), "zone"),
        (s.on(appointments(&[10])).on("mon"), "on"),
        (s.on(appointments(&[10])).fixed_delay(), "fixed_delay"),
    ] {
        let error = refused(builder);
        let names_it = error.to_string().contains(&format!("`{option}`"));
        assert!(error.is_invalid_option() && names_it, "{error}");
    }
}

#[test]
fn an_aligned_interval_is_at_least_a_tick() {
    let office = Office::new();
    assert!(refused(office.scheduler.every(ms(49)).aligned()).is_interval_too_short());
    assert!(office.scheduler.every(ms(50)).aligned().run(|| ()).is_ok());
}

#[test]
fn a_cron_or_daily_that_was_made_before_can_still_be_given_a_zone() {
    let office = Office::new();
    let cron: atevery::Cron = "0 3 * * *".parse().unwrap();
    let job = office.scheduler.on(cron).zone("Asia/Tokyo").run(|| ()).unwrap();
    assert_eq!(job.status().schedule(), "0 3 * * * Asia/Tokyo");
}

/// How late each of ten runs is, by its jitter alone.
fn jitters(name: &str, seed: u64) -> Vec<Duration> {
    let time = VirtualTime::at(noon());
    let scheduler = Scheduler::builder(time.clone()).seed(seed).build().unwrap();
    let delays = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&delays);
    let target = move |run: Run| log.lock().unwrap().push(run.due() - run.scheduled());
    let builder = scheduler.cron("*/10 * * * *").jitter(5 * MINUTE);
    builder.name(name).run(target).unwrap();
    scheduler.start().unwrap();
    time.advance(100 * MINUTE + 5 * MINUTE);
    let delays = delays.lock().unwrap();
    delays.clone()
}

#[test]
fn the_jitter_depends_on_the_name_and_the_slot_alone() {
    let delays = jitters("a", 1);
    assert_eq!(delays.len(), 10);
    assert_eq!(delays, jitters("a", 2), "whatever the seed, and after a restart");
    assert_ne!(delays, jitters("b", 1));
    assert!(delays.iter().all(|delay| *delay <= 5 * MINUTE));
    assert!(delays.iter().any(|delay| *delay != delays[0]));
}

#[test]
fn a_jitter_makes_no_slot_late() {
    let office = Office::new();
    let builder = office
        .scheduler
        .cron("* * * * *")
        .jitter(10 * MINUTE)
        .late_at_most(MINUTE);
    let job = office.note(builder);
    office.start();
    office.time.advance(HOUR);
    let runs = office.missed_after(Duration::ZERO);
    // A jitter longer than the distance of two slots may pass over some, and repeats none.
    assert!(runs.is_sorted_by(|a, b| a.0 < b.0), "{runs:?}");
    let slots = runs.last().unwrap().0 as u64;
    assert_eq!(job.runs() + job.status().missed(), slots);
}
