//! A crowd of plain jobs runs the same whether or not every run is timed.
//!
//! Jobs whose targets take a `Run` are always timed, and so are all jobs of the scenarios. Here targets take nothing,
//! and one path of the scheduler is compared with the other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Job, Scheduler};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const TICK: Duration = Duration::from_millis(50);

/// A batch has more than one job from 128 jobs on.
const CROWD: usize = 150;

#[derive(Debug, Clone, Copy)]
enum Op {
    Advance { millis: u64 },
    Trigger { job: usize },
    Pause { job: usize },
    Resume { job: usize },
    SetInterval { job: usize, ticks: u32 },
    Remove { job: usize },
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let job = || 0..CROWD;
    prop_oneof![
        6 => (1..400_u64).prop_map(|millis| Op::Advance { millis }),
        2 => job().prop_map(|job| Op::Trigger { job }),
        1 => job().prop_map(|job| Op::Pause { job }),
        1 => job().prop_map(|job| Op::Resume { job }),
        1 => (job(), 1..6_u32).prop_map(|(job, ticks)| Op::SetInterval { job, ticks }),
        1 => job().prop_map(|job| Op::Remove { job }),
        1 => Just(Op::Restart),
    ]
}

/// The runs: the instant and the job.
type Runs = Arc<Mutex<Vec<(Duration, usize)>>>;

/// The runs of a crowd, and how often each job has run at the end.
fn play(ops: &[Op], times_every_run: bool) -> (Vec<(Duration, usize)>, Vec<u64>) {
    let time = VirtualTime::new();
    let mut builder = Scheduler::builder(time.clone());
    if times_every_run {
        builder = builder.time_every_run();
    }
    let scheduler = builder.build().unwrap();
    let runs = Runs::default();
    let jobs: Vec<Job> = (0..CROWD).map(|job| register(&scheduler, &time, &runs, job)).collect();
    scheduler.start().unwrap();
    for op in ops {
        apply(*op, &scheduler, &time, &jobs);
    }
    let seen = runs.lock().unwrap().clone();
    (seen, jobs.iter().map(Job::runs).collect())
}

/// A job of one to four ticks. Every third is asynchronous, and every ninth waits.
fn register(scheduler: &Scheduler, time: &VirtualTime, runs: &Runs, job: usize) -> Job {
    let (begin, clock, runs) = (time.now(), time.clone(), Arc::clone(runs));
    let note = move || runs.lock().unwrap().push((clock.now() - begin, job));
    let builder = scheduler.every(TICK * (1 + job as u32 % 4));
    if job % 9 == 0 {
        let clock = time.clone();
        let wait = Duration::from_millis(10 * job as u64 % 130);
        builder.run(move || {
            note();
            clock.sleep(wait)
        })
    } else if job % 3 == 0 {
        builder.run(move || {
            note();
            std::future::ready(())
        })
    } else {
        builder.run(note)
    }
    .unwrap()
}

fn apply(op: Op, scheduler: &Scheduler, time: &VirtualTime, jobs: &[Job]) {
    match op {
        Op::Advance { millis } => time.advance(Duration::from_millis(millis)),
        Op::Trigger { job } => jobs[job].trigger(),
        Op::Pause { job } => jobs[job].pause(),
        Op::Resume { job } => jobs[job].resume(),
        Op::SetInterval { job, ticks } => jobs[job].set_interval(TICK * ticks).unwrap(),
        Op::Remove { job } => jobs[job].remove(),
        Op::Restart => {
            time.block_on(scheduler.stop());
            scheduler.start().unwrap();
        }
    }
}

/// One in so many of the scenarios of the model.
const PLAYS: u32 = 20;

#[test]
fn timed_runs_and_others_come_at_the_same_instants() {
    let config = Config {
        cases: crate::config().cases / PLAYS,
        failure_persistence: None,
        ..Config::default()
    };
    let compared = TestRunner::new(config).run(&vec(op(), 1..40), |ops| {
        prop_assert_eq!(play(&ops, false), play(&ops, true));
        Ok(())
    });
    if let Err(difference) = compared {
        panic!("{difference}");
    }
}
