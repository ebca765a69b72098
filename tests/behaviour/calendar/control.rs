//! Control of jobs by a calendar, and what is foretold.

use atevery::{FirstRun, MissedTicks};

use super::*;

fn upcoming(job: &Job, n: usize) -> Vec<i64> {
    job.upcoming(n).into_iter().map(minutes_from_noon).collect()
}

#[test]
fn a_new_calendar_holds_from_now_on() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    assert_eq!(office.slots_after(25 * MINUTE), [10, 20]);
    job.set_schedule("*/15 * * * *".parse::<atevery::Cron>().unwrap())
        .unwrap();
    assert_eq!(upcoming(&job, 2), [30, 45]);
    assert_eq!(job.status().schedule(), "*/15 * * * *");
    assert_eq!(office.slots_after(HOUR), [30, 45, 60, 75]);
}

#[test]
fn jobs_that_share_a_calendar_can_be_given_their_own() {
    let office = Office::new();
    let jobs = [(); 3].map(|()| office.scheduler.cron("*/10 * * * *").run(|| ()).unwrap());
    jobs[1].set_schedule(appointments(&[5])).unwrap();
    office.start();
    office.time.advance(HOUR);
    assert_eq!(jobs.each_ref().map(Job::runs), [6, 1, 6]);
}

#[test]
fn an_interval_and_a_calendar_are_not_exchanged() {
    let office = Office::new();
    let cron = office.scheduler.daily("12:30").run(|| ()).unwrap();
    let plain = office.scheduler.every(MINUTE).run(|| ()).unwrap();
    let error = cron.set_interval(MINUTE).unwrap_err();
    assert!(
        error.is_invalid_option() && error.to_string().contains("set_schedule"),
        "{error}"
    );
    let error = plain.set_schedule(appointments(&[5])).unwrap_err();
    assert!(
        error.is_invalid_option() && error.to_string().contains("set_interval"),
        "{error}"
    );
    assert_eq!((cron.interval(), plain.interval()), (None, Some(MINUTE)));
    assert_eq!((cron.status().interval(), plain.status().schedule()), (None, "1m"));
}

#[test]
fn a_pause_passes_over_slots_and_none_is_missed() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *"));
    office.start();
    job.pause();
    assert!(job.upcoming(2).is_empty());
    office.time.advance(25 * MINUTE);
    job.resume();
    assert_eq!(office.missed_after(20 * MINUTE), [(30, 0), (40, 0)]);
    job.resume();
    assert_eq!(office.missed_after(10 * MINUTE), [(50, 0)]);
}

#[test]
fn a_triggered_run_has_no_slot_and_the_schedule_stays() {
    let office = Office::new();
    let job = office.note(office.scheduler.daily("12:30"));
    office.start();
    office.time.advance(MINUTE);
    job.trigger();
    office.time.run_until_stalled();
    assert_eq!(std::mem::take(&mut *office.runs.lock().unwrap()), [(None, 0)]);
    assert_eq!(upcoming(&job, 1), [30]);
    assert_eq!(office.slots_after(HOUR), [30]);
}

#[test]
fn a_run_may_choose_the_next_one_and_the_calendar_goes_on_from_there() {
    let office = Office::new();
    let runs = Arc::new(Mutex::new(Vec::new()));
    let (log, begin) = (Arc::clone(&runs), office.scheduler.now());
    let target = move |run: Run| {
        log.lock()
            .unwrap()
            .push(((run.started() - begin).as_secs() / 60, run.slot().is_some()));
        match run.number() {
            0 => run.next_in(25 * MINUTE),
            3 => run.last(),
            _ => {}
        }
    };
    let job = office.scheduler.cron("*/10 * * * *").run(target).unwrap();
    office.start();
    office.time.advance(10 * MINUTE);
    assert_eq!(upcoming(&job, 3), [35, 40, 50]);
    office.time.advance(2 * HOUR);
    assert_eq!(*runs.lock().unwrap(), [(10, true), (35, false), (40, true), (50, true)]);
    assert!(office.scheduler.jobs().is_empty());
}

