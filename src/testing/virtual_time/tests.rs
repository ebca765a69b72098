use std::future::{pending, poll_fn};
use std::panic::{self, AssertUnwindSafe};
use std::thread;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// The events in order, each with its time in milliseconds.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(u128, &'static str)>>>);

impl Log {
    fn note(&self, time: &VirtualTime, what: &'static str) {
        self.0.lock().unwrap().push((time.elapsed().as_millis(), what));
    }

    fn take(&self) -> Vec<(u128, &'static str)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Logs a text when dropped.
struct OnDrop(Log, VirtualTime, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.note(&self.1, self.2);
    }
}

/// Pending once, and ready at the next round.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::replace(&mut yielded, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

fn spawn(time: &VirtualTime, future: impl Future<Output = ()> + Send + 'static) {
    time.spawn(Box::pin(future)).expect("the runtime takes tasks");
}

/// The message of the panic with which `f` ends.
fn panic_of(f: impl FnOnce()) -> String {
    let panic = panic::catch_unwind(AssertUnwindSafe(f)).expect_err("a panic was expected");
    match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn tasks_run_first_come_first_served() {
    let (time, log) = (VirtualTime::new(), Log::default());
    for name in ["a", "b", "c"] {
        let (clock, log) = (time.clone(), log.clone());
        spawn(&time, async move { log.note(&clock, name) });
    }
    let (clock, logged) = (time.clone(), log.clone());
    time.spawn_blocking(Box::new(move || logged.note(&clock, "d"))).unwrap();

    time.run_until_stalled();

    assert_eq!(log.take(), [(0, "a"), (0, "b"), (0, "c"), (0, "d")]);
    assert_eq!(time.tasks(), 0);
}

#[test]
fn timers_fire_by_deadline_and_then_in_the_order_set() {
    let (time, log) = (VirtualTime::new(), Log::default());
    for (name, after) in [("late", 30), ("early", 10), ("first of two", 20), ("second of two", 20)] {
        let (clock, log) = (time.clone(), log.clone());
        spawn(&time, async move {
            clock.sleep(after * MS).await;
            log.note(&clock, name);
        });
    }

    time.advance(29 * MS);
    assert_eq!(log.take(), [(10, "early"), (20, "first of two"), (20, "second of two")]);

    time.advance(MS);
    assert_eq!(log.take(), [(30, "late")]);
}

#[test]
fn advance_ends_at_its_target() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(40 * MS));
    time.advance(25 * MS);
    assert_eq!((time.elapsed(), time.tasks()), (25 * MS, 1));
    time.advance(Duration::ZERO);
    assert_eq!((time.elapsed(), time.tasks()), (25 * MS, 1));
    time.advance(15 * MS);
    assert_eq!((time.elapsed(), time.tasks()), (40 * MS, 0));
}

#[test]
fn advance_serves_timers_that_are_set_on_the_way() {
    let (time, log) = (VirtualTime::new(), Log::default());
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move {
        loop {
            clock.sleep(10 * MS).await;
            logged.note(&clock, "tick");
        }
    });

    time.advance(35 * MS);

    assert_eq!(log.take(), [(10, "tick"), (20, "tick"), (30, "tick")]);
    assert_eq!(time.polls(), 4);
}

#[test]
fn run_until_stalled_leaves_the_clock_alone() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(MS));
    time.run_until_stalled();
    assert_eq!((time.elapsed(), time.tasks(), time.timers()), (Duration::ZERO, 1, 1));
}

#[test]
fn a_deadline_that_has_passed_is_ready_at_once() {
    let time = VirtualTime::new();
    let deadline = time.now();
    time.advance(MS);
    time.block_on(time.sleep_until(deadline));
    assert_eq!(time.elapsed(), MS);
}

#[test]
fn a_sleep_past_the_end_of_the_clock_is_for_ever() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(Duration::MAX));
    time.advance(1000 * MS);
    assert_eq!((time.tasks(), time.timers()), (1, 0));
}

