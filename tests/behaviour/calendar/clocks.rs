//! The wall clock is set, or the machine is suspended.

use atevery::runtime::Timer;

use super::*;

#[test]
fn a_suspend_is_noticed_within_ten_seconds_and_gives_one_late_run() {
    let office = Office::new();
    office.note(office.scheduler.daily("13:00"));
    office.start();
    office.time.suspend(2 * DAY + 2 * HOUR);
    assert_eq!(office.missed_after(Duration::from_secs(10)), [(2 * 24 * 60 + 60, 2)]);
    assert_eq!(office.slots_after(DAY), [3 * 24 * 60 + 60]);
}

#[test]
fn a_clock_that_is_set_forward_and_home_again_loses_and_doubles_nothing() {
    let office = Office::new();
    office.note(office.scheduler.daily(["12:30", "14:30"]));
    office.start();
    office.time.advance(MINUTE);
    office.time.step_wall(3_600);
    assert_eq!(office.missed_after(Duration::from_secs(10)), [(30, 0)]);
    office.time.step_wall(-3_600);
    assert_eq!(
        office.slots_after(HOUR),
        [] as [i64; 0],
        "12:30 comes again, and has run"
    );
    assert_eq!(office.slots_after(90 * MINUTE), [150]);
}

#[test]
fn a_rhythm_goes_on_from_the_new_time_and_an_appointment_waits() {
    for (is_rhythm, expected) in [(true, vec![40, 50, 60]), (false, vec![])] {
        let office = Office::new();
        office.note(office.scheduler.on(Minutes {
            slots: (0..20).map(|slot| slot * 10).collect(),
            is_rhythm,
        }));
        office.start();
        assert_eq!(office.slots_after(61 * MINUTE).len(), 6);
        office.time.step_wall(-30 * 60); // 12:31
        assert_eq!(office.slots_after(30 * MINUTE), expected);
        assert_eq!(office.slots_after(10 * MINUTE), [70]);
    }
}

#[test]
fn three_hours_back_is_a_correction_after_which_slots_come_again() {
    for (back, expected) in [(3 * 3_600 - 1, vec![]), (3 * 3_600, vec![10])] {
        let office = Office::new();
        office.note(office.scheduler.on(appointments(&[10, 300])));
        office.start();
        assert_eq!(office.slots_after(3 * HOUR + 5 * MINUTE), [10]);
        office.time.step_wall(-back); // 12:05
        assert_eq!(office.slots_after(HOUR), expected, "{back} s");
        assert_eq!(office.slots_after(4 * HOUR), [300], "{back} s");
    }
}

#[test]
fn four_hours_back_while_a_slot_is_being_run_runs_it_again() {
    let office = Office::new();
    let (time, note) = (office.time.clone(), office.noting());
    let target = move |run: Run| {
        note(run);
        time.sleep(HOUR)
    };
    office.scheduler.daily("16:30").run(target).unwrap();
    office.start();
    assert_eq!(office.slots_after(5 * HOUR), [270]);
    office.time.step_wall(-4 * 3_600); // 13:00
    assert_eq!(office.slots_after(4 * HOUR), [270]);
}

#[test]
fn a_jump_to_2099_and_home_again_leaves_a_job_that_runs() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    let years = 73 * 365 * 86_400;
    office.time.step_wall(years);
    let ten = Duration::from_secs(10);
    assert_eq!(
        office.missed_after(ten).iter().map(|run| run.1).collect::<Vec<_>>(),
        [10_000]
    );
    office.time.step_wall(-years);
    assert_eq!(office.slots_after(20 * MINUTE), [10, 20]);
    assert_eq!(job.runs(), 3);
}

#[test]
fn an_interval_does_not_care() {
    let office = Office::new();
    let plain = office.scheduler.every(MINUTE).run(|| ()).unwrap();
    office.note(office.scheduler.daily("00:00"));
    office.start();
    office.time.advance(10 * MINUTE);
    office.time.step_wall(-7_000);
    office.time.advance(10 * MINUTE);
    office.time.step_wall(14_000);
    office.time.advance(10 * MINUTE);
    assert_eq!(plain.runs(), 31);
}

#[test]
fn a_clock_that_is_set_by_a_tick_changes_nothing() {
    let office = Office::new();
    let job = office.note(office.scheduler.daily("12:01"));
    office.start();
    office.time.advance(MINUTE);
    assert_eq!((job.runs(), office.take_slots()), (1, vec![1]));
    let polls = office.time.polls();
    office.time.advance(HOUR);
    // The loop looks every 10 s, and does no more than that.
    assert!(
        (360..=380).contains(&(office.time.polls() - polls)),
        "{} polls",
        office.time.polls() - polls
    );
}

