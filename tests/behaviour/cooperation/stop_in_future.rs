//! A stop that blocks inside an asynchronous run: in its body between awaits, or in a destructor.

use std::future::pending;
use std::thread;

use atevery::runtime::Standalone;
use atevery::{Overlap, Scheduler, StopReport};
use futures::executor::block_on;

use super::within;
use crate::support::{Later, SECOND, World, later, ms, names, put, take, yield_now};

type Way = fn(&Scheduler) -> StopReport;

const WAYS: [Way; 4] = [
    |scheduler| scheduler.stop().blocking_wait(),
    |scheduler| block_on(scheduler.stop().into_future()),
    |scheduler| scheduler.stop().timeout(SECOND * 60).blocking_wait(),
    |scheduler| scheduler.stop().grace(SECOND * 60).blocking_wait(),
];

/// Stops the scheduler when it is dropped, once.
struct StopsWhenDropped {
    way: Way,
    scheduler: Later<Scheduler>,
    report: Later<StopReport>,
}

impl StopsWhenDropped {
    fn stop(&self) {
        let scheduler = self.scheduler.lock().unwrap().take();
        if let Some(scheduler) = scheduler {
            put(&self.report, (self.way)(&scheduler));
        }
    }
}

impl Drop for StopsWhenDropped {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How the future of a run ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Ready,
    Woken,
    TimedOut,
    Replaced,
    Stopped,
    Lost,
}

#[test]
fn in_the_body_it_returns_and_names_the_run() {
    for (index, way) in WAYS.into_iter().enumerate() {
        for awaits in [0, 1, 3] {
            let (report, went_on) = within(move || {
                let world = World::new();
                let (scheduler, report, went_on) = (later(), later(), later());
                put(&scheduler, world.scheduler.clone());
                let (slot, tell, on) = (scheduler.clone(), report.clone(), went_on.clone());
                let target = move || {
                    let stops = StopsWhenDropped {
                        way,
                        scheduler: slot.clone(),
                        report: tell.clone(),
                    };
                    let on = on.clone();
                    async move {
                        for _ in 0..awaits {
                            yield_now().await;
                        }
                        stops.stop();
                        put(&on, "after the stop");
                        yield_now().await;
                        put(&on, "after the next await");
                    }
                };
                let job = world.every(1_000).name("own").run(target).unwrap();
                world.start();
                world.advance(100);
                assert!(!job.is_running());
                (take(&report), take(&went_on))
            });
            assert_eq!(names(report.still_running()), ["own"]);
            // A stop with a grace has told the run to end, and returns before it cancels.
            let cancelled_at_the_next_await = index < 3;
            let expected = if cancelled_at_the_next_await {
                "after the stop"
            } else {
                "after the next await"
            };
            assert_eq!(went_on, expected);
        }
    }
}

#[test]
fn in_a_destructor_it_returns_and_names_the_run() {
    use End::{Lost, Ready, Replaced, Stopped, TimedOut, Woken};
    for way in WAYS {
        for end in [Ready, Woken, TimedOut, Replaced, Stopped, Lost] {
            let report = within(move || {
                let world = World::new();
                let (scheduler, report, clock) = (later(), later(), world.time.clone());
                put(&scheduler, world.scheduler.clone());
                let (slot, tell) = (scheduler.clone(), report.clone());
                let target = move || {
                    let stops = StopsWhenDropped {
                        way,
                        scheduler: slot.clone(),
                        report: tell.clone(),
                    };
                    let sleep = clock.sleep(ms(20));
                    async move {
                        let _stops = stops;
                        match end {
                            Ready => {}
                            Woken => sleep.await,
                            _ => pending().await,
                        }
                    }
                };
                let builder = world.every(100).name("own");
                let builder = match end {
                    TimedOut => builder.timeout(ms(30)),
                    Replaced => builder.on_overlap(Overlap::Replace),
                    _ => builder,
                };
                builder.run(target).unwrap();
                world.start();
                match end {
                    Stopped => drop(world.stop()),
                    Lost => world.time.shut_down(),
                    _ => world.advance(200),
                }
                take(&report)
            });
            assert_eq!(names(report.still_running()), ["own"], "{end:?}");
        }
    }
}

#[test]
fn on_threads_two_of_them_do_not_wait_for_each_other() {
    for in_destructor in [false, true] {
        let reports = within(move || {
            let scheduler = Scheduler::new(Standalone::new());
            let barrier = std::sync::Arc::new(std::sync::Barrier::new(2));
            let reports: [Later<StopReport>; 2] = [later(), later()];
            let slots: [Later<Scheduler>; 2] = [later(), later()];
            for (index, name) in ["one", "two"].into_iter().enumerate() {
                put(&slots[index], scheduler.clone());
                let (slot, tell, barrier) = (slots[index].clone(), reports[index].clone(), barrier.clone());
                let target = move || {
                    let stops = StopsWhenDropped {
                        way: WAYS[0],
                        scheduler: slot.clone(),
                        report: tell.clone(),
                    };
                    let barrier = barrier.clone();
                    async move {
                        yield_now().await;
                        barrier.wait();
                        if !in_destructor {
                            stops.stop();
                        }
                        drop(stops);
                    }
                };
                scheduler.every(SECOND * 60).name(name).run(target).unwrap();
            }
            scheduler.start().unwrap();
            let is_there = |report: &Later<StopReport>| report.lock().unwrap().is_some();
            while !reports.iter().all(is_there) {
                thread::sleep(ms(1));
            }
            reports.map(|report| take(&report))
        });
        for (report, name) in reports.iter().zip(["one", "two"]) {
            assert!(names(report.still_running()).contains(&name));
        }
    }
}
