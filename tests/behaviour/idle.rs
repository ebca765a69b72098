//! `Job::idle` and `Job::removed`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake};

use atevery::{Job, Run};

use crate::support::{Count, SECOND, World, ms, poll_once};

struct CountsWakes(Count);

impl Wake for CountsWakes {
    fn wake(self: Arc<Self>) {
        self.0.up();
    }
}

/// Polls a future, which is pending. Returns how often it is woken from then on.
macro_rules! wakes_of {
    ($future:expr) => {{
        let count = Count::default();
        let waker = Arc::new(CountsWakes(count.clone())).into();
        assert!($future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        count
    }};
}

#[test]
fn a_job_is_idle_when_its_run_has_ended() {
    let world = World::new();
    let job = world.taking("job", 1_000, 300);
    assert!(poll_once(pin!(job.idle())).is_ready());
    world.start();
    let mut idle = pin!(job.idle());
    let wakes = wakes_of!(idle);
    world.advance(290);
    assert_eq!(wakes.get(), 0);
    world.advance(10);
    assert_eq!(wakes.get(), 1);
    assert!(poll_once(idle).is_ready());
}

#[test]
fn a_job_that_is_only_on_offer_is_idle() {
    let world = World::started();
    let job = world.noting("job", 1_000);
    assert!(poll_once(pin!(job.idle())).is_ready());
}

#[test]
fn inside_its_own_run_a_job_counts_as_idle() {
    let world = World::new();
    let log = world.log.clone();
    let target = move |run: Run| {
        let log = log.clone();
        async move {
            run.job().idle().await;
            log.note("idle");
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    assert_eq!(world.log.take_names(), ["idle"]);
}

#[test]
fn inside_another_run_the_end_is_awaited() {
    let world = World::new();
    let slow = world.taking("slow", 1_000, 300);
    let log = world.log.clone();
    let target = move || {
        let (slow, log) = (slow.clone(), log.clone());
        async move {
            slow.idle().await;
            log.note("idle");
        }
    };
    world.every(1_000).run(target).unwrap();
    world.start();
    world.advance(500);
    assert_eq!(world.log.take(), [(0, "slow".into()), (300, "idle".into())]);
}

#[test]
fn a_job_is_removed_in_every_way() {
    type Removal = fn(&World, &Job);
    let ways: [(&str, Removal); 4] = [
        ("remove", |_, job| job.remove()),
        ("stop", |world, job| drop(world.time.block_on(job.stop()))),
        ("times", |world, _| world.advance(5_000)),
        ("guard", |_, job| drop(job.clone().remove_on_drop())),
    ];
    for (way, remove) in ways {
        let world = World::new();
        let job = world.every(1_000).times(3).run(|| ()).unwrap();
        world.start();
        let mut removed = pin!(job.removed());
        let wakes = wakes_of!(removed);
        world.advance(1_000);
        // A run that ends may wake the task, which then looks again.
        let before = wakes.get();
        assert!(poll_once(removed.as_mut()).is_pending(), "{way}");
        let wakes = wakes_of!(removed);
        remove(&world, &job);
        assert!(wakes.get() >= 1, "{way}, {before}");
        assert!(poll_once(removed).is_ready(), "{way}");
    }
}

#[test]
fn both_futures_are_ready_when_the_scheduler_goes_whoever_holds_what() {
    for holds_job in [false, true] {
        for runs in [false, true] {
            let world = World::new();
            let job = world.endless("endless");
            if runs {
                world.start();
            }
            let mut removed = pin!(job.removed());
            let removed_wakes = wakes_of!(removed);
            let mut idle = pin!(job.idle());
            let idle_wakes = runs.then(|| wakes_of!(idle));
            let kept = holds_job.then(|| job.clone());
            drop(job);
            let time = world.time.clone();
            drop(world);
            time.run_until_stalled();
            assert_eq!(removed_wakes.get(), 1, "{holds_job} {runs}");
            assert!(poll_once(removed).is_ready());
            assert!(idle_wakes.is_none_or(|wakes| wakes.get() >= 1));
            assert!(poll_once(idle).is_ready());
            drop(kept);
        }
    }
}

#[test]
fn the_futures_keep_neither_the_job_nor_the_scheduler_alive() {
    let world = World::new();
    let dropped = Count::default();
    let counts = dropped.on_drop();
    let job = world
        .every(1_000)
        .run(move || {
            let _ = &counts;
        })
        .unwrap();
    let (mut idle, mut removed) = (pin!(job.idle()), pin!(job.removed()));
    let _ = poll_once(idle.as_mut());
    let _ = poll_once(removed.as_mut());
    job.remove();
    drop(job);
    assert_eq!(dropped.get(), 1);
}

#[test]
fn many_wait_for_many_and_none_is_forgotten() {
    let world = World::new();
    let jobs: Vec<Job> = (0..50)
        .map(|number| world.taking("job", 10_000, number * 10 + 5))
        .collect();
    world.start();
    let mut waits: Vec<_> = jobs.iter().map(|job| Box::pin(job.idle())).collect();
    let counts: Vec<Count> = waits.iter_mut().map(|idle| wakes_of!(idle)).collect();
    // Some leave again.
    waits.truncate(40);
    world.time.advance(SECOND);
    for (count, idle) in counts.iter().zip(&mut waits) {
        assert_eq!(count.get(), 1);
        assert!(poll_once(idle.as_mut()).is_ready());
    }
    assert_eq!(counts[40..].iter().map(Count::get).sum::<usize>(), 0);
    world.time.advance(ms(1));
}
