//! Jobs whose runs the holder of their `Ticks` does.

use std::cell::RefCell;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use atevery::runtime::Standalone;
use atevery::{Allow, EventKind, MissedTicks, Overlap, Run, Scheduler, StopReport, Ticks};
use futures::stream::{FusedStream, Stream};
use futures::{FutureExt, StreamExt};

use crate::support::{Count, SECOND, World, ms, names};

fn poll(ticks: &mut Ticks) -> Poll<Option<Run>> {
    Pin::new(ticks).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// The run that a poll returns.
fn begun(ticks: &mut Ticks) -> Run {
    match poll(ticks) {
        Poll::Ready(Some(run)) => run,
        other => panic!("no run begins: {other:?}"),
    }
}

fn ticks(world: &World, interval_ms: u64) -> Ticks {
    world.every(interval_ms).name("ticks").ticks().unwrap()
}

struct Wakes(Count);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.up();
    }
}

/// Polls the ticks, which are pending. Returns how often the holder is woken from then on.
fn wakes(ticks: &mut Ticks) -> Count {
    let count = Count::default();
    let waker = Waker::from(Arc::new(Wakes(count.clone())));
    assert!(Pin::new(ticks).poll_next(&mut Context::from_waker(&waker)).is_pending());
    count
}

fn lists(report: &StopReport) -> [Vec<&str>; 3] {
    [report.finished(), report.cancelled(), report.still_running()].map(names)
}

#[test]
fn the_runs_of_a_quick_holder_begin_at_their_ticks() {
    let world = World::started();
    let mut ticks = ticks(&world, 120);
    let (log, clock) = (world.log.clone(), world.scheduler.clone());
    let start = clock.now();
    let holder = async {
        while let Some(run) = ticks.next().await {
            log.note(format!("{} {:?}", run.number(), run.scheduled() - start));
            assert_eq!(run.started(), clock.now());
            if run.number() == 3 {
                break;
            }
        }
    };
    world.time.block_on(holder);
    let expected = [(0, "0 0ns"), (150, "1 120ms"), (250, "2 240ms"), (400, "3 360ms")];
    assert_eq!(world.log.take(), expected.map(|(at, what)| (at, what.to_owned())));
}

#[test]
fn a_run_lasts_until_the_holder_polls_again() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let job = ticks.job().clone();
    world.settle();
    assert!(!job.is_running() && job.runs() == 0);
    let run = begun(&mut ticks);
    assert!(job.is_running() && job.runs() == 1 && run.job() == job);
    world.advance(300);
    assert!(job.is_running() && !run.is_cancelled());
    assert!(poll(&mut ticks).is_pending());
    assert!(!job.is_running());
    assert_eq!(job.status().last_duration(), Some(ms(300)));
}

#[test]
fn events_tell_of_the_runs() {
    let world = World::started();
    let mut events = world.scheduler.events();
    let mut ticks = ticks(&world, 1_000);
    world.settle();
    begun(&mut ticks);
    world.advance(100);
    drop(ticks);
    let told = || events.next().now_or_never().flatten();
    let kinds: Vec<EventKind> = std::iter::from_fn(told).map(|event| event.kind().clone()).collect();
    assert!(
        matches!(
            &kinds[..],
            [EventKind::Started, EventKind::Finished, EventKind::Removed]
        ),
        "{kinds:?}"
    );
}

#[test]
fn a_poll_between_two_ticks_begins_nothing() {
    let world = World::started();
    let mut ticks = ticks(&world, 80);
    world.settle();
    begun(&mut ticks);
    for _ in 0..9 {
        world.advance(10);
        assert!(poll(&mut ticks).is_pending());
    }
    world.advance(10);
    begun(&mut ticks);
}

#[test]
fn what_a_slow_holder_misses_follows_the_policy() {
    let table = [
        (MissedTicks::Burst, [0, 0, 0, 0], [0, 450, 500, 550]),
        (MissedTicks::Skip, [0, 3, 0, 0], [0, 450, 500, 600]),
        (MissedTicks::Delay, [0, 3, 0, 0], [0, 450, 550, 650]),
    ];
    for (policy, missed, at) in table {
        let world = World::started();
        let mut ticks = world.every(100).missed_ticks(policy).ticks().unwrap();
        let mut seen = Vec::new();
        let holder = async {
            while let Some(run) = ticks.next().await {
                seen.push((run.missed(), world.elapsed_ms()));
                if run.number() == 0 {
                    world.time.sleep(ms(420)).await;
                }
                if run.number() == 3 {
                    break;
                }
            }
        };
        world.time.block_on(holder);
        let expected: Vec<_> = missed.into_iter().zip(at).collect();
        assert_eq!(seen, expected, "{policy:?}");
    }
}

