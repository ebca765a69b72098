//! Slots that were passed over.

use atevery::{MissedTicks, Overlap};

use super::*;

#[test]
fn one_late_run_is_for_the_latest_slot_and_the_rest_is_counted() {
    let office = Office::new();
    office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    office.time.block_for(35 * MINUTE);
    assert_eq!(office.missed_after(10 * MINUTE), [(30, 2), (40, 0)]);
}

#[test]
fn the_schedulers_policy_does_not_apply_and_delay_acts_as_skip() {
    for own in [None, Some(MissedTicks::Delay)] {
        let time = VirtualTime::at(noon());
        let scheduler = Scheduler::builder(time.clone())
            .missed_ticks(MissedTicks::Burst)
            .build()
            .unwrap();
        let builder = scheduler.cron("*/10 * * * *");
        let builder = match own {
            Some(policy) => builder.missed_ticks(policy),
            None => builder,
        };
        let job = builder.run(|| ()).unwrap();
        scheduler.start().unwrap();
        time.run_until_stalled();
        time.block_for(35 * MINUTE);
        time.advance(10 * MINUTE);
        assert_eq!((job.runs(), job.status().missed()), (2, 2));
    }
}

#[test]
fn burst_makes_up_for_each_slot() {
    let office = Office::new();
    office.note(office.scheduler.cron("*/10 * * * *").missed_ticks(MissedTicks::Burst));
    office.start();
    office.time.block_for(35 * MINUTE);
    assert_eq!(office.missed_after(MINUTE), [(10, 0), (20, 0), (30, 0)]);
}

#[test]
fn what_comes_due_during_a_run_waits_or_is_dropped() {
    for (policy, expected) in [
        (Overlap::Wait, [(10, 0), (30, 1), (60, 2)]),
        (Overlap::Skip, [(10, 0), (40, 2), (70, 2)]),
    ] {
        let office = Office::new();
        let (time, note) = (office.time.clone(), office.noting());
        let target = move |run: Run| {
            note(run);
            time.sleep(25 * MINUTE)
        };
        office
            .scheduler
            .cron("*/10 * * * *")
            .on_overlap(policy)
            .run(target)
            .unwrap();
        office.start();
        assert_eq!(office.missed_after(75 * MINUTE), expected, "{policy:?}");
    }
}

#[test]
fn a_late_slot_is_dropped_and_told() {
    for policy in [MissedTicks::Skip, MissedTicks::Burst] {
        let office = Office::new();
        let builder = office.scheduler.daily("13:00").late_at_most(HOUR).missed_ticks(policy);
        let job = office.note(builder);
        office.start();
        office.time.block_for(2 * HOUR + 5 * MINUTE);
        office.time.advance(MINUTE);
        assert_eq!((job.runs(), job.status().missed()), (0, 1), "{policy:?}");
        let missed = |kind: &EventKind| matches!(kind, EventKind::Missed(1));
        assert_eq!(
            office.events.lock().unwrap().iter().filter(|kind| missed(kind)).count(),
            1
        );
        assert_eq!(office.missed_after(DAY), [(25 * 60, 1)], "{policy:?}");
        office.time.block_for(DAY - 12 * MINUTE);
        office.time.advance(MINUTE);
        assert_eq!(job.runs(), 2, "54 minutes late is in time");
    }
}

#[test]
fn burst_makes_up_for_the_slots_that_are_not_too_late() {
    let office = Office::new();
    let builder = office.scheduler.cron("*/10 * * * *").missed_ticks(MissedTicks::Burst);
    office.note(builder.late_at_most(20 * MINUTE));
    office.start();
    office.time.block_for(65 * MINUTE);
    assert_eq!(office.missed_after(MINUTE), [(50, 4), (60, 0)]);
}

#[test]
fn a_limit_counts_from_the_due_instant_and_includes_it() {
    for (late, runs) in [(0, 1), (1, 0)] {
        let office = Office::new();
        let job = office.note(office.scheduler.daily("13:00").late_at_most(HOUR));
        office.start();
        office.time.block_for(2 * HOUR + ms(late));
        office.time.run_until_stalled();
        assert_eq!(job.runs(), runs, "{late} ms later than the limit");
    }
}

#[test]
fn ten_thousand_missed_slots_are_counted_and_the_latest_is_found() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("* * * * * *"));
    office.start();
    office.time.block_for(2 * DAY + Duration::from_millis(500));
    office.time.run_until_stalled();
    let runs = office.runs.lock().unwrap().clone();
    assert_eq!(runs.last(), Some(&(Some(noon() + 2 * DAY), 10_000)));
    assert_eq!(job.status().missed(), 10_000);
}

#[test]
fn slots_past_the_end_of_the_job_are_neither_run_nor_missed() {
    let office = Office::new();
    let end = office.scheduler.now() + 35 * MINUTE;
    let job = office.note(office.scheduler.cron("*/10 * * * *").until(end));
    office.start();
    assert_eq!(job.upcoming(9).len(), 3);
    office.time.block_for(2 * HOUR);
    assert_eq!(office.missed_after(MINUTE), [(30, 2)]);
    assert!(office.scheduler.jobs().is_empty());
}

#[test]
fn what_was_too_late_counts_as_missed_by_the_next_run_and_is_told_once() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *").late_at_most(3 * MINUTE));
    office.start();
    office.time.advance(MINUTE);
    office.time.suspend(35 * MINUTE);
    assert_eq!(office.missed_after(5 * MINUTE), [(40, 3)]);
    assert_eq!(job.status().missed(), 3);
    let missed = |kind: &EventKind| if let EventKind::Missed(count) = kind { *count } else { 0 };
    assert_eq!(office.events.lock().unwrap().iter().map(missed).sum::<u64>(), 3);
    assert_eq!(office.missed_after(10 * MINUTE), [(50, 0)]);
}

#[test]
fn a_run_at_the_first_tick_from_its_slot_is_not_too_late() {
    let office = Office::new();
    office.time.advance(ms(17));
    let job = office.note(office.scheduler.cron("* * * * *").late_at_most(Duration::ZERO));
    office.start();
    office.time.advance(3 * MINUTE);
    assert_eq!((job.runs(), job.status().missed()), (3, 0));
}
