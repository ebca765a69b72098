//! One job is cancelled, stopped and waited for, and its runs choose the next, against ticks and the ends of runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use atevery::{Allow, Job, Run};
use shuttle::thread;

use crate::explore;
use crate::world::{Gate, SECOND, TICK, World, at_gate, at_once, in_turns};

/// Waits until a run is in progress, and cancels it.
fn cancels(job: &Job) -> thread::JoinHandle<()> {
    let job = job.clone();
    thread::spawn(move || {
        while !job.is_running() {
            thread::yield_now();
        }
        job.cancel();
    })
}

/// A run that is cancelled while it begins, waits or is polled ends, although nobody wakes it.
#[test]
fn a_cancel() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let never = Arc::new(Gate::default());
        let limit = world.tally.limit(1);
        let job = scheduler.every(SECOND).run(at_gate(&limit, &never)).unwrap();
        let canceller = cancels(&job);
        scheduler.start().unwrap();
        canceller.join().unwrap();
        world.settle();
        assert!(!job.is_running(), "the cancelled run goes on");
        assert_eq!((job.runs(), job.status().cancelled()), (1, 1));
        drop(job);
        world.end(scheduler);
    });
}

/// A cancel meets the end of the run. The next run is not cancelled by it.
#[test]
fn a_cancel_at_the_end_of_the_run() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let limit = world.tally.limit(1);
        let job = scheduler.every(TICK).run(in_turns(&limit, 2)).unwrap();
        scheduler.start().unwrap();
        let other = job.clone();
        let canceller = thread::spawn(move || other.cancel());
        world.clock().pass(TICK);
        canceller.join().unwrap();
        world.settle();
        let runs = job.runs();
        world.pass(2 * TICK);
        assert_eq!(job.runs(), runs + 2, "the job was lost");
        assert!(job.status().cancelled() <= 1);
        drop(job);
        world.end(scheduler);
    });
}

#[test]
fn a_cancel_of_several_runs_at_a_time() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let never = Arc::new(Gate::default());
        let limit = world.tally.limit(2);
        let builder = scheduler.every(TICK).times(2).on_overlap(Allow(2));
        let job = builder.run(at_gate(&limit, &never)).unwrap();
        scheduler.start().unwrap();
        world.clock().pass(TICK);
        let canceller = cancels(&job);
        canceller.join().unwrap();
        world.pass(TICK);
        job.cancel();
        world.settle();
        assert!(!job.is_running(), "a cancelled run goes on");
        drop(job);
        world.end(scheduler);
    });
}

/// Once a stop of a job has returned, no run of the job is in progress, and none begins.
#[test]
fn a_stop_of_a_job() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let never = Arc::new(Gate::default());
        let limits = [world.tally.limit(1), world.tally.limit(1)];
        let stopped = scheduler.every(TICK).run(at_gate(&limits[0], &never)).unwrap();
        let other = scheduler.every(TICK).run(at_once(&limits[1])).unwrap();
        scheduler.start().unwrap();
        let clock = world.clock();
        let time = thread::spawn(move || clock.pass(TICK));
        let report = stopped.stop().blocking_wait();
        assert!(report.is_clean() && !stopped.is_running());
        let runs = stopped.runs();
        time.join().unwrap();
        world.pass(TICK);
        assert_eq!(stopped.runs(), runs, "a run began after the stop");
        let runs = other.runs();
        world.pass(TICK);
        assert_eq!(other.runs(), runs + 1, "the other job was lost");
        drop((report, stopped, other));
        world.end(scheduler);
    });
}

/// Two stops of one job, and a stop of its scheduler.
#[test]
fn three_stops() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let job = scheduler.every(TICK).run(in_turns(&world.tally.limit(1), 3)).unwrap();
        scheduler.start().unwrap();
        let stops: Vec<_> = [Duration::ZERO, SECOND]
            .into_iter()
            .map(|grace| {
                let job = job.clone();
                thread::spawn(move || assert!(job.stop().grace(grace).blocking_wait().is_clean()))
            })
            .collect();
        let report = scheduler.stop().blocking_wait();
        world.check_stop(report);
        for stop in stops {
            stop.join().unwrap();
        }
        assert!(scheduler.jobs().is_empty());
        drop(job);
        world.end(scheduler);
    });
}

/// A task that waits for the end of a run or of the job is woken, whatever comes at the same time.
#[test]
fn waits_for_one_job() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let builder = scheduler.every(TICK).times(2);
        let job = builder.run(in_turns(&world.tally.limit(1), 2)).unwrap();
        scheduler.start().unwrap();
        let ready = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let (idle, removed) = (job.idle(), job.removed());
        let [is_idle, is_removed] = ready.each_ref().map(Arc::clone);
        world.spawn(async move {
            idle.await;
            is_idle.store(true, SeqCst);
        });
        world.spawn(async move {
            removed.await;
            is_removed.store(true, SeqCst);
        });
        world.clock().pass(TICK);
        world.pass(2 * TICK);
        assert!(ready.iter().all(|ready| ready.load(SeqCst)), "a task sleeps on");
        drop(job);
        world.end(scheduler);
    });
}

/// The same when the scheduler goes.
#[test]
fn waits_for_a_job_whose_scheduler_goes() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let never = Arc::new(Gate::default());
        let job = scheduler
            .every(TICK)
            .run(at_gate(&world.tally.limit(1), &never))
            .unwrap();
        scheduler.start().unwrap();
        let ready = Arc::new(AtomicU64::new(0));
        let (idle, removed) = (job.idle(), job.removed());
        for wait in [
            futures::future::Either::Left(idle),
            futures::future::Either::Right(removed),
        ] {
            let ready = Arc::clone(&ready);
            world.spawn(async move {
                wait.await;
                ready.fetch_add(1, SeqCst);
            });
        }
        let time = world.clock();
        let time = thread::spawn(move || time.pass(TICK));
        drop(job);
        drop(scheduler);
        time.join().unwrap();
        world.settle();
        assert_eq!(ready.load(SeqCst), 2, "a task sleeps on");
        world.close();
    });
}

/// A last run, and a trigger at the same time: no run follows.
#[test]
fn a_last_run() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let target = world.tally.limit(1).target();
        let run = move |run: Run| {
            let _inside = target.begin();
            run.last();
            thread::yield_now();
        };
        let job = scheduler.every(TICK).run(run).unwrap();
        scheduler.start().unwrap();
        let other = job.clone();
        let user = thread::spawn(move || {
            while !other.is_running() && other.runs() == 0 {
                thread::yield_now();
            }
            other.trigger();
        });
        user.join().unwrap();
        world.pass(2 * TICK);
        assert_eq!(job.runs(), 1, "a run follows the last");
        assert!(scheduler.jobs().is_empty());
        drop(job);
        world.end(scheduler);
    });
}

/// A run chooses the next one while the interval changes: the job goes on at one of the two.
#[test]
fn a_choice_and_a_change_of_the_interval() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let target = world.tally.limit(1).target();
        let run = move |run: Run| {
            let _inside = target.begin();
            if run.number() == 0 {
                thread::yield_now();
                run.next_in(3 * TICK);
            }
        };
        let job = scheduler.every(SECOND).run(run).unwrap();
        scheduler.start().unwrap();
        let other = job.clone();
        let user = thread::spawn(move || other.set_interval(TICK).unwrap());
        world.settle();
        user.join().unwrap();
        world.pass(4 * TICK);
        assert!(job.runs() >= 2, "the job was lost");
        let runs = job.runs();
        world.pass(TICK);
        assert_eq!(job.runs(), runs + 1);
        drop(job);
        world.end(scheduler);
    });
}
