//! Calendars of users that are at fault.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

type Answer = fn(SystemTime) -> Option<SystemTime>;

/// Each minute, until it breaks.
struct Breaking {
    is_broken: Arc<AtomicBool>,
    how: Answer,
}

impl Calendar for Breaking {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        if self.is_broken.load(Ordering::Relaxed) {
            return (self.how)(after);
        }
        Minutes {
            slots: (1..100).collect(),
            is_rhythm: true,
        }
        .next(after)
    }

    fn describe(&self) -> String {
        panic!("no words")
    }

    fn is_rhythm(&self) -> bool {
        panic!("no rhythm")
    }
}

fn broken(how: Answer) -> (Breaking, Arc<AtomicBool>) {
    let is_broken = Arc::default();
    let calendar = Breaking {
        is_broken: Arc::clone(&is_broken),
        how,
    };
    (calendar, is_broken)
}

#[test]
fn a_calendar_at_fault_ends_its_job_and_that_is_told() {
    let faults: [(Answer, &str); 3] = [
        (|_| panic!("no idea"), "no idea"),
        (Some, "not later than 2026-03-01T12:02:00Z"),
        (|after| Some(after - MINUTE), "2026-03-01T12:01:00Z"),
    ];
    for (how, message) in faults {
        let office = Office::new();
        let (calendar, is_broken) = broken(how);
        let job = office.note(office.scheduler.on(calendar));
        office.start();
        assert_eq!(office.slots_after(MINUTE), [1]);
        is_broken.store(true, Ordering::Relaxed);
        assert_eq!(
            office.slots_after(10 * MINUTE),
            [2],
            "the run that was scheduled before"
        );
        assert!(office.scheduler.jobs().is_empty());
        let events = office.events.lock().unwrap();
        let [.., EventKind::InvalidSchedule(told), EventKind::Removed] = &events[..] else {
            panic!("{events:?}");
        };
        assert!(told.contains(message), "{told}");
        assert!(job.status().last_error().unwrap().contains(message));
    }
}

#[test]
fn a_calendar_at_fault_is_refused_at_the_registration_and_when_it_is_set() {
    let office = Office::new();
    let good = office.note(office.scheduler.on(appointments(&[10, 20])));
    let faults: [(Answer, &str); 3] = [
        (|_| panic!("no idea"), "no idea"),
        (Some, "not later"),
        (|_| None, "no slot"),
    ];
    for (how, message) in faults {
        let calendar = || {
            let (calendar, is_broken) = broken(how);
            is_broken.store(true, Ordering::Relaxed);
            calendar
        };
        let error = office.scheduler.on(calendar()).run(|| ()).unwrap_err();
        assert!(
            error.is_invalid_schedule() && error.to_string().contains(message),
            "{error}"
        );
        let error = good.set_schedule(calendar()).unwrap_err();
        assert!(
            error.is_invalid_schedule() && error.to_string().contains(message),
            "{error}"
        );
    }
    office.start();
    assert_eq!(office.slots_after(HOUR), [10, 20]);
}

#[test]
fn a_calendar_whose_words_panic_is_shown_all_the_same() {
    let office = Office::new();
    let (calendar, _) = broken(|_| None);
    let job = office.note(office.scheduler.on(calendar));
    assert!(job.status().schedule().contains("no words"));
    office.start();
    assert_eq!(office.slots_after(MINUTE), [1]);
    office.time.step_wall(-60);
    office.time.advance(10 * MINUTE);
    assert!(job.runs() >= 8);
}

/// A calendar that uses its own scheduler.
struct Curious {
    scheduler: Scheduler,
    inner: Minutes,
}

impl Calendar for Curious {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        if let Some(other) = self.scheduler.jobs().first() {
            other.trigger();
            other.status();
            other.pause();
            other.resume();
            other.set_interval(MINUTE).unwrap();
        }
        self.inner.next(after)
    }

    fn describe(&self) -> String {
        self.scheduler.jobs().len().to_string()
    }
}

#[test]
fn a_calendar_is_asked_without_a_lock() {
    let office = Office::new();
    let other = office.scheduler.every(HOUR).run(|| ()).unwrap();
    let curious = Curious {
        scheduler: office.scheduler.clone(),
        inner: appointments(&[10, 20, 30]),
    };
    let job = office.scheduler.on(curious).run(|| ()).unwrap();
    office.start();
    office.time.advance(15 * MINUTE);
    office.time.step_wall(60);
    office.time.advance(HOUR);
    assert!(other.runs() > 1 && job.runs() >= 3);
    job.remove();
}

/// A calendar that asks what is to come for its own job.
struct Vain {
    scheduler: Scheduler,
    inner: Minutes,
}

impl Calendar for Vain {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        self.scheduler.status();
        self.scheduler.jobs().iter().for_each(|job| drop(job.upcoming(2)));
        self.inner.next(after)
    }

    fn describe(&self) -> String {
        String::from("vain")
    }
}

#[test]
fn a_calendar_that_asks_about_its_own_job_is_not_asked_without_end() {
    let office = Office::new();
    let vain = Vain {
        scheduler: office.scheduler.clone(),
        inner: appointments(&[10, 20]),
    };
    let job = office.note(office.scheduler.on(vain));
    office.time.advance(15 * MINUTE);
    assert_eq!(job.upcoming(2).len(), 1);
    office.start();
    assert_eq!(office.slots_after(HOUR), [20]);
}

/// Panics when it is dropped.
struct Heavy(Minutes);

impl Calendar for Heavy {
    fn next(&self, after: SystemTime) -> Option<SystemTime> {
        self.0.next(after)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        panic!("too heavy");
    }
}

#[test]
fn a_calendar_whose_drop_panics_reaches_nobody() {
    let office = Office::new();
    let heavy = || Heavy(appointments(&[10, 20]));
    let job = office.note(office.scheduler.on(heavy()));
    office.start();
    job.set_schedule(heavy()).unwrap();
    job.set_schedule(appointments(&[30])).unwrap();
    office.time.advance(HOUR);
    assert!(
        office
            .scheduler
            .every(MINUTE)
            .run(|| ())
            .unwrap()
            .set_schedule(heavy())
            .is_err()
    );
    drop(job);
}
