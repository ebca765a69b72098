//! Holders of `Ticks`, against ticks, stops, removals and drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use atevery::{Job, Scheduler, Ticks};
use futures::StreamExt;
use shuttle::thread;

use crate::explore;
use crate::world::{TICK, World, at_once};

/// A holder that does all its runs, as a task on the executor of the world.
#[derive(Clone, Default)]
struct Holder {
    runs: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
}

impl Holder {
    /// Holds the ticks until they end, or until so many runs have begun.
    fn spawn(world: &World, mut ticks: Ticks, most: u64) -> Holder {
        let holder = Holder::default();
        let its = holder.clone();
        world.spawn(async move {
            while let Some(run) = ticks.next().await {
                assert_eq!(run.number(), its.runs.fetch_add(1, SeqCst));
                if its.runs.load(SeqCst) == most {
                    break;
                }
            }
            drop(ticks);
            its.has_ended.store(true, SeqCst);
        });
        holder
    }

    fn runs(&self) -> u64 {
        self.runs.load(SeqCst)
    }

    fn check_end(&self, scheduler: &Scheduler) {
        assert!(self.has_ended.load(SeqCst), "the holder sleeps on");
        assert!(scheduler.jobs().is_empty(), "a job is left");
    }
}

fn started(world: &World) -> (Scheduler, Ticks, Job) {
    let scheduler = world.scheduler();
    scheduler.start().unwrap();
    let ticks = scheduler.every(TICK).ticks().unwrap();
    let job = ticks.job().clone();
    (scheduler, ticks, job)
}

#[test]
fn a_holder_gets_each_run() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        world.clock().pass(TICK);
        world.pass(3 * TICK);
        let runs = holder.runs();
        world.pass(2 * TICK);
        assert_eq!(holder.runs(), runs + 2, "a run was lost");
        assert_eq!(holder.runs(), job.runs());
        scheduler.stop().detach();
        world.settle();
        holder.check_end(&scheduler);
        drop(job);
        world.end(scheduler);
    });
}

#[test]
fn a_stop_and_a_tick() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        let clock = world.clock();
        let time = thread::spawn(move || clock.pass(TICK));
        // The holder may be at a run, which the stop then names as still running.
        drop(scheduler.stop().blocking_wait());
        time.join().unwrap();
        world.settle();
        holder.check_end(&scheduler);
        assert!(!job.is_running());
        drop(job);
        world.end(scheduler);
    });
}

/// With a grace, the triggered run begins and ends, or had begun before.
#[test]
fn a_stop_with_a_grace_and_a_trigger() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        world.settle();
        let runs = holder.runs();
        job.trigger();
        let report = scheduler.stop().grace(TICK).blocking_wait();
        assert!(report.is_clean(), "{report}");
        drop(report);
        world.settle();
        assert!(holder.runs() > runs, "the triggered run was lost");
        holder.check_end(&scheduler);
        drop(job);
        world.end(scheduler);
    });
}

#[test]
fn a_removal_and_a_tick() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        let clock = world.clock();
        let time = thread::spawn(move || clock.pass(TICK));
        job.remove();
        drop(job);
        time.join().unwrap();
        world.settle();
        holder.check_end(&scheduler);
        world.end(scheduler);
    });
}

/// The holder goes while the next tick comes. Another job is not disturbed.
#[test]
fn a_drop_and_a_tick() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        drop(job);
        let other = scheduler.every(TICK).run(at_once(&world.tally.limit(1))).unwrap();
        let holder = Holder::spawn(&world, ticks, 1);
        world.clock().pass(TICK);
        world.clock().pass(TICK);
        world.pass(TICK);
        assert!(holder.has_ended.load(SeqCst), "the holder sleeps on");
        let runs = other.runs();
        world.pass(TICK);
        assert_eq!(other.runs(), runs + 1, "the other job was lost");
        other.remove();
        drop(other);
        holder.check_end(&scheduler);
        world.end(scheduler);
    });
}

#[test]
fn the_drop_of_the_scheduler_and_a_tick() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        drop(job);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        let clock = world.clock();
        let time = thread::spawn(move || clock.pass(TICK));
        drop(scheduler);
        time.join().unwrap();
        world.settle();
        assert!(holder.has_ended.load(SeqCst), "the holder sleeps on");
        world.close();
    });
}

/// A pause while a run is on offer.
#[test]
fn a_pause_and_a_tick() {
    explore(|| {
        let world = World::new(2);
        let (scheduler, ticks, job) = started(&world);
        let holder = Holder::spawn(&world, ticks, u64::MAX);
        let other = job.clone();
        let user = thread::spawn(move || {
            other.pause();
            other.resume();
        });
        world.clock().pass(TICK);
        user.join().unwrap();
        world.pass(2 * TICK);
        let runs = holder.runs();
        world.pass(TICK);
        assert_eq!(holder.runs(), runs + 1, "the job was lost");
        scheduler.stop().detach();
        world.settle();
        holder.check_end(&scheduler);
        drop(job);
        world.end(scheduler);
    });
}
