//! The instants at which runs begin, and the order of runs.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::Host;
use super::probe::Probe;
use super::scene::runs_on;
use super::waiting::{INTERVAL, RESOLUTION, eventually};
use crate::runtime::{BoxFuture, Runtime, SpawnError, Spawner, Timer};
use crate::{Job, JobBuilder, MissedTicks, Run, Scheduler};

/// Synchronous and async jobs run once in every interval, at the default resolution.
pub fn interval(host: Host) {
    let interval = Duration::from_millis(50);
    let scheduler = Scheduler::new(host.runtime());
    let registered = host.now();
    let synchronous = scheduler.every(interval).run(|| {}).expect("the job is valid");
    let asynchronous = scheduler.every(interval).run(|| async {}).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("both jobs run five times", || {
        synchronous.runs() >= 5 && asynchronous.runs() >= 5
    });
    for job in [synchronous, asynchronous] {
        let runs = job.runs();
        let due = (host.now() - registered).as_nanos() / interval.as_nanos() + 1;
        assert!(u128::from(runs) <= due, "{runs} runs where at most {due} were due");
    }
}

/// Every kind of function that can be a job runs again and again.
pub fn target_shapes(host: Host) {
    let scheduler = host.scheduler();
    let every = || scheduler.every(INTERVAL);
    let jobs = [
        every().name("Fn()").run(|| {}),
        every().name("Fn() -> Result").run(|| Ok::<(), io::Error>(())),
        every().name("Fn() -> Future").run(|| async {}),
        every()
            .name("Fn() -> Future<Result>")
            .run(|| async { Ok::<(), io::Error>(()) }),
        every().name("Fn(Run)").run(|_: Run| {}),
        every().name("Fn(Run) -> Result").run(|_: Run| Ok::<(), io::Error>(())),
        every().name("Fn(Run) -> Future").run(|_: Run| async {}),
        every()
            .name("Fn(Run) -> Future<Result>")
            .run(|_: Run| async { Ok::<(), io::Error>(()) }),
        every().name("blocking Fn()").run_blocking(|| {}),
        every()
            .name("blocking Fn(Run) -> Result")
            .run_blocking(|_: Run| Ok::<(), io::Error>(())),
    ];
    scheduler.start().expect("the runtime takes the scheduler");
    for job in jobs {
        runs_on(&job.expect("the job is valid"));
    }
}

/// No run begins before its scheduled instant. The scheduled instants are one interval apart, to the nanosecond.
pub fn no_early_run(host: Host) {
    let (scheduler, runtime) = (host.scheduler(), host.runtime());
    let seen = Arc::new(Mutex::new(Vec::<(Run, Instant)>::new()));
    let log = Arc::clone(&seen);
    let target = move |run: Run| {
        let now = runtime.now();
        log.lock().unwrap_or_else(PoisonError::into_inner).push((run, now));
    };
    let registered = host.now();
    scheduler.every(INTERVAL).run(target).expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the job runs ten times", || {
        seen.lock().unwrap_or_else(PoisonError::into_inner).len() >= 10
    });
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    let first = seen[0].0.scheduled();
    assert!(first >= registered);
    for (number, (run, now)) in (0..).zip(seen.iter()) {
        assert_eq!(run.number(), u64::from(number));
        assert_eq!(run.scheduled(), first + INTERVAL * number);
        assert!(run.scheduled() <= run.started(), "run {number} began early");
        assert!(run.started() <= *now, "run {number} began before it began");
    }
}

/// A job with an aligned interval runs at the multiples of the interval on the wall clock, each once and none early.
pub fn aligned(host: Host) {
    let (scheduler, runtime) = (host.scheduler(), host.runtime());
    let interval = Duration::from_millis(100);
    let seen = Arc::new(Mutex::new(Vec::<(SystemTime, SystemTime)>::new()));
    let log = Arc::clone(&seen);
    let target = move |run: Run| {
        let slot = run.slot().expect("the calendar asked for the run");
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((slot, runtime.wall()));
    };
    let job = scheduler.every(interval).aligned().run(target);
    let job = job.expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    eventually("the job runs ten times", || job.runs() >= 10);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    for (slot, wall) in seen.iter() {
        let since = slot
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("it is later than 1970");
        assert_eq!(since.as_nanos() % interval.as_nanos(), 0, "{slot:?} is no multiple");
        // The distance of the clocks may change a little between two looks.
        assert!(
            *wall + RESOLUTION >= *slot,
            "the run at {slot:?} began early, at {wall:?}"
        );
    }
    assert!(seen.is_sorted_by(|(before, _), (after, _)| before < after), "{seen:?}");
}

/// Over three seconds, a job has all its runs, under each policy and with a fixed delay. A timer that is late by less
/// than a tick lengthens no period. A run that is late by more may cost further runs.
pub fn periods(host: Host) {
    let tick = Duration::from_millis(50);
    let builder = Scheduler::builder(host.runtime()).resolution(tick);
    let scheduler = builder.build().expect("the resolution is valid");
    let periods: Vec<Period> = [2, 3]
        .into_iter()
        .flat_map(|halves| {
            let every = || scheduler.every(tick * halves / 2);
            let policies = [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay];
            let of_policies = policies.map(|policy| Period::of(&format!("{policy:?}"), every().missed_ticks(policy)));
            // From the end of a run, a period is whole ticks.
            let fixed = (halves == 2).then(|| Period::of("fixed delay", scheduler.every(tick * 2).fixed_delay()));
            of_policies.into_iter().chain(fixed)
        })
        .collect();
    scheduler.start().expect("the runtime takes the scheduler");
    let end = host.now() + Duration::from_secs(3);
    for period in periods {
        eventually("the job runs for three seconds", || period.last_start() >= Some(end));
        period.check(tick);
    }
}