#[test]
fn what_is_foretold_comes() {
    let office = Office::new();
    let builder = office.scheduler.daily(["12:10", "12:20", "12:30"]);
    let job = office.note(builder.times(2).first_run(FirstRun::Now));
    assert_eq!(upcoming(&job, 9), [0, 10]);
    office.start();
    assert_eq!(upcoming(&job, 9), [10]);
    let plain = office.scheduler.every(10 * MINUTE).times(3).run(|| ()).unwrap();
    assert_eq!(upcoming(&plain, 9), [0, 10, 20]);
    let delayed = office.scheduler.every(10 * MINUTE).fixed_delay().run(|| ()).unwrap();
    assert_eq!(upcoming(&delayed, 9), [0]);
    let once = office.scheduler.every(Duration::MAX).run(|| ()).unwrap();
    assert_eq!(upcoming(&once, 9), [0]);
    let end = office.scheduler.now() + 20 * MINUTE;
    let until = office.scheduler.every(10 * MINUTE).until(end).run(|| ()).unwrap();
    assert_eq!(upcoming(&until, 9), [0, 10, 20]);
    office.time.advance(HOUR);
    for job in [&job, &plain, &once, &until] {
        assert!(job.upcoming(9).is_empty(), "{job:?}");
    }
    assert_eq!(upcoming(&delayed, 9), [60], "a tick later");
    assert!(job.upcoming(0).is_empty());
}

#[test]
fn a_stopped_scheduler_foretells_what_a_start_would_bring() {
    let office = Office::new();
    let job = office.note(office.scheduler.cron("*/10 * * * *"));
    office.time.advance(25 * MINUTE);
    assert_eq!(upcoming(&job, 2), [30, 40]);
    let next = job.status().next_due().unwrap();
    assert_eq!(next - office.scheduler.now(), 5 * MINUTE);
}

#[test]
fn the_run_in_waiting_is_foretold_by_its_policy() {
    for (policy, expected) in [(MissedTicks::Skip, [20, 30, 40]), (MissedTicks::Burst, [10, 20, 30])] {
        let office = Office::new();
        let time = office.time.clone();
        let target = move || time.sleep(HOUR);
        let builder = office.scheduler.cron("*/10 * * * *").first_run(FirstRun::Now);
        let job = builder.missed_ticks(policy).run(target).unwrap();
        office.start();
        office.time.advance(25 * MINUTE);
        assert_eq!(upcoming(&job, 3), expected, "{policy:?}");
    }
}

#[test]
fn events_carry_the_slot() {
    let time = VirtualTime::at(noon());
    let slots = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&slots);
    let hook = move |event: &atevery::Event| log.lock().unwrap().push(event.slot());
    let scheduler = Scheduler::builder(time.clone()).on_event(hook).build().unwrap();
    scheduler.daily("12:30").times(1).run(|| ()).unwrap();
    scheduler.start().unwrap();
    time.advance(HOUR);
    let slot = Some(noon() + 30 * MINUTE);
    assert_eq!(*slots.lock().unwrap(), [slot, slot, None]);
}

#[test]
fn the_status_names_the_schedule() {
    let office = Office::new();
    let schedules = [
        (
            office.scheduler.cron("30 2 * * *").zone("Europe/Berlin"),
            "30 2 * * * Europe/Berlin",
        ),
        (office.scheduler.daily("03:00"), "daily 03:00"),
        (office.scheduler.every(10 * MINUTE).aligned(), "10m aligned"),
        (office.scheduler.on(appointments(&[1])), "minutes"),
    ];
    for (builder, schedule) in schedules {
        let job = builder.run(|| ()).unwrap();
        assert_eq!(job.status().schedule(), schedule);
        assert!(job.status().to_string().contains(schedule));
    }
}