#[test]
fn a_dropped_sleep_takes_its_timer_along() {
    let time = VirtualTime::new();
    let mut sleep = time.sleep(MS);
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert_eq!(time.timers(), 1);
    drop(sleep);
    assert_eq!(time.timers(), 0);
}

#[test]
fn a_sleep_wakes_who_polled_it_last() {
    let time = VirtualTime::new();
    let flag = WakeFlag::new(false);
    let mut sleep = time.sleep(MS);
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    assert!(
        sleep
            .as_mut()
            .poll(&mut Context::from_waker(&flag.clone().into()))
            .is_pending()
    );
    time.advance(MS);
    assert!(flag.is_set());
}

#[test]
fn a_task_woken_while_it_is_polled_is_polled_again() {
    let time = VirtualTime::new();
    let mut polls = 0;
    spawn(
        &time,
        poll_fn(move |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        }),
    );
    time.run_until_stalled();
    assert_eq!((time.polls(), time.tasks()), (3, 0));
}

#[test]
fn a_task_woken_many_times_is_polled_once() {
    let time = VirtualTime::new();
    let waker = Arc::new(Mutex::new(None));
    let slot = waker.clone();
    spawn(
        &time,
        poll_fn(move |cx| {
            *slot.lock().unwrap() = Some(cx.waker().clone());
            Poll::Pending
        }),
    );
    time.run_until_stalled();

    let waker = waker.lock().unwrap().clone().unwrap();
    for _ in 0..3 {
        waker.wake_by_ref();
    }
    time.run_until_stalled();

    assert_eq!(time.polls(), 2);
}

#[test]
fn a_waker_works_from_another_thread_and_after_its_task() {
    let time = VirtualTime::new();
    let (sender, receiver) = futures::channel::oneshot::channel::<Waker>();
    let mut sender = Some(sender);
    spawn(
        &time,
        poll_fn(move |cx| match sender.take() {
            Some(sender) => {
                sender.send(cx.waker().clone()).unwrap();
                Poll::Pending
            }
            None => Poll::Ready(()),
        }),
    );
    let waker = time.block_on(receiver).unwrap();

    let used = waker.clone();
    thread::spawn(move || used.wake()).join().unwrap();
    time.run_until_stalled();
    assert_eq!((time.polls(), time.tasks()), (2, 0));

    waker.wake();
    time.run_until_stalled();
    assert_eq!(time.polls(), 2);
}

#[test]
fn a_future_is_dropped_when_it_is_done() {
    let (time, log) = (VirtualTime::new(), Log::default());
    let guard = OnDrop(log.clone(), time.clone(), "dropped");
    let clock = time.clone();
    let mut done = false;
    spawn(
        &time,
        poll_fn(move |_| {
            let _inside = &guard;
            assert!(!std::mem::replace(&mut done, true));
            assert_eq!(clock.tasks(), 1);
            Poll::Ready(())
        }),
    );
    time.run_until_stalled();
    assert_eq!(log.take(), [(0, "dropped")]);
}

#[test]
fn a_rounds_timers_come_after_what_was_ready() {
    // Both sleeps are overdue when the thread is free again. They fire late, in order, after the task that waited.
    let (time, log) = (VirtualTime::new(), Log::default());
    for (name, after) in [("second", 20), ("first", 10)] {
        let (clock, log) = (time.clone(), log.clone());
        spawn(&time, async move {
            clock.sleep(after * MS).await;
            log.note(&clock, name);
        });
    }
    time.run_until_stalled();
    let (clock, logged) = (time.clone(), log.clone());
    time.spawn_blocking(Box::new(move || clock.block_for(170 * MS)))
        .unwrap();
    let clock = time.clone();
    spawn(&time, async move { logged.note(&clock, "waited") });

    time.advance(170 * MS);

    assert_eq!(log.take(), [(170, "waited"), (170, "first"), (170, "second")]);
    assert_eq!(time.elapsed(), 170 * MS);
}

