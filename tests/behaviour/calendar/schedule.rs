//! When the runs come.

use atevery::runtime::{Spawner, Timer};
use atevery::{Allow, FirstRun, MissedTicks, Overlap};
use futures::StreamExt;

use super::*;

#[test]
fn a_job_runs_at_its_slots_and_not_at_its_registration() {
    let office = Office::new();
    office.note(office.scheduler.daily(["12:30", "13:00"]));
    office.start();
    assert_eq!(office.slots_after(2 * HOUR), [30, 60]);
    assert_eq!(office.slots_after(DAY), [24 * 60 + 30, 24 * 60 + 60]);
}

#[test]
fn the_run_is_scheduled_at_the_instant_of_its_slot() {
    let office = Office::new();
    let time = office.time.clone();
    let begin = time.now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let target = move |run: Run| {
        log.lock()
            .unwrap()
            .push((run.scheduled() - begin, run.due() - begin, run.started() - begin));
    };
    // 1 ms past the minute, so that the slots lie between two ticks.
    office.time.advance(ms(1));
    office.scheduler.cron("* * * * *").run(target).unwrap();
    office.start();
    office.time.advance(MINUTE);
    assert_eq!(*seen.lock().unwrap(), [(MINUTE, MINUTE, MINUTE + ms(1))]);
}

#[test]
fn the_schedulers_first_run_does_not_apply_and_the_jobs_own_does() {
    let time = VirtualTime::at(noon());
    let scheduler = Scheduler::builder(time.clone())
        .first_run(FirstRun::Now)
        .build()
        .unwrap();
    let plain = scheduler.daily("13:00").run(|| ()).unwrap();
    let interval = scheduler
        .daily("13:00")
        .first_run(FirstRun::AfterInterval)
        .run(|| ())
        .unwrap();
    let slots = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&slots);
    let target = move |run: Run| log.lock().unwrap().push(run.slot());
    let now = scheduler.daily("13:00").first_run(FirstRun::Now).run(target).unwrap();
    scheduler.start().unwrap();
    time.advance(MINUTE);
    assert_eq!((plain.runs(), interval.runs(), now.runs()), (0, 0, 1));
    time.advance(HOUR);
    assert_eq!((plain.runs(), interval.runs(), now.runs()), (1, 1, 2));
    assert_eq!(*slots.lock().unwrap(), [None, Some(noon() + HOUR)]);
}

#[test]
fn a_slot_that_passed_before_the_start_is_not_missed() {
    let office = Office::new();
    office.note(office.scheduler.cron("*/10 * * * *"));
    office.time.advance(25 * MINUTE);
    office.start();
    assert_eq!(office.missed_after(15 * MINUTE), [(30, 0), (40, 0)]);
}

#[test]
fn a_restart_goes_on_with_the_next_slot() {
    let office = Office::new();
    office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    assert_eq!(office.slots_after(10 * MINUTE), [10]);
    office.time.block_on(office.scheduler.stop());
    office.time.advance(25 * MINUTE);
    office.start();
    assert_eq!(office.missed_after(10 * MINUTE), [(40, 0)]);
}

#[test]
fn a_slot_at_the_very_start_is_not_later_than_the_start() {
    let office = Office::new();
    office.time.advance(MINUTE);
    office.note(office.scheduler.cron("*/10 * * * *"));
    office.time.advance(9 * MINUTE);
    office.start();
    assert_eq!(office.slots_after(10 * MINUTE), [20]);
}

#[test]
fn an_aligned_interval_follows_the_wall_clock() {
    let office = Office::at(noon() + 7 * MINUTE);
    office.note(office.scheduler.every(10 * MINUTE).aligned());
    office.start();
    assert_eq!(office.slots_after(25 * MINUTE), [10, 20, 30]);
}

#[test]
fn a_job_whose_calendar_has_no_further_slot_removes_itself() {
    let office = Office::new();
    let job = office.note(office.scheduler.on(appointments(&[10, 20])));
    office.start();
    assert_eq!(office.slots_after(10 * MINUTE), [10]);
    assert_eq!(office.scheduler.jobs().len(), 1);
    assert_eq!(office.slots_after(10 * MINUTE), [20]);
    assert!(office.scheduler.jobs().is_empty());
    let events = office.events.lock().unwrap();
    assert!(matches!(events.last(), Some(EventKind::Removed)), "{events:?}");
    assert!(job.upcoming(3).is_empty() && job.status().next_due().is_none());
}

#[test]
fn the_clocks_change_and_nothing_is_lost_or_doubled() {
    // 28 March 2026, 12:00 UTC. The next night has no 2:30 in Berlin, and that of 25 October has two.
    for (start, hours) in [(1_774_699_200, 13), (1_792_843_200, 12)] {
        let start = UNIX_EPOCH + Duration::from_secs(start);
        let office = Office::at(start);
        let nightly = office
            .scheduler
            .cron("30 2 * * *")
            .zone("Europe/Berlin")
            .run(office.noting())
            .unwrap();
        office.start();
        office.time.advance(DAY);
        let runs = office.runs.lock().unwrap().clone();
        let expected = start + Duration::from_secs(if hours == 13 { 13 * 3_600 } else { 12 * 3_600 + 1_800 });
        assert_eq!(runs, [(Some(expected), 0)]);
        assert_eq!(nightly.runs(), 1);
    }
}

#[test]
fn every_kind_of_job_can_have_a_calendar() {
    let office = Office::new();
    let cron = || office.scheduler.cron("* * * * *");
    let plain = cron().run(async || ()).unwrap();
    let blocking = cron().run_blocking(|| ()).unwrap();
    let skip = cron().on_overlap(Overlap::Skip).run(|| ()).unwrap();
    let allow = cron().on_overlap(Allow(2)).run(|| ()).unwrap();
    let replace = cron().on_overlap(Overlap::Replace).run(|| ()).unwrap();
    let state = cron().run_with(0, async |count: &mut u64, _: Run| *count += 1).unwrap();
    let group = cron().group(("db", 1)).run(async || ()).unwrap();
    let retry = cron().retry(|| [ms(10)]).run(|| Err::<(), _>("no")).unwrap();
    let burst = cron().missed_ticks(MissedTicks::Burst).run(|| ()).unwrap();
    let mut ticks = cron().ticks().unwrap();
    let held = ticks.job().clone();
    let jobs = [plain, blocking, skip, allow, replace, state, group, retry, burst, held];
    office.start();
    let runs = office.noting();
    let holder = async move {
        while let Some(run) = ticks.next().await {
            runs(run);
        }
    };
    office.time.spawn(Box::pin(holder)).unwrap();
    office.time.advance(3 * MINUTE);
    assert_eq!(jobs.map(|job| job.runs()), [3; 10]);
    assert_eq!(office.take_slots(), [1, 2, 3]);
}
