//! Timers that are late by less than a tick, and timers that wake early, change the tick of no run.
//!
//! The same jobs are played on exact timers and on inexact ones. Whatever is done from outside is done late in a tick,
//! when every timer of the tick has fired. Then each run must begin in the same tick, with the same number and the same
//! missed runs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use atevery::runtime::Timer;
use atevery::testing::VirtualTime;
use atevery::{Allow, FirstRun, Job, JobBuilder, MissedTicks, Run, Scheduler};
use proptest::collection::vec;
use proptest::prelude::*;

const TICK: Duration = Duration::from_millis(50);

/// Timers are late by less than this.
const LATE: Duration = Duration::from_millis(10);

/// When a run that sleeps ends, from the begin of a tick, or a little later: when the tick is served, however late, and
/// before something is done from outside. If a run was triggered, the next one begins at this end.
const END: Duration = Duration::from_millis(30);

/// When something is done from outside, from the begin of a tick.
const OUTSIDE: Duration = Duration::from_millis(47);

#[derive(Debug, Clone)]
struct Spec {
    /// In half ticks.
    interval: u32,
    policy: MissedTicks,
    first: FirstRun,
    fixed_delay: bool,
    allow: bool,
    times: Option<u64>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Sync,
    Blocking,
    /// Sleeps for so many ticks, and until `END`.
    Async(u32),
    /// Holds its thread for so many ticks, and until `END`, once.
    Holds(u32),
}

#[derive(Debug, Clone, Copy)]
enum Op {
    Pass { ticks: u32 },
    Jump { ticks: u32 },
    Trigger { job: usize },
    Pause { job: usize },
    Resume { job: usize },
    SetInterval { job: usize, half_ticks: u32 },
    Remove { job: usize },
    Restart,
}

fn spec() -> impl Strategy<Value = Spec> {
    let policy = prop_oneof![
        Just(MissedTicks::Burst),
        Just(MissedTicks::Skip),
        Just(MissedTicks::Delay)
    ];
    let first = prop_oneof![
        4 => Just(FirstRun::Now),
        1 => Just(FirstRun::AfterInterval),
        1 => (1..20_u32).prop_map(|half_ticks| FirstRun::After(TICK / 2 * half_ticks)),
    ];
    let kind = prop_oneof![
        3 => Just(Kind::Sync),
        1 => Just(Kind::Blocking),
        2 => (0..6_u32).prop_map(Kind::Async),
        1 => (1..6_u32).prop_map(Kind::Holds),
    ];
    let options = (any::<bool>(), any::<bool>(), prop::option::weighted(0.2, 1..20_u64));
    (4..16_u32, policy, first, options, kind).prop_map(|(interval, policy, first, options, kind)| {
        let (fixed_delay, allow, times) = options;
        Spec {
            // From the end of a run, whose instant is not exact, only whole ticks lead to the same tick.
            interval: if fixed_delay { interval / 2 * 2 } else { interval },
            policy,
            first,
            fixed_delay,
            allow,
            times,
            kind,
        }
    })
}

/// Specs of jobs that either sleep or hold the thread. If a tick and the end of a sleep have both passed, the order is
/// open.
fn specs() -> impl Strategy<Value = Vec<Spec>> {
    vec(spec(), 1..6).prop_map(|mut specs| {
        if sleep(&specs) {
            let holds = |spec: &&mut Spec| matches!(spec.kind, Kind::Holds(_));
            specs.iter_mut().filter(holds).for_each(|spec| spec.kind = Kind::Sync);
        }
        specs
    })
}

fn sleep(specs: &[Spec]) -> bool {
    specs.iter().any(|spec| matches!(spec.kind, Kind::Async(_)))
}

fn op() -> impl Strategy<Value = Op> {
    let job = || 0..6_usize;
    prop_oneof![
        8 => (1..40_u32).prop_map(|ticks| Op::Pass { ticks }),
        1 => (1..40_u32).prop_map(|ticks| Op::Jump { ticks }),
        2 => job().prop_map(|job| Op::Trigger { job }),
        1 => job().prop_map(|job| Op::Pause { job }),
        2 => job().prop_map(|job| Op::Resume { job }),
        2 => (job(), 2..8_u32).prop_map(|(job, ticks)| Op::SetInterval { job, half_ticks: 2 * ticks }),
        1 => job().prop_map(|job| Op::Remove { job }),
        1 => Just(Op::Restart),
    ]
}

/// The tick in which a run began, the job, the number of the run and what it missed.
type Runs = Vec<(u128, usize, u64, u64)>;

