//! A panic of a job does not reach the executor, the scheduler or another job.

use std::future::poll_fn;
use std::panic::panic_any;
use std::task::Poll;

use atevery::{EventKind, Events, Run};
use futures::{FutureExt, StreamExt};

use crate::support::{Count, PanicsWhenDropped, World, blow_up, ms, yield_now};

/// After every kind of panic, the job itself and another job still run on time. Each panic is reported once a run, with
/// and without an observer.
fn goes_on(register: impl Fn(&World) -> atevery::Job) {
    for listens in [false, true] {
        let world = World::new();
        let events = listens.then(|| world.scheduler.events());
        let before = world.noting("before", 100);
        let job = register(&world);
        let after = world.noting("after", 100);
        world.start();
        world.advance(500);
        assert_eq!((before.runs(), job.runs(), after.runs()), (6, 6, 6));
        assert_eq!(job.status().panics(), 6);
        assert!(!job.is_running());
        assert!(world.scheduler.is_running());
        assert!(world.stop().is_clean());
        if let Some(events) = events {
            let emitted = ends_of(&job, events);
            assert!(
                emitted.iter().all(|kind| matches!(kind, EventKind::Panicked(_))),
                "{emitted:?}"
            );
            assert_eq!(emitted.len(), 6);
        }
    }
}

/// The ends of a job's runs, as reported.
fn ends_of(job: &atevery::Job, mut events: Events) -> Vec<EventKind> {
    let mut ends = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        if event.job() == job && !matches!(event.kind(), EventKind::Started) {
            ends.push(event.kind().clone());
        }
    }
    ends
}

/// Is pending at its first poll, and panics when it is dropped.
fn bomb(mut has_waited: bool) -> impl Future<Output = ()> + Send + 'static {
    let guard = PanicsWhenDropped;
    poll_fn(move |cx| {
        let _guard = &guard;
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

#[test]
fn in_a_synchronous_job() {
    goes_on(|world| world.every(100).run(blow_up).unwrap());
}

#[test]
fn in_a_blocking_job() {
    goes_on(|world| world.every(100).run_blocking(blow_up).unwrap());
}

#[test]
fn in_the_call_that_makes_the_future() {
    goes_on(|world| {
        let target = || {
            blow_up();
            async {}
        };
        world.every(100).run(target).unwrap()
    });
}

#[test]
fn in_the_first_poll() {
    goes_on(|world| world.every(100).run(async || blow_up()).unwrap());
}

#[test]
fn in_a_later_poll() {
    goes_on(|world| {
        let target = async || {
            yield_now().await;
            blow_up();
        };
        world.every(100).run(target).unwrap()
    });
}

#[test]
fn in_the_drop_of_a_future_that_is_done() {
    for at_once in [true, false] {
        goes_on(|world| world.every(100).run(move || bomb(at_once)).unwrap());
        goes_on(|world| {
            let job = world.every(100).timeout(ms(50));
            job.run(move || bomb(at_once)).unwrap()
        });
    }
}

#[test]
fn in_the_drop_of_a_future_that_may_be_tried_again() {
    goes_on(|world| {
        let job = world.every(100).retry(std::iter::empty);
        job.run(|| bomb(false)).unwrap()
    });
}

#[test]
fn in_the_drop_of_a_future_that_is_cancelled() {
    let world = World::new();
    let target = || {
        let guard = PanicsWhenDropped;
        async move {
            std::future::pending::<()>().await;
            drop(guard);
        }
    };
    let job = world.every(100).run(target).unwrap();
    let other = world.endless("other");
    world.start();
    let report = world.stop();
    assert_eq!(report.cancelled(), [job.clone(), other]);
    assert!(!job.is_running());
    let status = job.status();
    assert_eq!((status.cancelled(), status.panics()), (1, 0));
    world.scheduler.start().unwrap();
    world.advance(100);
    assert_eq!(job.runs(), 2);
}

#[test]
fn with_a_payload_that_is_no_string() {
    goes_on(|world| world.every(100).run(|| -> () { panic_any(42) }).unwrap());
}

#[test]
fn with_a_payload_that_panics_when_it_is_dropped() {
    goes_on(|world| world.every(100).run(|| -> () { panic_any(PanicsWhenDropped) }).unwrap());
    goes_on(|world| {
        let target = async || -> () {
            yield_now().await;
            panic_any(PanicsWhenDropped)
        };
        world.every(100).run(target).unwrap()
    });
}

#[test]
fn with_a_payload_whose_drop_panics_with_such_a_payload() {
    struct Nested(u32);
    impl Drop for Nested {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Nested(self.0 - 1));
            }
        }
    }
    goes_on(|world| world.every(100).run(|| -> () { panic_any(Nested(3)) }).unwrap());
}

#[test]
fn in_the_drop_of_the_target() {
    let world = World::new();
    let guard = PanicsWhenDropped;
    let job = world
        .every(100)
        .run(move || {
            let _guard = &guard;
        })
        .unwrap();
    let other = world.noting("other", 100);
    world.start();
    job.remove();
    world.advance(100);
    assert_eq!((job.runs(), other.runs()), (1, 2));
}

#[test]
fn in_the_drop_of_a_target_when_the_scheduler_is_dropped() {
    let time = atevery::testing::VirtualTime::new();
    let scheduler = atevery::Scheduler::new(time.clone());
    let dropped = Count::default();
    for _ in 0..3 {
        let guards = (dropped.on_drop(), PanicsWhenDropped);
        let target = move || {
            let _guards = &guards;
        };
        drop(scheduler.every(ms(100)).run(target).unwrap());
    }
    scheduler.start().unwrap();
    time.run_until_stalled();
    drop(scheduler);
    time.advance(ms(1_000));
    assert_eq!((dropped.get(), time.tasks()), (3, 0));
}

#[test]
fn state_of_a_job_that_panicked_is_kept() {
    let world = World::new();
    let (log, mut count) = (world.log.clone(), 0);
    let target = move |run: Run| {
        count += 1;
        log.note(format!("{} {count}", run.number()));
        assert!(count % 2 == 0, "an odd run panics");
    };
    world.every(100).run(target).unwrap();
    world.start();
    world.advance(200);
    assert_eq!(world.log.take_names(), ["0 1", "1 2", "2 3"]);
}

#[test]
fn on_an_executor_that_would_not_survive_it() {
    let naive = crate::naive::Naive::new();
    let clock = crate::naive::Clock::new();
    let scheduler = atevery::Scheduler::new((naive.clone(), clock.clone()));
    let job = scheduler.every(ms(100)).run(blow_up).unwrap();
    let future = scheduler.every(ms(100)).run(async || blow_up()).unwrap();
    scheduler.start().unwrap();
    crate::naive::pass(&clock, &naive, ms(500), ms(10));
    assert_eq!((job.runs(), future.runs()), (6, 6));
}
