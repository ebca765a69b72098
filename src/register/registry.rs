//! What `#[every]` submits, and how it gets onto a scheduler.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::control::job_builder::JobBuilder;
use crate::control::scheduler::Scheduler;
use crate::error::Error;
use crate::job::handle::Job;
use crate::observe::status::table::short;

/// Makes the function below it a job.
///
/// ```no_run
/// use std::time::Duration;
/// use atevery::{MissedTicks, every, runtime::Tokio};
///
/// #[every("2s", "fast")]
/// #[every("10s", "slow")]
/// fn print_time(name: &str) {
///     println!("{name}");
/// }
///
/// #[every(Duration::from_millis(500), name = "beat", missed_ticks = MissedTicks::Skip)]
/// async fn heartbeat() -> Result<(), std::io::Error> {
///     Ok(())
/// }
///
/// #[every("1m", blocking)]
/// fn sweep() {}
///
/// # async fn run() -> Result<(), atevery::Error> {
/// atevery::start_background_tasks(Tokio::current())?;
/// atevery::stop_background_tasks().timeout(Duration::from_secs(5)).await;
/// # Ok(())
/// # }
/// ```
///
/// The function stays as it is and can be called. It becomes a job when
/// [`start_background_tasks`](crate::start_background_tasks) or
/// [`Scheduler::add_registered`] is called; the attribute may stand in any module, and in any crate that the program is
/// linked with. It may stand on a function several times: each is a job of its own.
///
/// # The function
///
/// A `fn` or an `async fn`, or a `fn` that returns a future, whose output is `()` or `Result<(), E>`
/// ([`Target`](crate::Target) has the details), outside of any `impl`. Its first parameter may be a [`Run`](crate::Run), written by that name
/// (or, unless it is `async`, `&Run`): the scheduler gives it. It can't be generic, nor have a `self`.
///
/// # The interval
///
/// The first argument: a literal that [`parse_interval`](crate::parse_interval) reads (`"50ms"`, `"2s"`, `"1m 30s"`,
/// `"2h"`, `"1d"`), or a constant expression of type [`Duration`] (`Duration::from_millis(500)`; operators aren't
/// constant). One that can't be read, or is shorter than 50 ms, is a compile error, whatever the resolution.
///
/// # Arguments
///
/// Further positional arguments go to the function. They are evaluated once for each scheduler on which the function
/// is registered, and cloned for each run, so they are `Clone + Send + 'static`. To pass a constant that has the name of
/// an option, put it in parentheses.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `name = "beat"` | [`JobBuilder::name`]; without it, the path of the function, with `#2` for its second attribute |
/// | `missed_ticks = MissedTicks::Skip` | [`JobBuilder::missed_ticks`] |
/// | `first_run = FirstRun::AfterInterval` | [`JobBuilder::first_run`] |
/// | `jitter = "5s"`, `timeout = "30s"` | [`JobBuilder::jitter`], [`JobBuilder::timeout`]; or an expression of type [`Duration`] |
/// | `times = 3`, `until = instant()` | [`JobBuilder::times`], [`JobBuilder::until`] |
/// | `fixed_delay` | [`JobBuilder::fixed_delay`] |
/// | `retry = \|\| [Duration::from_secs(1)]` | [`JobBuilder::retry`] |
/// | `on_overlap = Overlap::Replace`, `on_overlap = Allow(2)` | [`JobBuilder::on_overlap`] |
/// | `group = ("db", 4)` | [`JobBuilder::group`] |
/// | `blocking` | [`JobBuilder::run_blocking`] instead of [`JobBuilder::run`]; not for an `async fn` |
/// | `tag = "cleanup"` | something to choose by, see [`Registered::tag`] |
/// | `crate = path` | where this crate is found, if not under `::atevery` |
///
/// # Static libraries
///
/// A linker takes from a static library (`.a`) only what is referred to, and nothing refers to a registration. Link one
/// that a program in another language uses with `--whole-archive`. Crates, executables and shared libraries need
/// nothing of the kind, but a crate of which nothing at all is used has to be named: `use my_jobs as _;`.
pub use atevery_macros::every;

/// A function with an [`every`] attribute, as the linker found it: one for each attribute.
///
/// [`Scheduler::add_registered_where`] shows them, to choose by.
pub struct Registered {
    module: &'static str,
    function: &'static str,
    /// Where the attribute stands.
    place: &'static Location<'static>,
    interval: Duration,
    tag: Option<&'static str>,
    register: fn(JobBuilder) -> Result<Job, Error>,
}

inventory::collect!(Registered);