#[test]
fn a_run_that_the_holder_begins_late_is_late() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    world.advance(330);
    let run = begun(&mut ticks);
    assert_eq!(run.started() - run.due(), ms(330));
    assert!(poll(&mut ticks).is_pending());
    assert_eq!(ticks.job().status().max_lateness(), ms(330));
}

#[test]
fn the_drop_of_the_ticks_ends_the_run_and_removes_the_job() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let job = ticks.job().clone();
    world.settle();
    begun(&mut ticks);
    drop(ticks);
    assert!(!job.is_running() && world.scheduler.jobs().is_empty());
    world.advance(5_000);
    assert_eq!((job.runs(), job.status().cancelled()), (1, 0));
}

#[test]
fn the_stream_ends_with_the_scheduler_or_the_job() {
    type End = fn(&World, &mut Ticks);
    let ends: [(&str, End); 5] = [
        ("stop", |world, _| drop(world.stop())),
        ("detach", |world, _| world.scheduler.stop().detach()),
        ("remove", |_, ticks| ticks.job().remove()),
        ("stop of the job", |world, ticks| drop(world.wait(ticks.job().stop()))),
        ("shut down", |world, _| world.time.shut_down()),
    ];
    for (what, end) in ends {
        let world = World::started();
        let mut ticks = ticks(&world, 60_000);
        world.settle();
        begun(&mut ticks);
        let woken = wakes(&mut ticks);
        world.settle();
        assert_eq!(woken.get(), 0, "{what}");
        end(&world, &mut ticks);
        assert!(woken.get() >= 1, "{what}");
        assert!(matches!(poll(&mut ticks), Poll::Ready(None)), "{what}");
        assert!(
            ticks.is_terminated() && matches!(poll(&mut ticks), Poll::Ready(None)),
            "{what}"
        );
        assert!(world.scheduler.jobs().is_empty(), "{what}");
    }
}

#[test]
fn the_stream_ends_after_the_last_run() {
    for by in ["times", "until", "last"] {
        let world = World::started();
        let builder = world.every(100);
        let builder = match by {
            "times" => builder.times(3),
            "until" => builder.until(world.scheduler.now() + ms(250)),
            _ => builder,
        };
        let mut ticks = builder.ticks().unwrap();
        let count = world.time.block_on(async {
            let mut count = 0;
            while let Some(run) = ticks.next().await {
                count += 1;
                if by == "last" && run.number() == 2 {
                    run.last();
                }
            }
            count
        });
        assert_eq!(count, 3, "{by}");
        assert!(world.scheduler.jobs().is_empty());
        assert_eq!(world.elapsed_ms(), 200, "the end is told at the end of the last run");
    }
}

#[test]
fn the_holder_is_woken_when_the_scheduler_is_dropped() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    world.settle();
    begun(&mut ticks);
    let woken = wakes(&mut ticks);
    let time = world.time.clone();
    drop(world);
    assert_eq!(woken.get(), 1);
    assert!(matches!(poll(&mut ticks), Poll::Ready(None)));
    time.run_until_stalled();
}

#[test]
fn a_scheduler_that_has_not_started_keeps_the_holder_waiting() {
    let world = World::new();
    let mut ticks = ticks(&world, 1_000);
    let woken = wakes(&mut ticks);
    world.advance(5_000);
    assert_eq!(woken.get(), 0);
    world.time.refuse_spawns(1);
    world.scheduler.start().unwrap_err();
    assert!(poll(&mut ticks).is_pending(), "a start that was refused ends nothing");
    let woken = wakes(&mut ticks);
    world.start();
    assert_eq!(woken.get(), 1);
    assert_eq!(begun(&mut ticks).number(), 0);
}

#[test]
fn an_unlimited_stop_names_the_holder_at_once() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let other = world.endless("other");
    world.settle();
    let run = begun(&mut ticks);
    assert!(other.is_running());
    let report = world.stop();
    assert_eq!(lists(&report), [vec![], vec!["other"], vec!["ticks"]]);
    assert_eq!(world.elapsed_ms(), 0);
    assert!(run.is_cancelled());
    assert!(matches!(poll(&mut ticks), Poll::Ready(None)));
    assert!(!ticks.job().is_running());
}

