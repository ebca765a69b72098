//! The registrations that `#[every]` submits, and their registration on a scheduler.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::control::job_builder::JobBuilder;
use crate::control::scheduler::Scheduler;
use crate::error::Error;
use crate::job::handle::Job;
use crate::register::schedule::Schedule;

/// Makes the annotated function a job.
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
/// The function stays unchanged and can be called. The function becomes a job when
/// [`start_background_tasks`](crate::start_background_tasks) or [`Scheduler::add_registered`] is called. The attribute
/// may be used in any module and in any linked crate. A function may have several attributes: each attribute makes a
/// separate job.
///
/// # The function
///
/// The function must be a `fn`, an `async fn`, or a `fn` that returns a future. The output must be `()` or
/// `Result<(), E>`; for details see [`Target`](crate::Target). The function must stand outside of any `impl`. It must
/// not be generic and must not have a `self`.
///
/// The first parameter may be a [`Run`](crate::Run), written with exactly this name. Unless the function is `async`,
/// the parameter may also be a `&Run`. The scheduler passes the run.
///
/// # The interval
///
/// The first argument is the interval. The argument must be a literal that [`parse_interval`](crate::parse_interval)
/// accepts (`"50ms"`, `"2s"`, `"1m 30s"`, `"2h"`, `"1d"`), or a constant expression of type [`Duration`].
/// `Duration::from_millis(500)` is constant, but operators are not. If the interval can't be parsed or is shorter than
/// 50 ms, compilation fails, whatever the resolution of the scheduler.
///
/// # Arguments
///
/// Further positional arguments are forwarded to the function. They are evaluated once for each scheduler on which the
/// function is registered, and cloned for each run. Their types must therefore be `Clone + Send + 'static`. To pass a
/// constant with the name of an option, put the constant in parentheses.
///
/// # Options
///
/// | option | meaning |
/// | --- | --- |
/// | `name = "beat"` | [`JobBuilder::name`]; without it, the path of the function, with `#2` for its second attribute |
/// | `missed_ticks = MissedTicks::Skip` | [`JobBuilder::missed_ticks`] |
/// | `first_run = FirstRun::AfterInterval` | [`JobBuilder::first_run`] |
/// | `jitter = "5s"`, `timeout = "30s"`, `attempt_timeout = "5s"` | [`JobBuilder::jitter`], [`JobBuilder::timeout`], [`JobBuilder::attempt_timeout`]; or a [`Duration`] |
/// | `aligned` | [`JobBuilder::aligned`] |
/// | `late_at_most = "1h"` | [`JobBuilder::late_at_most`], for an aligned interval |
/// | `times = 3`, `until = instant()` | [`JobBuilder::times`], [`JobBuilder::until`] |
/// | `fixed_delay` | [`JobBuilder::fixed_delay`] |
/// | `retry = \|\| [Duration::from_secs(1)]` | [`JobBuilder::retry`] |
/// | `on_overlap = Overlap::Replace`, `on_overlap = Allow(2)` | [`JobBuilder::on_overlap`] |
/// | `group = ("db", 4)` | [`JobBuilder::group`] |
/// | `blocking` | [`JobBuilder::run_blocking`] instead of [`JobBuilder::run`]; not for an `async fn` |
/// | `tag = "cleanup"`, any number of times | [`JobBuilder::tag`], with a constant; the tags also select functions, see [`Registered::has_tag`] |
/// | `crate = path` | the path of this crate; by default `::atevery` |
///
/// # Static libraries
///
/// From a static library (`.a`), a linker takes only objects that other code refers to, and no code refers to a
/// registration. If a program in another language uses such a library, link the library with `--whole-archive`. Crates,
/// executables and shared libraries don't need this option. If no item of a crate is used, name the crate:
/// `use my_jobs as _;`.
pub use atevery_macros::every;

/// Makes the annotated function a job by a cron expression.
///
/// ```
/// use atevery::{Run, Scheduler, cron, testing::VirtualTime};
///
/// #[cron("0 3 * * *", zone = "Europe/Berlin")]
/// async fn report(run: Run) -> Result<(), std::io::Error> {
///     println!("the report of {:?}", run.slot());
///     Ok(())
/// }
///
/// #[cron("*/10 8-18 * * mon-fri", "office", local_zone, name = "look")]
/// fn look(place: &str) {
///     println!("{place}");
/// }
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// let schedules = scheduler.add_registered()?.into_iter().map(|job| job.status().schedule().to_owned());
/// assert!(schedules.into_iter().any(|schedule| schedule == "0 3 * * * Europe/Berlin"));
/// # Ok::<(), atevery::Error>(())
/// ```
///
/// The first argument is the expression: a literal, or a constant of type `&str`. If it can't be read, or if its date
/// never comes, compilation fails. [`calendar`](crate::calendar#the-dialect) describes the dialect.
///
/// The function, further arguments and options are those of [`every`](macro@every), except for `fixed_delay` and
/// `aligned`. There are two more options:
///
/// | option | meaning |
/// | --- | --- |
/// | `zone = "Europe/Berlin"` | [`JobBuilder::zone`]; the registration returns an error if the zone is unknown |
/// | `local_zone` | [`JobBuilder::local_zone`] |
#[cfg(feature = "calendar")]
#[cfg_attr(docsrs, doc(cfg(all(feature = "calendar", feature = "macros"))))]
pub use atevery_macros::cron;