impl Registered {
    /// The path of the function: `my_crate::jobs::print_time`.
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.function)
    }

    /// The path of the module in which it stands: `my_crate::jobs`.
    pub fn module_path(&self) -> &'static str {
        self.module
    }

    /// The crate in which it stands, as code writes it: `my_crate`.
    pub fn crate_name(&self) -> &'static str {
        self.module.split_once("::").map_or(self.module, |(name, _)| name)
    }

    /// What the attribute says as `tag = ".."`.
    pub fn tag(&self) -> Option<&'static str> {
        self.tag
    }

    /// How often it shall run; `None` if its schedule is not an interval. So far every schedule is one.
    pub fn interval(&self) -> Option<Duration> {
        Some(self.interval)
    }

    /// Its schedule in words, such as `every 2s`, in the short form in which [`Scheduler::status`] writes lengths of time.
    ///
    /// ```
    /// use atevery::{Scheduler, every, testing::VirtualTime};
    ///
    /// #[every("90s", tag = "sweep")]
    /// fn sweep() {}
    ///
    /// let mut schedules = Vec::new();
    /// Scheduler::new(VirtualTime::new()).add_registered_where(|function| {
    ///     if function.tag() == Some("sweep") {
    ///         schedules.push(function.schedule());
    ///     }
    ///     false
    /// })?;
    /// assert_eq!(schedules, ["every 1m 30s"]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn schedule(&self) -> String {
        format!("every {}", short(self.interval))
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        interval: Duration,
        register: fn(JobBuilder) -> Result<Job, Error>,
    ) -> Registered {
        Registered {
            module,
            function,
            place: Location::caller(),
            interval,
            tag: None,
            register,
        }
    }

    #[doc(hidden)]
    pub const fn tagged(mut self, tag: &'static str) -> Registered {
        self.tag = Some(tag);
        self
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("path", &self.path())
            .field("interval", &self.interval)
            .field("tag", &self.tag)
            .finish_non_exhaustive()
    }
}

/// Registered functions.
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
impl Scheduler {
    /// Registers every function that has an [`every`] attribute, in this crate and in those it is linked with.
    ///
    /// Each scheduler has jobs of its own: arguments are evaluated anew. The functions of a module come in the order in
    /// which they are written; the order of modules and crates is the linker's, and may differ from build to build.
    ///
    /// # Errors
    ///
    /// [`is_interval_too_short`](Error::is_interval_too_short) if the resolution of this scheduler is coarser than an
    /// interval, [`is_invalid_option`](Error::is_invalid_option) if an option of an attribute makes no sense. None is registered then.
    ///
    /// ```
    /// use atevery::{Scheduler, every, testing::VirtualTime};
    ///
    /// #[every("2s", "fast")]
    /// fn print_time(name: &str) {
    ///     println!("{name}");
    /// }
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// let jobs = scheduler.add_registered()?;
    /// assert!(jobs[0].name().ends_with("::print_time"));
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn add_registered(&self) -> Result<Vec<Job>, Error> {
        self.add_registered_where(|_| true)
    }

    /// Registers those functions that are `wanted`: by their crate, by their module, or by a tag.
    ///
    /// # Errors
    ///
    /// As [`add_registered`](Scheduler::add_registered).
    ///
    /// ```
    /// use atevery::{Scheduler, every, testing::VirtualTime};
    ///
    /// #[every("1h", tag = "cleanup")]
    /// fn sweep() {}
    ///
    /// #[every("2s", tag = "metrics")]
    /// fn report() {}
    ///
    /// let scheduler = Scheduler::new(VirtualTime::new());
    /// let jobs = scheduler.add_registered_where(|function| function.tag() == Some("cleanup"))?;
    /// assert_eq!(jobs.len(), 1);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn add_registered_where(&self, mut wanted: impl FnMut(&Registered) -> bool) -> Result<Vec<Job>, Error> {
        let mut jobs = Vec::new();
        for found in found().into_iter().filter(|found| wanted(found.function)) {
            match found.add_to(self) {
                Ok(job) => jobs.push(job),
                Err(error) => {
                    jobs.iter().for_each(Job::remove);
                    return Err(error);
                }
            }
        }
        Ok(jobs)
    }
}

/// A registered function, told from others of the same path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) function: &'static Registered,
    /// 1 for the first of that path.
    occurrence: usize,
}

impl Found {
    pub(crate) fn add_to(self, scheduler: &Scheduler) -> Result<Job, Error> {
        let mut name = self.function.path();
        if self.occurrence > 1 {
            name = format!("{name}#{}", self.occurrence);
        }
        (self.function.register)(scheduler.every(self.function.interval).name(name))
    }
}

/// All registered functions: the modules in the linker's order, each as it is written.
pub(crate) fn found() -> Vec<Found> {
    let mut functions: Vec<&'static Registered> = inventory::iter::<Registered>.into_iter().collect();
    let mut modules = HashMap::new();
    for function in &functions {
        let next = modules.len();
        modules.entry(function.module).or_insert(next);
    }
    functions.sort_by_key(|function| (modules[function.module], function.place.line(), function.place.column()));
    let mut occurrences = HashMap::new();
    let count = |function: &'static Registered| {
        let occurrence = occurrences.entry((function.module, function.function)).or_insert(0);
        *occurrence += 1;
        Found {
            function,
            occurrence: *occurrence,
        }
    };
    functions.into_iter().map(count).collect()
}
