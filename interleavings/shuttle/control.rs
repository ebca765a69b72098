//! Jobs are registered, removed and changed, against ticks and the ends of runs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atevery::{Allow, Job, JobBuilder, MissedTicks, Overlap, Run};
use shuttle::rand::Rng;
use shuttle::thread;

use crate::explore;
use crate::world::{Gate, SECOND, TICK, World, at_gate, at_once, in_turns};

/// The loop notices a registration while it goes to sleep, or serves a tick.
#[test]
fn a_registration() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        scheduler.start().unwrap();
        let other = scheduler.clone();
        let limits = [world.tally.limit(1), world.tally.limit(1)];
        let [early, late] = limits.map(|limit| at_once(&limit));
        let registered = thread::spawn(move || other.every(SECOND).run(early).unwrap());
        let late = scheduler.every(SECOND).run(late).unwrap();
        let early = registered.join().unwrap();
        world.settle();
        world.pass(TICK);
        assert_eq!((early.runs(), late.runs()), (1, 1), "the loop sleeps");
        world.end(scheduler);
    });
}

#[test]
fn a_removal() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let limit = world.tally.limit(2);
        let jobs = [
            scheduler.every(TICK).run(in_turns(&limit, 2)).unwrap(),
            scheduler.every(TICK).run_blocking(at_once(&limit)).unwrap(),
        ];
        scheduler.start().unwrap();
        let users = jobs.map(|job| thread::spawn(move || job.remove()));
        world.clock().pass(TICK);
        for user in users {
            user.join().unwrap();
        }
        world.settle();
        assert_eq!(world.tally.targets(), 0, "targets of removed jobs are left");
        let begun = world.tally.begun();
        world.pass(2 * TICK);
        assert_eq!(world.tally.begun(), begun, "a removed job runs");
        world.end(scheduler);
    });
}

/// After any control of a job, the job runs as often as it should.
#[test]
fn all_sorts_of_control() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let intervals = [TICK, 2 * TICK, Duration::MAX];
        let jobs = [
            scheduler
                .every(2 * TICK)
                .run(in_turns(&world.tally.limit(1), 2))
                .unwrap(),
            scheduler
                .every(TICK)
                .run_blocking(at_once(&world.tally.limit(1)))
                .unwrap(),
            scheduler
                .every(TICK)
                .on_overlap(Overlap::Replace)
                .run(in_turns(&world.tally.limit(1), 3))
                .unwrap(),
        ];
        scheduler.start().unwrap();
        let user = |job: &Job| {
            let job = job.clone();
            thread::spawn(move || {
                for _ in 0..3 {
                    match shuttle::rand::thread_rng().gen_range(0..5) {
                        0 => job.pause(),
                        3 => job.cancel(),
                        1 => job.resume(),
                        2 => job.trigger(),
                        _ => job
                            .set_interval(intervals[shuttle::rand::thread_rng().gen_range(0..3)])
                            .unwrap(),
                    }
                }
            })
        };
        let users: Vec<_> = jobs.iter().chain(&jobs[..1]).map(user).collect();
        for _ in 0..2 {
            world.clock().pass(TICK);
        }
        for user in users {
            user.join().unwrap();
        }
        for job in &jobs {
            job.resume();
            job.set_interval(TICK).unwrap();
        }
        // Missed runs are made up.
        world.pass(8 * TICK);
        let runs = jobs.each_ref().map(Job::runs);
        world.pass(TICK);
        for (job, runs) in jobs.iter().zip(runs) {
            assert_eq!(job.runs(), runs + 1, "a job was lost, or runs too often");
        }
        drop(jobs);
        world.end(scheduler);
    });
}

#[test]
fn a_trigger() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let gate = Arc::new(Gate::default());
        let job = scheduler
            .every(SECOND)
            .run(at_gate(&world.tally.limit(1), &gate))
            .unwrap();
        scheduler.start().unwrap();
        world.settle();
        let (other, clock) = (job.clone(), world.clock());
        let threads = [
            thread::spawn(move || other.trigger()),
            thread::spawn(move || clock.pass(TICK)),
        ];
        gate.open();
        for thread in threads {
            thread.join().unwrap();
        }
        world.settle();
        world.pass(2 * TICK);
        assert_eq!(job.runs(), 2, "the trigger was lost, or served twice");
        world.end(scheduler);
    });
}

