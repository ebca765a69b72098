//! The jobs: a mixture like that of services.

use std::future::poll_fn;
use std::panic;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use atevery::runtime::Runtime;
use atevery::{Error, FirstRun, Job, JobBuilder, Run, Scheduler};

use crate::findings::Findings;
use crate::record::Record;

pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
pub(crate) const TICK: Duration = Duration::from_millis(50);

const NAP: Duration = Duration::from_millis(5);
const EXPECTED: &str = "a job of the soak panics";

/// The time between the start of the scheduler and the first scheduled run. The half tick keeps scheduled instants away
/// from ticks. Just after a tick, the wake-up of the machine decides whether this tick or the next tick serves a job.
pub(crate) const AHEAD: Duration = Duration::from_millis(1_025);

type Clock = Arc<dyn Runtime>;

pub(crate) struct Load {
    jobs: Vec<(Job, Arc<Record>)>,
}

/// The number of jobs and of runs.
pub(crate) struct Mixture {
    pub(crate) jobs: usize,
    pub(crate) blocking: usize,
    /// How often each job will run.
    pub(crate) rounds: u64,
}

impl Load {
    /// Registers the jobs, which are due from `base` on. The scheduler must start [`AHEAD`] of `base`.
    pub(crate) fn register(
        scheduler: &Scheduler,
        runtime: &Clock,
        base: Instant,
        mixture: &Mixture,
    ) -> Result<Load, Error> {
        let register = |number: usize| {
            let record = Arc::new(Record::new(base + offset(number), INTERVAL, mixture.rounds));
            let builder = scheduler.every(INTERVAL).first_run(FirstRun::At(record.first));
            let (clock, its_record) = (Arc::clone(runtime), Arc::clone(&record));
            let job = if number < mixture.blocking {
                blocks(builder, clock, its_record)
            } else {
                register_kind(number % 100, builder, clock, its_record)
            };
            job.map(|job| (job, record))
        };
        let jobs = (0..mixture.jobs).map(register).collect::<Result<_, Error>>()?;
        Ok(Load { jobs })
    }

    /// Whether no run is in progress, and all runs due by `now` have ended.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        self.jobs
            .iter()
            .all(|(job, record)| !job.is_running() && record.runs() == record.due_by(now))
    }

    pub(crate) fn runs(&self) -> u64 {
        self.jobs.iter().map(|(_, record)| record.runs()).sum()
    }

    /// Number of jobs whose count differs from the runs due by `now`, as noted by the job or by the scheduler.
    pub(crate) fn demand_exact_counts(&self, now: Instant, findings: &mut Findings) {
        let wrong = |(job, record): &&(Job, Arc<Record>)| {
            let due = record.due_by(now);
            record.runs() != due || job.runs() != due
        };
        let count = self.jobs.iter().filter(wrong).count();
        findings.report(format!("{} runs", self.runs()));
        findings.demand(
            count == 0,
            format!("{count} jobs have not run as often as they were due"),
        );
    }

    pub(crate) fn demand_punctuality(&self, findings: &mut Findings) {
        let records = || self.jobs.iter().map(|(_, record)| record);
        let drift = records().filter_map(|record| record.drift()).max().unwrap_or_default();
        let lateness = records()
            .map(|record| record.worst_lateness())
            .max()
            .unwrap_or_default();
        let early: u64 = records().map(|record| record.early_runs()).sum();
        let wrong: u64 = records().map(|record| record.wrong_schedules()).sum();
        findings.report(format!("drift {} ms", millis(drift)));
        findings.report(format!("at most {} ms late", millis(lateness)));
        findings.demand(drift <= TICK, format!("a job drifted by {drift:?}, more than a tick"));
        // A lateness up to one interval may be the machine's fault.
        findings.demand(lateness <= INTERVAL, format!("a run began {lateness:?} late"));
        findings.demand(early == 0, format!("{early} runs began early"));
        findings.demand(wrong == 0, format!("{wrong} runs were told a wrong number or schedule"));
    }
}

/// Silences the expected panics. Other panics are still printed.
pub(crate) fn silence_its_panics() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(EXPECTED) {
            hook(info);
        }
    }));
}

pub(crate) fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1_000.0)
}

/// Half of the jobs are due together, the others at eight ticks of a second. The rest of the second is quiet.
fn offset(number: usize) -> Duration {
    match number % 2 {
        0 => Duration::ZERO,
        _ => TICK * (number / 2 % 8) as u32 + Duration::from_millis(10) * (number / 16 % 3) as u32,
    }
}

fn register_kind(kind: usize, builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    match kind {
        0..40 => builder.run(move || record.begin(clock.now())),
        40..60 => is_ready(builder, clock, record),
        60..75 => yields(builder, clock, record),
        75..90 => naps(builder, clock, record),
        90..95 => builder.run(move || -> Result<(), String> {
            record.begin(clock.now());
            Err("a job of the soak fails".to_owned())
        }),
        95..97 => builder.run(move || {
            record.begin(clock.now());
            give_up();
        }),
        _ => panics_later(builder, clock, record),
    }
}

fn is_ready(builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    builder.run(move |run: Run| {
        let (clock, record) = (Arc::clone(&clock), Arc::clone(&record));
        async move {
            record.begin(clock.now());
            record.compare(run.number(), run.scheduled());
        }
    })
}

fn yields(builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    builder.run(move || {
        let (clock, record) = (Arc::clone(&clock), Arc::clone(&record));
        async move {
            record.begin(clock.now());
            for _ in 0..3 {
                yield_now().await;
            }
        }
    })
}

fn naps(builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    builder.run(move || {
        let (clock, record) = (Arc::clone(&clock), Arc::clone(&record));
        async move {
            record.begin(clock.now());
            clock.sleep_until(clock.now() + NAP).await;
        }
    })
}

fn panics_later(builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    builder.run(move || {
        let (clock, record) = (Arc::clone(&clock), Arc::clone(&record));
        async move {
            record.begin(clock.now());
            yield_now().await;
            give_up();
        }
    })
}

fn blocks(builder: JobBuilder, clock: Clock, record: Arc<Record>) -> Result<Job, Error> {
    builder.run_blocking(move |run: Run| {
        record.begin(clock.now());
        record.compare(run.number(), run.scheduled());
        thread::sleep(NAP);
    })
}

/// A function of its own: a block that always panics has no output type that a job accepts.
fn give_up() {
    panic!("{EXPECTED}");
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