/// Makes the annotated function a job at one or more times of the day.
///
/// ```
/// use atevery::daily;
///
/// #[daily("03:00", zone = "Europe/Berlin", late_at_most = "1h")]
/// fn backup() {}
///
/// #[daily(["09:00", "17:30"], on = "mon-fri", zone = "America/New_York")]
/// fn bell() {}
/// ```
///
/// The first argument is the time, or an array of times: `HH:MM` or `HH:MM:SS`, as literals or as constants of type
/// `&str`. If one can't be read, compilation fails.
///
/// The function, further arguments and options are those of [`every`](macro@every), except for `fixed_delay` and
/// `aligned`. There are three more options:
///
/// | option | meaning |
/// | --- | --- |
/// | `on = "mon-fri"` | [`JobBuilder::on`], checked at compile time |
/// | `zone = "Europe/Berlin"` | [`JobBuilder::zone`]; the registration returns an error if the zone is unknown |
/// | `local_zone` | [`JobBuilder::local_zone`] |
#[cfg(feature = "calendar")]
#[cfg_attr(docsrs, doc(cfg(all(feature = "calendar", feature = "macros"))))]
pub use atevery_macros::daily;

/// A function with an [`every`] attribute, as collected by the linker. Each attribute gives a separate value.
///
/// [`Scheduler::add_registered_where`] passes these values to its filter.
pub struct Registered {
    module: &'static str,
    function: &'static str,
    /// The location of the attribute.
    place: &'static Location<'static>,
    schedule: Schedule,
    tags: &'static [&'static str],
    register: fn(JobBuilder) -> Result<Job, Error>,
}

inventory::collect!(Registered);

impl Registered {
    /// Returns the path of the function: `my_crate::jobs::print_time`.
    pub fn path(&self) -> String {
        format!("{}::{}", self.module, self.function)
    }

    /// Returns the path of the function's module: `my_crate::jobs`.
    pub fn module_path(&self) -> &'static str {
        self.module
    }

    /// Returns the name of the function's crate, as written in code: `my_crate`.
    pub fn crate_name(&self) -> &'static str {
        self.module.split_once("::").map_or(self.module, |(name, _)| name)
    }

    /// Returns the first tag given by `tag = ".."`.
    pub fn tag(&self) -> Option<&'static str> {
        self.tags.first().copied()
    }

    /// Returns the tags given by `tag = ".."`, in the order of the source. The jobs of the function have these tags
    /// too, see [`Job::tags`].
    pub fn tags(&self) -> &'static [&'static str] {
        self.tags
    }

    /// Returns whether the function has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.contains(&tag)
    }

    /// Returns the interval, or `None` if the schedule is a calendar.
    pub fn interval(&self) -> Option<Duration> {
        self.schedule.interval()
    }

    /// Returns the schedule as text, such as `every 2s`, `cron 0 3 * * * Europe/Berlin` or `daily 03:00`. If the interval
    /// is longer than 292 years, the text is `once`. Durations have the short form of the table of
    /// [`Scheduler::status`].
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
        self.schedule.describe()
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn new(
        module: &'static str,
        function: &'static str,
        schedule: Schedule,
        register: fn(JobBuilder) -> Result<Job, Error>,
    ) -> Registered {
        Registered {
            module,
            function,
            place: Location::caller(),
            schedule,
            tags: &[],
            register,
        }
    }

    #[doc(hidden)]
    pub const fn tagged(mut self, tags: &'static [&'static str]) -> Registered {
        self.tags = tags;
        self
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("path", &self.path())
            .field("schedule", &self.schedule())
            .field("tags", &self.tags)
            .finish_non_exhaustive()
    }
}

/// Registered functions.
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
impl Scheduler {
    /// Registers every function that has an [`every`] attribute, in this crate and in all linked crates.
    ///
    /// Each scheduler gets separate jobs, with newly evaluated arguments. The functions of a module are registered in
    /// source order. The linker decides the order of modules and crates, which may differ from build to build.
    ///
    /// # Errors
    ///
    /// Returns [`is_interval_too_short`](Error::is_interval_too_short) if the interval of a function is shorter than
    /// the resolution of this scheduler. Returns [`is_invalid_option`](Error::is_invalid_option) if an option of an
    /// attribute has an invalid value. After an error no function is registered.
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

    /// Registers the functions for which `wanted` returns true, for example by crate, module or tag.
    ///
    /// # Errors
    ///
    /// As for [`add_registered`](Scheduler::add_registered).
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

/// A registered function, and its number among the functions with the same path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) function: &'static Registered,
    /// 1 for the first function with the path.
    occurrence: usize,
}

impl Found {
    pub(crate) fn add_to(self, scheduler: &Scheduler) -> Result<Job, Error> {
        let mut name = self.function.path();
        if self.occurrence > 1 {
            name = format!("{name}#{}", self.occurrence);
        }
        let job = self.function.schedule.builder(scheduler).name(name);
        let job = self.function.tags.iter().fold(job, |job, tag| job.tag(*tag));
        (self.function.register)(job)
    }
}

/// All registered functions: the modules in the linker's order, the functions of a module in source order.
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