/// The runs of a job whose period is measured.
struct Period {
    what: String,
    job: Job,
    seen: Arc<Mutex<Vec<Run>>>,
}

impl Period {
    fn of(what: &str, job: JobBuilder) -> Period {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let target = move |run: Run| log.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        Period {
            what: what.to_owned(),
            job: job.run(target).expect("the job is valid"),
            seen,
        }
    }

    fn seen(&self) -> Vec<Run> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_start(&self) -> Option<Instant> {
        self.seen().last().map(Run::started)
    }

    fn check(&self, tick: Duration) {
        let interval = self.job.interval().expect("the job has an interval");
        let intervals = |span: Duration| (span.as_nanos() / interval.as_nanos()) as u64;
        let seen = self.seen();
        // The start lifted the first run to its own instant, which is the first tick.
        let start = seen[0].scheduled();
        let late_by = |run: &Run| {
            let ticks = (run.due() - start).as_nanos().div_ceil(tick.as_nanos());
            let first_tick = start + tick * u32::try_from(ticks).expect("the check is short");
            run.started().saturating_duration_since(first_tick)
        };
        // A run that was late by a tick may have moved the schedule, or be followed by others that are still due.
        let late: Vec<Duration> = seen.iter().map(late_by).filter(|late| *late >= tick / 2).collect();
        let excused: u64 = late.iter().map(|late| intervals(*late) + 2).sum();
        let (runs, due) = (seen.len() as u64, intervals(seen[seen.len() - 1].started() - start) + 1);
        let what = format!("{}, every {interval:?}", self.what);
        assert!(runs <= due, "{what}: {runs} runs where at most {due} were due");
        assert!(
            runs + excused + 2 >= due,
            "{what}: {runs} runs where {due} were due, late by {late:?}"
        );
    }
}

/// A job whose runs take longer than its interval has one run at a time.
pub fn one_instance(host: Host) {
    let (scheduler, runtime) = (host.scheduler(), host.runtime());
    let probes = [Probe::default(), Probe::default(), Probe::default()];
    let [asynchronous, synchronous, blocking] = probes.clone();
    let sleeps = move || {
        let (visit, runtime) = (asynchronous.enter(), Arc::clone(&runtime));
        async move {
            runtime.sleep_until(runtime.now() + INTERVAL * 2).await;
            visit.complete();
        }
    };
    scheduler.every(INTERVAL).run(sleeps).expect("the job is valid");
    scheduler
        .every(INTERVAL)
        .run(move || too_slow(&synchronous))
        .expect("the job is valid");
    scheduler
        .every(INTERVAL)
        .run_blocking(move || too_slow(&blocking))
        .expect("the job is valid");
    scheduler.start().expect("the runtime takes the scheduler");
    for probe in probes {
        eventually("the slow job runs five times", || probe.completed() >= 5);
        assert_eq!(probe.most_at_once(), 1);
    }
}

/// The runs of one tick begin in the order of registration, in whatever order the executor polls its futures.
///
/// On several threads, two runs that begin in order may reach their first lines in another order. The check therefore
/// polls one future at a time.
pub fn order(host: Host) {
    for _ in 0..3 {
        let one_at_a_time = OneAtATime {
            runtime: host.runtime(),
            turn: Arc::default(),
        };
        let scheduler = Scheduler::builder(one_at_a_time)
            .resolution(RESOLUTION)
            .build()
            .expect("the resolution is valid");
        let order = Arc::new(Mutex::new(Vec::new()));
        for number in 0..8 {
            first_run_notes(&scheduler, number, &order);
        }
        scheduler.start().expect("the runtime takes the scheduler");
        let noted = || order.lock().unwrap_or_else(PoisonError::into_inner).clone();
        eventually("all jobs run", || noted().len() == 8);
        assert_eq!(noted(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

fn too_slow(probe: &Probe) {
    let visit = probe.enter();
    thread::sleep(INTERVAL * 2);
    visit.complete();
}

fn first_run_notes(scheduler: &Scheduler, number: usize, order: &Arc<Mutex<Vec<usize>>>) {
    let order = Arc::clone(order);
    let target = move |run: Run| {
        if run.number() == 0 {
            order.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        }
    };
    scheduler.every(INTERVAL).run(target).expect("the job is valid");
}

/// A layer around a runtime that polls one future at a time.
struct OneAtATime {
    runtime: Arc<dyn Runtime>,
    turn: Arc<Mutex<()>>,
}

impl Spawner for OneAtATime {
    fn spawn(&self, mut future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let turn = Arc::clone(&self.turn);
        self.runtime.spawn(Box::pin(poll_fn(move |context| {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            future.as_mut().poll(context)
        })))
    }
}

impl Timer for OneAtATime {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<'static, ()> {
        self.runtime.sleep_until(deadline)
    }

    fn wall(&self) -> SystemTime {
        self.runtime.wall()
    }
}