#[test]
fn the_loop_of_a_scheduler_without_a_calendar_sleeps_through() {
    let office = Office::new();
    office.scheduler.every(DAY).run(|| ()).unwrap();
    let job = office.note(office.scheduler.daily("12:01"));
    office.start();
    job.remove();
    office.time.advance(MINUTE);
    let polls = office.time.polls();
    office.time.advance(HOUR);
    assert_eq!(office.time.polls(), polls);
}

#[test]
fn the_first_calendar_job_wakes_a_loop_that_sleeps_for_long() {
    let office = Office::new();
    office.scheduler.every(10 * DAY).run(|| ()).unwrap();
    office.start();
    office.time.advance(MINUTE);
    office.note(office.scheduler.daily("15:00"));
    office.time.advance(MINUTE);
    office.time.suspend(4 * HOUR);
    assert_eq!(office.slots_after(Duration::from_secs(10)), [180]);
}

#[test]
fn a_clock_that_is_set_while_the_scheduler_is_stopped_counts_at_the_start() {
    let office = Office::new();
    office.note(office.scheduler.daily(["13:00", "14:00"]));
    office.time.suspend(90 * MINUTE); // 13:30
    office.start();
    assert_eq!(office.missed_after(HOUR), [(120, 0)]);
}

#[test]
fn what_was_set_between_offer_and_beginning_holds() {
    let office = Office::new();
    let job = office.note(office.scheduler.daily("12:30"));
    office.start();
    office.time.advance(29 * MINUTE + Duration::from_secs(55));
    office.time.step_wall(-600);
    // Noticed when the loop wakes for the slot, at 12:20 by the clock.
    assert_eq!(office.slots_after(10 * MINUTE), [] as [i64; 0]);
    assert_eq!(office.slots_after(MINUTE), [30]);
    assert_eq!(job.runs(), 1);
    assert_eq!(minutes_from_noon(office.time.wall()), 30);
}

#[test]
fn a_slot_between_a_step_back_and_its_notice_is_not_lost() {
    for (step, at) in [(-1_800, 20), (-1_800 - 7, 20), (-600, 40), (-4 * 3_600, -190)] {
        let office = Office::new();
        office.note(office.scheduler.cron("*/10 * * * *"));
        office.start();
        office.time.advance(49 * MINUTE + Duration::from_secs(55));
        office.take_slots();
        office.time.step_wall(step);
        assert_eq!(office.slots_after(MINUTE), [at], "{step} s");
    }
}

#[test]
fn an_appointment_that_never_came_comes_after_a_step_back() {
    let office = Office::new();
    office.note(office.scheduler.daily(["11:30", "12:30"]));
    office.start();
    office.time.advance(MINUTE);
    office.time.step_wall(-3_600);
    assert_eq!(office.slots_after(HOUR), [-30]);
    assert_eq!(office.slots_after(HOUR), [30]);
    office.time.step_wall(-3_600);
    assert_eq!(office.slots_after(3 * HOUR), [] as [i64; 0]);
}

#[test]
fn a_slot_that_is_done_does_not_come_again_after_a_restart_a_pause_or_a_new_calendar() {
    let office = Office::new();
    let daily = || atevery::Daily::at(["12:30", "14:00"]).unwrap();
    let job = office.note(office.scheduler.on(daily()));
    office.start();
    assert_eq!(office.slots_after(31 * MINUTE), [30]);
    office.time.step_wall(-600);
    job.set_schedule(daily()).unwrap();
    job.pause();
    job.resume();
    office.time.block_on(office.scheduler.stop());
    office.start();
    assert_eq!(office.slots_after(HOUR), [] as [i64; 0]);
    assert_eq!(office.slots_after(HOUR), [120]);
}

#[test]
fn what_is_foretold_follows_a_clock_that_was_just_set() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    office.time.advance(MINUTE);
    office.time.step_wall(7_200);
    let upcoming: Vec<i64> = job.upcoming(3).into_iter().map(minutes_from_noon).collect();
    assert_eq!(
        upcoming,
        [120, 130, 140],
        "the latest that has passed, and those to come"
    );
    assert_eq!(office.missed_after(Duration::from_secs(10)), [(120, 11)]);
}