#[test]
fn advance_goes_no_further_than_a_job_that_blocks_beyond_it() {
    // The task blocks for longer than it sleeps, so a round always finds work, later and later.
    let (time, log) = (VirtualTime::new(), Log::default());
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move {
        loop {
            let due = clock.sleep(100 * MS);
            clock.block_for(170 * MS);
            logged.note(&clock, "blocked");
            yield_now().await;
            due.await;
        }
    });
    time.advance(50 * MS);
    assert_eq!(log.take(), [(170, "blocked")]);
}

#[test]
fn a_round_ends_before_timers_fire_again() {
    // The sleep comes due in the middle of a round, but fires after the task that the round's last task spawns.
    let (time, log) = (VirtualTime::new(), Log::default());
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move {
        clock.sleep(10 * MS).await;
        logged.note(&clock, "slept");
    });
    time.run_until_stalled();
    let clock = time.clone();
    time.spawn_blocking(Box::new(move || clock.block_for(20 * MS))).unwrap();
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move {
        let inner = clock.clone();
        spawn(&clock, async move { logged.note(&inner, "spawned") });
    });

    time.run_until_stalled();

    assert_eq!(log.take(), [(20, "spawned"), (20, "slept")]);
}

#[test]
fn advance_leaves_what_came_due_while_a_job_blocked_beyond_it() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(60 * MS));
    let clock = time.clone();
    spawn(&time, async move {
        clock.sleep(10 * MS).await;
        clock.block_for(200 * MS);
    });

    time.advance(100 * MS);
    assert_eq!((time.elapsed(), time.tasks(), time.timers()), (210 * MS, 1, 1));

    time.advance(Duration::ZERO);
    assert_eq!((time.elapsed(), time.tasks(), time.timers()), (210 * MS, 0, 0));
}

#[test]
fn block_on_borrows_and_moves_the_clock() {
    let time = VirtualTime::new();
    let local = std::rc::Rc::new(5);
    let answer = time.block_on(async {
        time.sleep(10 * MS).await;
        time.sleep(10 * MS).await;
        *local
    });
    assert_eq!((answer, time.elapsed()), (5, 20 * MS));
}

#[test]
fn block_on_runs_tasks_and_leaves_the_rest() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(10 * MS));
    spawn(&time, time.sleep(30 * MS));
    time.block_on(time.sleep(20 * MS));
    assert_eq!((time.elapsed(), time.tasks()), (20 * MS, 1));
}

#[test]
fn block_on_names_a_deadlock() {
    let time = VirtualTime::new();
    spawn(&time, pending());
    let message = panic_of(|| time.block_on(pending()));
    assert!(message.contains("deadlock") && message.contains("1 wait"), "{message}");
    time.block_on(time.sleep(MS)); // the runtime still works
}

#[test]
fn what_never_ends_is_told_to() {
    let time = VirtualTime::new();
    let clock = time.clone();
    spawn(&time, async move {
        loop {
            clock.sleep(MS).await;
        }
    });
    let message = panic_of(|| time.block_on(pending()));
    assert!(message.contains("still pending"), "{message}");

    let time = VirtualTime::new();
    spawn(
        &time,
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        }),
    );
    let message = panic_of(|| time.run_until_stalled());
    assert!(message.contains("keeps waking itself"), "{message}");
}

#[test]
fn driving_from_inside_a_task_panics() {
    let drives: [fn(&VirtualTime); 3] = [
        |time| time.advance(MS),
        |time| time.run_until_stalled(),
        |time| time.block_on(async {}),
    ];
    for drive in drives {
        let time = VirtualTime::new();
        let inner = time.clone();
        spawn(&time, async move { drive(&inner) });
        let message = panic_of(|| time.run_until_stalled());
        assert!(message.contains("from inside a task"), "{message}");

        let message = panic_of(|| time.block_on(async { drive(&time) }));
        assert!(message.contains("from inside a task"), "{message}");
        drive(&time);
    }
}