/// No run begins before it is scheduled, although the run before was late.
#[test]
fn late_runs() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let target = world.tally.limit(1).target();
        let starts: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let noted = Arc::clone(&starts);
        let run = move |run: Run| {
            let _inside = target.begin();
            noted.lock().unwrap().push(run.started());
        };
        let interval = 2 * TICK;
        let builder = scheduler.every(interval).missed_ticks(MissedTicks::Delay);
        builder.run(run).unwrap();
        scheduler.start().unwrap();
        world.clock().pass(interval);
        world.settle();
        let starts = starts.lock().unwrap().clone();
        assert!(starts.windows(2).all(|two| two[1] - two[0] >= interval), "too early");
        world.end(scheduler);
    });
}

#[test]
fn a_replacement() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let replaced = |job: JobBuilder| job.on_overlap(Overlap::Replace);
        let endless = at_gate(&world.tally.limit(1), &Arc::default());
        let endless = replaced(scheduler.every(2 * TICK)).run(endless).unwrap();
        let blocking = at_once(&world.tally.limit(1));
        let blocking = replaced(scheduler.every(TICK)).run_blocking(blocking).unwrap();
        let short = in_turns(&world.tally.limit(1), 2);
        let short = replaced(scheduler.every(TICK)).run(short).unwrap();
        scheduler.start().unwrap();
        for _ in 0..3 {
            world.clock().pass(TICK);
        }
        world.settle();
        for job in [endless, blocking, short] {
            let runs = job.runs();
            world.pass(4 * TICK);
            assert!(job.runs() >= runs + 2, "{} runs after {runs}", job.runs());
        }
        world.end(scheduler);
    });
}

#[test]
fn a_group() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        scheduler.group("two", 2).unwrap();
        let limit = world.tally.limit(2);
        let in_group = || scheduler.every(4 * TICK).group("two");
        let jobs = [
            in_group().run(at_once(&limit)).unwrap(),
            in_group().run(in_turns(&limit, 2)).unwrap(),
            in_group().run(in_turns(&limit, 1)).unwrap(),
            in_group().run_blocking(at_once(&limit)).unwrap(),
        ];
        let removed = in_group().run(in_turns(&limit, 3)).unwrap();
        scheduler.start().unwrap();
        let remover = thread::spawn(move || removed.remove());
        world.clock().pass(TICK);
        remover.join().unwrap();
        world.settle();
        for job in &jobs {
            assert_eq!(job.runs(), 1, "one waits for ever");
        }
        world.end(scheduler);
    });
}

/// Each counted run calls the target. The target is dropped with the last run.
#[test]
fn a_removal_of_a_job_with_several_runs() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        let limit = world.tally.limit(2);
        let job = scheduler.every(TICK).on_overlap(Allow(2));
        let job = job.run(in_turns(&limit, 2)).unwrap();
        scheduler.start().unwrap();
        let removed = job.clone();
        let user = thread::spawn(move || removed.remove());
        for _ in 0..2 {
            world.clock().pass(TICK);
        }
        user.join().unwrap();
        world.settle();
        assert_eq!(world.tally.targets(), 0, "the target of a removed job is left");
        assert_eq!(world.tally.begun(), job.runs(), "a run without a target");
        world.pass(2 * TICK);
        assert_eq!(world.tally.begun(), job.runs(), "a removed job runs");
        drop(job);
        world.end(scheduler);
    });
}

/// After any control of the jobs, they run as often as they should, and the group has all its permits.
#[test]
fn all_sorts_of_control_of_jobs_with_several_runs() {
    explore(|| {
        let world = World::new(2);
        let scheduler = world.scheduler();
        scheduler.group("two", 2).unwrap();
        let limit = world.tally.limit(2);
        let several = || scheduler.every(TICK).on_overlap(Allow(2)).group("two");
        let jobs = [
            several().run(in_turns(&limit, 2)).unwrap(),
            several().run_blocking(at_once(&limit)).unwrap(),
        ];
        scheduler.start().unwrap();
        let user = |job: &Job| {
            let job = job.clone();
            thread::spawn(move || {
                for _ in 0..3 {
                    match shuttle::rand::thread_rng().gen_range(0..3) {
                        0 => job.pause(),
                        1 => job.resume(),
                        _ => job.trigger(),
                    }
                }
            })
        };
        let users: Vec<_> = jobs.iter().chain(&jobs[..1]).map(user).collect();
        for _ in 0..2 {
            world.clock().pass(TICK);
        }
        for user in users {
            user.join().unwrap();
        }
        jobs.iter().for_each(Job::resume);
        // Missed runs are made up.
        world.pass(8 * TICK);
        let runs = jobs.each_ref().map(Job::runs);
        world.pass(TICK);
        for (job, runs) in jobs.iter().zip(runs) {
            assert_eq!(job.runs(), runs + 1, "a job was lost, or runs too often");
        }
        drop(jobs);
        world.end(scheduler);
    });
}