#[test]
fn within_its_grace_or_timeout_a_stop_waits_for_the_holder() {
    for grace in [false, true] {
        for obeys in [false, true] {
            let world = World::started();
            let mut ticks = ticks(&world, 10_000);
            world.settle();
            let run = begun(&mut ticks);
            let stop = world.scheduler.stop();
            let stop = if grace {
                stop.grace(SECOND)
            } else {
                stop.timeout(SECOND)
            };
            let holder = async {
                run.cancelled().await;
                world.time.sleep(ms(300)).await;
                if obeys {
                    assert!(ticks.next().await.is_none());
                }
            };
            let (report, ()) = world.time.block_on(futures::future::join(stop.into_future(), holder));
            let finished = if obeys { 0 } else { 2 };
            assert_eq!(lists(&report)[finished], ["ticks"], "{grace} {obeys}");
            assert_eq!(world.elapsed_ms(), if obeys { 300 } else { 1_000 });
        }
    }
}

#[test]
fn a_holder_can_stop_its_own_scheduler_and_its_own_job() {
    for of_job in [false, true] {
        let world = World::started();
        let mut ticks = ticks(&world, 1_000);
        world.time.block_on(async {
            ticks.next().await.unwrap();
            let stop = if of_job {
                ticks.job().stop()
            } else {
                world.scheduler.stop()
            };
            let report = stop.await;
            assert_eq!(lists(&report)[2], ["ticks"]);
            assert!(ticks.next().await.is_none());
        });
        assert_eq!(world.scheduler.is_running(), of_job);
    }
}

#[test]
fn a_run_that_was_offered_before_a_stop_does_not_begin() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let woken = wakes(&mut ticks);
    world.settle();
    assert_eq!(woken.get(), 1);
    let report = world.stop();
    assert_eq!(lists(&report), [vec![], vec![], Vec::<&str>::new()]);
    assert!(matches!(poll(&mut ticks), Poll::Ready(None)));
    assert_eq!(ticks.job().runs(), 0);
}

#[test]
fn a_stop_with_a_grace_first_lets_a_triggered_run_begin() {
    let world = World::started();
    let (mut triggered, mut other) = (ticks(&world, 10_000), ticks(&world, 10_000));
    world.settle();
    begun(&mut triggered);
    assert!(poll(&mut triggered).is_pending());
    begun(&mut other);
    assert!(poll(&mut other).is_pending());
    triggered.job().trigger();
    let holder = async {
        let run = triggered.next().await.unwrap();
        assert_eq!(run.number(), 1);
        world.time.sleep(ms(100)).await;
        assert!(triggered.next().await.is_none());
    };
    let waiting = async { assert!(other.next().await.is_none()) };
    let stop = world.scheduler.stop().grace(SECOND).into_future();
    let (report, (), ()) = world.time.block_on(futures::future::join3(stop, holder, waiting));
    assert_eq!(lists(&report), [vec!["ticks"], vec![], vec![]]);
}

#[test]
fn pause_trigger_and_set_interval_work_as_for_any_job() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let job = ticks.job().clone();
    let mut times = Vec::new();
    let holder = async {
        while let Some(run) = ticks.next().await {
            times.push(world.elapsed_ms());
            if run.number() == 4 {
                break;
            }
        }
    };
    let control = async {
        world.time.sleep(ms(510)).await;
        job.trigger(); // at 510 ms, at once
        job.pause();
        world.time.sleep(ms(2_000)).await;
        job.resume(); // at 2,510 ms: runs at 2,550 ms
        world.time.sleep(ms(100)).await;
        job.set_interval(ms(300)).unwrap();
    };
    world.time.block_on(futures::future::join(holder, control));
    assert_eq!(times, [0, 510, 2_550, 2_850, 3_150]);
}

#[test]
fn a_trigger_during_a_run_begins_the_next_at_its_end() {
    let world = World::started();
    let mut ticks = ticks(&world, 10_000);
    world.settle();
    begun(&mut ticks);
    world.advance(110);
    ticks.job().trigger();
    world.advance(20);
    let woken = wakes(&mut ticks);
    world.settle();
    assert_eq!(woken.get(), 1);
    let run = begun(&mut ticks);
    assert_eq!((run.number(), world.elapsed_ms()), (1, 130));
}

#[test]
fn a_paused_run_on_offer_does_not_begin_before_the_resume() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    world.settle();
    ticks.job().pause();
    assert!(poll(&mut ticks).is_pending());
    world.advance(2_000);
    assert!(poll(&mut ticks).is_pending());
    ticks.job().resume();
    world.advance(50);
    assert_eq!(begun(&mut ticks).number(), 0);
}