#[test]
fn a_panic_comes_out_and_the_rest_goes_on() {
    let (time, log) = (VirtualTime::new(), Log::default());
    let guard = OnDrop(log.clone(), time.clone(), "dropped");
    spawn(&time, async move {
        let _guard = guard;
        panic!("boom");
    });
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move { logged.note(&clock, "unharmed") });

    assert_eq!(panic_of(|| time.advance(MS)), "boom");
    assert_eq!(log.take(), [(0, "dropped")]);
    assert_eq!(time.tasks(), 1);

    time.advance(MS);
    assert_eq!(log.take(), [(0, "unharmed")]);
}

#[test]
fn a_destructor_may_use_the_runtime() {
    let (time, log) = (VirtualTime::new(), Log::default());
    for _ in 0..2 {
        let guard = OnDrop(log.clone(), time.clone(), "dropped");
        let clock = time.clone();
        spawn(&time, async move {
            let _guard = guard;
            clock.sleep(MS).await;
        });
    }
    time.run_until_stalled();
    time.shut_down();
    assert_eq!(log.take(), [(0, "dropped"), (0, "dropped")]);
    assert_eq!((time.tasks(), time.timers()), (0, 0));
}

#[test]
fn shut_down_from_inside_drops_the_task_after_its_poll() {
    let (time, log) = (VirtualTime::new(), Log::default());
    let guard = OnDrop(log.clone(), time.clone(), "dropped");
    let (clock, logged) = (time.clone(), log.clone());
    spawn(&time, async move {
        let _guard = guard;
        clock.shut_down();
        logged.note(&clock, "still here");
        pending::<()>().await;
    });
    time.run_until_stalled();
    assert_eq!(log.take(), [(0, "still here"), (0, "dropped")]);
    assert_eq!(time.tasks(), 0);
}

