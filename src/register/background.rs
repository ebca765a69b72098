//! The scheduler of the process.
//!
//! Each start makes a new scheduler on the given runtime. No state is therefore tied to a runtime that is gone. The
//! schedulers of earlier starts are kept while their runs continue, because dropping a scheduler cancels its runs. A
//! function with such a run is registered again only after the run has ended.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::control::scheduler::Scheduler;
use crate::control::stop::Stop;
use crate::error::Error;
use crate::job::handle::Job;
use crate::observe::status::SchedulerState;
use crate::register::registry::{Found, Registered, found};
use crate::runtime::{BoxFuture, Runtime, SpawnError, Spawner, Timer};
use crate::unwind::lock;

/// Starts every function that has an [`every`](crate::every) attribute, on a scheduler that belongs to the process.
///
/// After a stop, the functions can be started again, on the same runtime or a different runtime. Each start registers
/// the functions anew and evaluates their arguments anew. If a function's run has outlived the stop, the function is
/// registered after the end of this run.
///
/// To select functions, or to use several schedulers, see [`Scheduler::add_registered_where`].
///
/// ```
/// use atevery::{every, runtime::Standalone};
///
/// #[every("2s", "fast")]
/// fn print_time(name: &str) {
///     println!("{name}");
/// }
///
/// let runtime = Standalone::new();
/// atevery::start_background_tasks(runtime.clone())?;
/// assert!(atevery::start_background_tasks(runtime).unwrap_err().is_already_started());
/// atevery::stop_background_tasks().blocking_wait();
/// # Ok::<(), atevery::Error>(())
/// ```
///
/// # Errors
///
/// Returns [`is_already_started`](Error::is_already_started) if the scheduler is running or being started. Returns
/// [`is_stopping`](Error::is_stopping) if a stop is waiting for runs to end. Returns [`is_spawn`](Error::is_spawn) if
/// the runtime refuses to run the scheduler's loop. Returns [`is_invalid_option`](Error::is_invalid_option) if an
/// option of an attribute has an invalid value. After an error nothing has changed.
pub fn start_background_tasks(runtime: impl Runtime) -> Result<(), Error> {
    let starting = Starting::begin()?;
    let runtime: Arc<dyn Runtime> = Arc::new(runtime);
    let generation = Generation::start(&runtime, &starting.earlier())?;
    starting.succeed(generation);
    Ok(())
}

/// Returns a [`Stop`] for the scheduler of [`start_background_tasks`], see [`Scheduler::stop`].
///
/// If nothing was started, the stop returns immediately with an empty report.
///
/// ```
/// let report = atevery::stop_background_tasks().blocking_wait();
/// assert!(report.is_clean());
/// ```
pub fn stop_background_tasks() -> Stop {
    let current = lock(&BACKGROUND).current();
    current.unwrap_or_else(|| Scheduler::new(Absent)).stop()
}

static BACKGROUND: Mutex<Background> = Mutex::new(Background {
    starting: false,
    generations: Vec::new(),
});

struct Background {
    starting: bool,
    /// The last start, and the earlier starts whose runs continue.
    generations: Vec<Generation>,
}

impl Background {
    fn current(&self) -> Option<Scheduler> {
        self.generations.last().map(|generation| generation.scheduler.clone())
    }
}

/// A start in progress. No lock is held during the start, because the start calls user code. The flag `starting`
/// excludes other starts.
struct Starting(());

impl Starting {
    fn begin() -> Result<Starting, Error> {
        let mut background = lock(&BACKGROUND);
        let current = background.current();
        if background.starting || current.as_ref().is_some_and(Scheduler::is_running) {
            return Err(Error::already_started());
        }
        if current.is_some_and(|scheduler| scheduler.engine().state() == SchedulerState::Stopping) {
            return Err(Error::stopping());
        }
        background.starting = true;
        Ok(Starting(()))
    }

    /// The functions that earlier starts registered and whose runs continue.
    fn earlier(&self) -> Vec<(&'static Registered, Job)> {
        let background = lock(&BACKGROUND);
        background.generations.iter().flat_map(Generation::running).collect()
    }

    fn succeed(self, generation: Generation) {
        let mut background = lock(&BACKGROUND);
        let (kept, ended) = std::mem::take(&mut background.generations)
            .into_iter()
            .partition(Generation::is_running);
        background.generations = kept;
        background.generations.push(generation);
        drop(background);
        // The targets are dropped here, outside of the lock, because their destructors are user code.
        drop::<Vec<Generation>>(ended);
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        lock(&BACKGROUND).starting = false;
    }
}

/// A start of the functions.
struct Generation {
    scheduler: Scheduler,
    jobs: Jobs,
}

type Jobs = Arc<Mutex<Vec<(&'static Registered, Job)>>>;

impl Generation {
    fn start(runtime: &Arc<dyn Runtime>, earlier: &[(&'static Registered, Job)]) -> Result<Generation, Error> {
        let scheduler = Scheduler::new(Arc::clone(runtime));
        let jobs = Jobs::default();
        let mut late = Vec::new();
        for found in found() {
            let straggler = earlier
                .iter()
                .find(|(function, _)| std::ptr::eq(*function, found.function));
            match straggler {
                Some((_, straggler)) => late.push((found, straggler.clone())),
                None => add(found, &scheduler, &jobs)?,
            }
        }
        scheduler.start()?;
        if !late.is_empty() {
            let waiting = add_late(late, scheduler.clone(), Arc::clone(&jobs), Arc::clone(runtime));
            runtime.spawn(Box::pin(waiting)).map_err(Error::spawn)?;
        }
        Ok(Generation { scheduler, jobs })
    }

    fn running(&self) -> Vec<(&'static Registered, Job)> {
        lock(&self.jobs)
            .iter()
            .filter(|(_, job)| job.is_running())
            .cloned()
            .collect()
    }

    fn is_running(&self) -> bool {
        !self.running().is_empty()
    }
}

fn add(found: Found, scheduler: &Scheduler, jobs: &Jobs) -> Result<(), Error> {
    let job = found.add_to(scheduler)?;
    lock(jobs).push((found.function, job));
    Ok(())
}

/// Registers each function after its straggler has ended, unless the scheduler is stopped before.
async fn add_late(mut late: Vec<(Found, Job)>, scheduler: Scheduler, jobs: Jobs, runtime: Arc<dyn Runtime>) {
    while !late.is_empty() && scheduler.is_running() {
        let (waiting, ended): (Vec<_>, _) = late.into_iter().partition(|(_, straggler)| straggler.is_running());
        late = waiting;
        for (found, _) in ended {
            // The same registration succeeded before, on a scheduler with the same settings.
            let _ = add(found, &scheduler, &jobs);
        }
        if !late.is_empty() {
            runtime.sleep_until(runtime.now() + PATIENCE).await;
        }
    }
}

/// The interval between checks for the end of stragglers.
const PATIENCE: Duration = Duration::from_millis(50);

/// The adapter of the scheduler that serves stops before the first start. Nothing is ever spawned on this adapter.
struct Absent;

impl Spawner for Absent {
    fn spawn(&self, _: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        Err(SpawnError::shutdown())
    }
}

impl Timer for Absent {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