#[test]
fn holders_share_the_limit_of_their_group() {
    let world = World::started();
    let mut first = world.every(1_000).group(("db", 1)).ticks().unwrap();
    let mut second = world.every(1_000).group("db").ticks().unwrap();
    world.settle();
    begun(&mut first);
    world.settle();
    assert!(poll(&mut second).is_pending());
    world.advance(120);
    assert!(poll(&mut second).is_pending());
    assert!(poll(&mut first).is_pending());
    world.settle();
    begun(&mut second);
    drop(second);
    world.advance(1_000);
    begun(&mut first);
}

#[test]
fn a_tick_says_when_the_next_comes() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let mut times = Vec::new();
    world.time.block_on(async {
        while let Some(run) = ticks.next().await {
            times.push(world.elapsed_ms());
            match run.number() {
                0 => run.next_in(SECOND * 4),
                2 => run.last(),
                _ => {}
            }
        }
    });
    assert_eq!(times, [0, 4_000, 5_000]);
}

#[test]
fn a_cancelled_tick_is_told_and_goes_on() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    world.settle();
    let run = begun(&mut ticks);
    let mut cancelled = pin!(run.cancelled());
    assert!(crate::support::poll_once(cancelled.as_mut()).is_pending());
    ticks.job().cancel();
    assert!(crate::support::poll_once(cancelled).is_ready());
    assert!(poll(&mut ticks).is_pending());
    world.advance(1_000);
    assert!(!begun(&mut ticks).is_cancelled());
}

#[test]
fn options_that_make_no_sense_are_errors_that_name_them() {
    let world = World::new();
    let every = || world.every(1_000);
    let errors = [
        ("retry", every().retry(|| [SECOND]).ticks()),
        ("timeout", every().timeout(SECOND).ticks()),
        ("attempt_timeout", every().attempt_timeout(SECOND).ticks()),
        ("on_overlap", every().on_overlap(Overlap::Replace).ticks()),
        ("on_overlap", every().on_overlap(Overlap::Wait).ticks()),
        ("on_overlap", every().on_overlap(Overlap::Skip).ticks()),
        ("on_overlap", every().on_overlap(Allow(2)).ticks()),
    ];
    for (option, result) in errors {
        let error = result.unwrap_err();
        assert!(error.is_invalid_option(), "{error}");
        assert!(error.to_string().contains(&format!("`{option}`")), "{error}");
    }
    assert!(world.every(10).ticks().unwrap_err().is_interval_too_short());
    assert!(world.scheduler.jobs().is_empty());
}

#[test]
fn the_holder_need_not_be_send_and_may_borrow() {
    let world = World::started();
    let state = Rc::new(RefCell::new(0));
    let mut ticks = ticks(&world, 100);
    world.time.block_on(async {
        let borrowed = &state;
        for _ in 0..5 {
            ticks.next().await.unwrap();
            *borrowed.borrow_mut() += 1;
        }
    });
    assert_eq!(*state.borrow(), 5);
}

#[test]
fn many_holders_come_and_go_and_nothing_is_left() {
    let world = World::started();
    let mut holders: Vec<Ticks> = (0..2_000).map(|_| ticks(&world, 1_000)).collect();
    let tasks = world.time.tasks();
    for round in 0..5 {
        world.settle();
        for ticks in &mut holders {
            begun(ticks);
            assert!(poll(ticks).is_pending());
        }
        // Half of them go, and others come.
        let mut fresh: Vec<Ticks> = (0..1_000).map(|_| ticks(&world, 1_000)).collect();
        holders.drain(..1_000);
        world.settle();
        for ticks in &mut fresh {
            // A job that is added on a running scheduler first runs at the next tick.
            assert!(poll(ticks).is_pending());
        }
        world.advance(1_000 - round);
        holders.append(&mut fresh);
        world.advance(round);
        assert_eq!(world.scheduler.jobs().len(), 2_000);
    }
    drop(holders);
    assert!(world.scheduler.jobs().is_empty());
    world.settle();
    assert_eq!(world.time.tasks(), tasks);
}

#[test]
fn a_panic_of_the_holder_ends_the_run() {
    let world = World::started();
    let mut ticks = ticks(&world, 1_000);
    let job = ticks.job().clone();
    world.settle();
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        begun(&mut ticks);
        panic!("the holder panics");
    }));
    assert!(panics.is_err());
    assert!(!job.is_running() && world.scheduler.jobs().is_empty());
}

#[test]
fn holders_on_threads_get_each_of_their_runs() {
    let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
    scheduler.start().unwrap();
    let holders: Vec<_> = (0..8)
        .map(|_| {
            let scheduler = scheduler.clone();
            std::thread::spawn(move || {
                let every = scheduler.every(Duration::from_millis(2));
                let mut ticks = every.times(50).ticks().unwrap();
                futures::executor::block_on(async {
                    let mut numbers = Vec::new();
                    while let Some(run) = ticks.next().await {
                        numbers.push(run.number());
                    }
                    numbers
                })
            })
        })
        .collect();
    for holder in holders {
        assert_eq!(holder.join().unwrap(), (0..50).collect::<Vec<u64>>());
    }
    assert!(scheduler.jobs().is_empty());
}