fn play(specs: &[Spec], ops: &[Op], time: VirtualTime) -> Runs {
    let scheduler = Scheduler::new(time.clone());
    let runs = Arc::new(Mutex::new(Runs::new()));
    let jobs: Vec<Job> = (0..)
        .zip(specs)
        .map(|(job, spec)| register(&scheduler, &time, &runs, job, spec))
        .collect();
    scheduler.start().unwrap();
    let begin = time.now();
    pass(&time, begin, OUTSIDE);
    for op in ops {
        // With a fixed delay, the interval counts from the very end of a triggered run.
        let is_open = match op {
            Op::Trigger { job } => specs[job % specs.len()].fixed_delay,
            Op::Jump { .. } => sleep(specs),
            _ => false,
        };
        if !is_open {
            apply(*op, &scheduler, &time, begin, &jobs);
        }
    }
    time.advance(TICK * 100);
    let mut seen = runs.lock().unwrap().clone();
    // Runs of a tick may begin in another order if a late timer has woken one before.
    seen.sort_unstable();
    time.shut_down();
    seen
}

fn register(scheduler: &Scheduler, time: &VirtualTime, runs: &Arc<Mutex<Runs>>, job: usize, spec: &Spec) -> Job {
    let builder = scheduler
        .every(TICK / 2 * spec.interval)
        .missed_ticks(spec.policy)
        .first_run(spec.first);
    let builder = if spec.fixed_delay {
        builder.fixed_delay()
    } else {
        builder
    };
    let builder = match spec.times {
        Some(times) => builder.times(times),
        None => builder,
    };
    let (begin, clock, runs) = (time.now(), time.clone(), Arc::clone(runs));
    let ticking = Ticking {
        clock: clock.clone(),
        begin,
    };
    let note = move |run: &Run| {
        let tick = (clock.now() - begin).as_nanos() / TICK.as_nanos();
        runs.lock().unwrap().push((tick, job, run.number(), run.missed()));
    };
    run(builder, ticking, note, spec)
}

struct Ticking {
    clock: VirtualTime,
    begin: Instant,
}

impl Ticking {
    /// How long it takes from now to the `END` that comes after so many ticks.
    fn to_end(&self, ticks: u32) -> Duration {
        let in_tick = (self.clock.now() - self.begin).as_nanos() % TICK.as_nanos();
        let in_tick = Duration::from_nanos(in_tick as u64);
        let end = if in_tick < END { END } else { TICK + END };
        TICK * ticks + end - in_tick
    }
}

fn run(builder: JobBuilder, ticking: Ticking, note: impl Fn(&Run) + Send + Sync + 'static, spec: &Spec) -> Job {
    match spec.kind {
        Kind::Sync => builder.run(move |run: Run| note(&run)),
        Kind::Blocking => builder.run_blocking(move |run: Run| note(&run)),
        Kind::Async(ticks) => {
            let target = move |run: Run| {
                note(&run);
                ticking.clock.sleep(ticking.to_end(ticks))
            };
            if spec.allow {
                builder.on_overlap(Allow(2)).run(target)
            } else {
                builder.run(target)
            }
        }
        Kind::Holds(ticks) => builder.run(move |run: Run| {
            note(&run);
            if run.number() == 2 {
                ticking.clock.block_for(ticking.to_end(ticks));
            }
        }),
    }
    .unwrap()
}

/// Lets time pass, and more if a job holds the thread for longer, until it is late in a tick.
fn pass(time: &VirtualTime, begin: Instant, by: Duration) {
    time.advance(by);
    loop {
        let offset = (time.now() - begin).as_nanos() % TICK.as_nanos();
        let outside = OUTSIDE.as_nanos();
        if offset == outside {
            return;
        }
        let left = (outside + TICK.as_nanos() - offset) % TICK.as_nanos();
        time.advance(Duration::from_nanos(left as u64));
    }
}

fn apply(op: Op, scheduler: &Scheduler, time: &VirtualTime, begin: Instant, jobs: &[Job]) {
    let job = |place: usize| &jobs[place % jobs.len()];
    match op {
        Op::Pass { ticks } => pass(time, begin, TICK * ticks),
        Op::Jump { ticks } => time.jump(TICK * ticks),
        Op::Trigger { job: place } => job(place).trigger(),
        Op::Pause { job: place } => job(place).pause(),
        Op::Resume { job: place } => job(place).resume(),
        Op::SetInterval { job: place, half_ticks } => job(place).set_interval(TICK / 2 * half_ticks).unwrap(),
        Op::Remove { job: place } => job(place).remove(),
        Op::Restart => {
            // 3 ms later a tick begins, and with it the new grid.
            time.block_on(scheduler.stop());
            time.advance(TICK - OUTSIDE);
            scheduler.start().unwrap();
            pass(time, begin, OUTSIDE);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn inexact_timers_change_the_tick_of_no_run(
        specs in specs(),
        ops in vec(op(), 1..30),
        seed in any::<u64>(),
    ) {
        let exact = play(&specs, &ops, VirtualTime::new());
        let inexact = play(&specs, &ops, VirtualTime::new().with_inexact_timers(seed, LATE));
        prop_assert_eq!(exact, inexact);
    }
}