#[test]
fn after_shut_down_nothing_fires() {
    let time = VirtualTime::new();
    let (past, mut set) = (time.sleep(Duration::ZERO), time.sleep(MS));
    assert!(set.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    time.shut_down();
    time.advance(2 * MS);

    assert_eq!((time.elapsed(), time.timers()), (2 * MS, 0));
    assert!(panic_of(|| time.block_on(past)).contains("deadlock"));
    assert!(panic_of(|| time.block_on(set)).contains("deadlock"));
    assert!(time.spawn(Box::pin(async {})).unwrap_err().is_shutdown());
    assert!(time.spawn_blocking(Box::new(|| ())).is_err());
}

#[test]
fn refused_spawns_come_before_dropped_ones() {
    let time = VirtualTime::new();
    time.refuse_spawns(2);
    time.drop_spawns(1);
    assert!(time.spawn(Box::pin(async {})).unwrap_err().is_shutdown());
    assert!(time.spawn_blocking(Box::new(|| ())).is_err());
    let guard = OnDrop(Log::default(), time.clone(), "dropped"); // its destructor uses the runtime
    let log = guard.0.clone();
    assert!(
        time.spawn(Box::pin(async move {
            let _guard = guard;
            panic!("must not run");
        }))
        .is_ok()
    );
    assert_eq!((log.take(), time.tasks()), (vec![(0, "dropped")], 0));
    spawn(&time, async {});
    assert_eq!(time.tasks(), 1);
    time.run_until_stalled();
}

#[test]
fn timers_wait_for_a_clock_that_stepped_back() {
    let time = VirtualTime::new();
    time.advance(10 * MS);
    spawn(&time, time.sleep(MS));
    time.run_until_stalled();
    time.step_back(5 * MS);
    time.advance(5 * MS);
    assert_eq!(time.tasks(), 1);
    time.advance(MS);
    assert_eq!(time.tasks(), 0);
}

#[test]
fn a_timer_that_fired_before_a_step_back_waits_again() {
    let time = VirtualTime::new();
    let sleeping = time.sleep(MS);
    let clock = time.clone();
    spawn(&time, sleeping);
    time.run_until_stalled();
    time.jump(MS);
    // This task is ready before the timer fires. The round therefore polls the task after the timer, before the
    // sleeper.
    spawn(
        &time,
        poll_fn(move |_| {
            clock.step_back(MS);
            Poll::Ready(())
        }),
    );
    time.run_until_stalled();
    assert_eq!((time.tasks(), time.timers()), (1, 1));
    time.advance(MS);
    assert_eq!(time.tasks(), 0);
}

#[test]
fn two_runs_are_alike() {
    fn trace() -> Vec<(u128, &'static str)> {
        let (time, log) = (VirtualTime::new(), Log::default());
        for (name, every) in [("a", 7), ("b", 5), ("c", 7)] {
            let (clock, log) = (time.clone(), log.clone());
            spawn(&time, async move {
                loop {
                    clock.sleep(every * MS).await;
                    log.note(&clock, name);
                }
            });
        }
        time.advance(35 * MS);
        log.take()
    }
    let first = trace();
    assert_eq!(first.len(), 5 + 7 + 5);
    assert_eq!(first, trace());
}

/// When sleeps of a second end that are set at once, in nanoseconds.
fn ends(time: &VirtualTime, sleep: impl Fn(&VirtualTime) -> BoxFuture<'static, ()>) -> Vec<u128> {
    let log = Log::default();
    for _ in 0..200 {
        let (sleep, clock, log) = (sleep(time), time.clone(), log.clone());
        spawn(time, async move {
            sleep.await;
            log.note(&clock, "");
        });
    }
    time.advance(1_100 * MS);
    log.take().into_iter().map(|(at, _)| at).collect()
}

#[test]
fn inexact_timers_are_late_by_a_random_part_and_the_clock_is_exact() {
    let sleeps = |seed| {
        let time = VirtualTime::new().with_inexact_timers(seed, 50 * MS);
        let ends = ends(&time, |time| time.sleep(1_000 * MS));
        assert_eq!(time.elapsed(), 1_100 * MS);
        ends
    };
    let first = sleeps(1);
    assert!(first.iter().all(|end| (1_000..1_050).contains(end)), "{first:?}");
    assert!(first.contains(&1_001) && first.contains(&1_048), "{first:?}");
    assert_eq!(first, sleeps(1));
    assert_ne!(first, sleeps(2));
}

#[test]
fn inexact_timers_wake_a_scheduler_early_now_and_then() {
    let time = VirtualTime::new().with_inexact_timers(1, 50 * MS);
    let ends = ends(&time, |time| time.sleep_until(time.now() + 1_000 * MS));
    let early = ends.iter().filter(|end| **end == 500).count();
    assert!((10..50).contains(&early), "{early}");
    assert!(
        ends.iter().all(|end| *end == 500 || (1_000..1_050).contains(end)),
        "{ends:?}"
    );
}

#[test]
fn timers_that_are_over_are_over_at_once_however_inexact() {
    let time = VirtualTime::new().with_inexact_timers(1, 50 * MS);
    time.block_on(time.sleep_until(time.now()));
    time.block_on(time.sleep(Duration::ZERO));
    assert_eq!(time.elapsed(), Duration::ZERO);
}

#[test]
fn debug_shows_what_is_there() {
    let time = VirtualTime::new();
    spawn(&time, time.sleep(MS));
    time.advance(Duration::ZERO);
    assert_eq!(
        format!("{time:?}"),
        "VirtualTime { elapsed: 0ns, tasks: 1, timers: 1, .. }"
    );
}

#[test]
fn the_handle_goes_everywhere() {
    fn everywhere<T: Clone + Send + Sync + fmt::Debug + Default + panic::UnwindSafe + 'static>() {}
    everywhere::<VirtualTime>();
    let _runtime: Arc<dyn crate::runtime::Runtime> = Arc::new(VirtualTime::default());
}