#[test]
fn threads_that_drop_their_ticks_while_the_scheduler_stops_leave_nothing() {
    for _ in 0..20 {
        let scheduler = Scheduler::builder(Standalone::new()).resolution(ms(1)).build().unwrap();
        scheduler.start().unwrap();
        let holders: Vec<_> = (0..4)
            .map(|_| {
                let mut ticks = scheduler.every(ms(1)).ticks().unwrap();
                std::thread::spawn(move || {
                    futures::executor::block_on(async {
                        for _ in 0..5 {
                            if ticks.next().await.is_none() {
                                break;
                            }
                        }
                    });
                })
            })
            .collect();
        std::thread::sleep(ms(3));
        let report = scheduler.stop().timeout(SECOND * 20).blocking_wait();
        assert!(report.is_clean(), "{report}");
        holders.into_iter().for_each(|holder| holder.join().unwrap());
        assert!(scheduler.jobs().is_empty());
    }
}

#[test]
fn a_ticks_is_a_stream_that_can_be_sent() {
    fn is_send<T: Send + Unpin + FusedStream<Item = Run>>(_: &T) {}
    let world = World::new();
    let ticks = ticks(&world, 1_000);
    is_send(&ticks);
    assert_eq!(ticks.job().name(), "ticks");
}

#[test]
fn ticks_that_a_stop_has_ended_get_no_run_of_the_next_session() {
    for polled in [false, true] {
        let world = World::started();
        let mut ticks = ticks(&world, 100);
        if polled {
            world.settle();
            begun(&mut ticks);
            assert!(poll(&mut ticks).is_pending());
        }
        let mut removed = pin!(ticks.job().clone().removed());
        world.stop();
        assert!(world.scheduler.jobs().is_empty());
        assert!(crate::support::poll_once(removed.as_mut()).is_ready());
        world.scheduler.start().unwrap();
        world.advance(500);
        assert!(matches!(poll(&mut ticks), Poll::Ready(None)), "{polled}");
        assert_eq!(ticks.job().runs(), u64::from(polled));
    }
}

#[test]
fn a_run_whose_scheduler_goes_ends_all_the_same() {
    let world = World::started();
    let mut ticks = ticks(&world, 100);
    let job = ticks.job().clone();
    world.settle();
    let run = begun(&mut ticks);
    let time = world.time.clone();
    drop(world);
    assert!(job.is_running() && run.is_cancelled());
    assert!(matches!(poll(&mut ticks), Poll::Ready(None)));
    assert!(!job.is_running());
    time.run_until_stalled();
}

#[test]
fn another_interval_moves_a_run_that_the_holder_has_not_begun() {
    for (interval, expected) in [(SECOND, vec![1_000, 2_000]), (Duration::MAX, vec![])] {
        let world = World::started();
        let mut ticks = ticks(&world, 100);
        world.settle();
        begun(&mut ticks);
        assert!(poll(&mut ticks).is_pending());
        world.advance(310);
        ticks.job().set_interval(interval).unwrap();
        let foretold = ticks.job().status().next_due().map(|due| due - world.scheduler.now());
        assert_eq!(foretold, expected.first().map(|_| ms(690)));
        let mut seen = Vec::new();
        for _ in 0..200 {
            if let Poll::Ready(Some(_)) = poll(&mut ticks) {
                seen.push(world.elapsed_ms());
            }
            world.advance(10);
        }
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_holder_that_triggers_its_own_job_runs_once_a_tick() {
    let world = World::started();
    let mut ticks = ticks(&world, 10_000);
    let mut runs = 0;
    let holder = async {
        while let Some(run) = ticks.next().await {
            runs += 1;
            run.job().trigger();
        }
    };
    let stop = async {
        world.time.sleep(ms(500)).await;
        world.scheduler.stop().detach();
    };
    world.time.block_on(futures::future::join(holder, stop));
    assert!((10..=13).contains(&runs), "{runs} runs");
}

#[test]
fn a_holder_that_goes_is_not_woken_by_the_removal() {
    let world = World::started();
    let mut ticks = ticks(&world, 100);
    let woken = wakes(&mut ticks);
    drop(ticks);
    world.advance(500);
    assert_eq!(woken.get(), 0);
    assert!(world.scheduler.jobs().is_empty());
}
