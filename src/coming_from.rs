//! For users of other schedulers: the code that you know, and the same job written with `atevery`.
//!
//! [The Python package](#the-python-package-atevery) · [gocron](#gocron) · [APScheduler](#apscheduler) ·
//! [Spring](#spring-scheduled) · [Quartz](#quartz) · [systemd timers](#systemd-timers) ·
//! [Kubernetes](#kubernetes-cronjob) · [`tokio::time::interval`](#tokiotimeinterval) · [actix](#actix) ·
//! [tokio-cron-scheduler](#tokio-cron-scheduler)
//!
//! In the tables, `s` is a [`Scheduler`](crate::Scheduler), `job` is a [`Job`](crate::Job), `f` is your function, and
//! `secs` is `Duration::from_secs`. The example below each table compiles the code of the right column.
//!
//! # What is not here
//!
//! | | instead |
//! | --- | --- |
//! | persistence: jobs that outlive the process | jobs are functions, registered at each start of the program. A job stores its own progress, for example the slots that it has run in a [`ledger`](crate::ledger); [`FirstRun::At`](crate::FirstRun::At) and [`After`](crate::FirstRun::After) postpone the first run after a restart |
//! | one replica of many runs a job: leaders, locks, leases | the run claims its slot in a [`ledger`](crate::ledger) first, such as a table of a database, and returns `Ok(())` if another replica has it |
//! | results of runs, chains of jobs | the target passes its results on; one job can [`trigger`](crate::Job::trigger) another job |
//!
//! Other schedulers often start a run beside the previous run of the same job, or drop the new run. Here the new run
//! [waits for the end of the previous run](crate::Overlap::Wait), unless
//! [`on_overlap`](crate::JobBuilder::on_overlap) sets another policy.
//!
//! # The Python package `atevery`
//!
//! | Python | here |
//! | --- | --- |
//! | `@every(timedelta(seconds=2), 'fast')` | `#[every("2s", "fast")]` |
//! | `@every(timedelta(minutes=1), count=3)` | `#[every("1m", 3)]`: arguments are positional |
//! | `async def` below it | `async fn` below it |
//! | `await start_background_tasks()` | `start_background_tasks(Tokio::current())?` |
//! | `await stop_background_tasks()` | `stop_background_tasks().await` |
//! | `...(timeout=timedelta(seconds=5))` | `stop_background_tasks().timeout(secs(5)).await` |
//! | `...(wait_for=False)` | `stop_background_tasks().detach()` |
//! | `ValueError` for less than 50 ms | the attribute doesn't compile; a builder returns an error |
//!
//! ```no_run,standalone_crate
//! use std::time::Duration;
//! use atevery::{every, runtime::Tokio, start_background_tasks, stop_background_tasks};
//!
//! #[every("2s", "fast")]
//! fn print_time(name: &str) {
//!     println!("{name}");
//! }
//!
//! #[every("1m", 3)]
//! async fn report(count: u32) {
//!     println!("{count}");
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), atevery::Error> {
//! # let secs = Duration::from_secs;
//! start_background_tasks(Tokio::current())?;
//! stop_background_tasks().await;
//! start_background_tasks(Tokio::current())?;
//! let report = stop_background_tasks().timeout(secs(5)).await;
//! println!("{report}");
//! stop_background_tasks().detach();
//! # Ok(())
//! # }
//! ```
//!
//! Differences:
//!
//! - Jobs make up no runs for the time between a stop and the next start.
//! - A stop with a timeout of zero returns at once. In Python it waits without a limit.
//! - A stop returns a [report about each run](crate::StopReport).
//! - The loop sleeps while nothing is due.
//!
//! # gocron
//!
//! Version 2.
//!
//! | Go | here |
//! | --- | --- |
//! | `gocron.NewScheduler()` | `Scheduler::new(Tokio::current())` |
//! | `s.NewJob(gocron.DurationJob(10*time.Second), gocron.NewTask(f))` | `s.every(secs(10)).first_run(FirstRun::AfterInterval).run(f)?` |
//! | `WithStartAt(WithStartImmediately())` | the default, [`FirstRun::Now`](crate::FirstRun::Now) |
//! | `WithStartAt(WithStartDateTime(t))` | `.first_run(FirstRun::At(instant))` |
//! | `gocron.CronJob("0 3 * * *", false)` | `s.cron("0 3 * * *").run(f)?` |
//! | `gocron.DailyJob(1, NewAtTimes(NewAtTime(3, 0, 0)))` | `s.daily("03:00").run(f)?` |
//! | `gocron.WeeklyJob(1, NewWeekdays(time.Monday), ..)` | `s.daily("09:00").on("mon").run(f)?` |
//! | `WithLocation(berlin)` | `.zone("Europe/Berlin")` for each job |
//! | `DurationRandomJob(20s, 40s)` | `.every(secs(30)).jitter(secs(10))`: 20 to 40 s from run to run, 30 s on average |
//! | `WithName("sweep")` | `.name("sweep")` |
//! | `WithLimitedRuns(3)` | `.times(3)` |
//! | no singleton mode: runs overlap | `.on_overlap(Allow(8))` |
//! | `WithSingletonMode(LimitModeWait)` | the default |
//! | `WithSingletonMode(LimitModeReschedule)` | `.on_overlap(Overlap::Skip)` |
//! | `WithTags("db", "night")` | `.tag("db").tag("night")` |
//! | `s.RemoveByTags("db")` | `s.jobs().iter().filter(\|job\| job.has_tag("db")).for_each(Job::remove)` |
//! | `WithIntervalFromCompletion()` | `.fixed_delay()` |
//! | `WithLimitConcurrentJobs(4, LimitModeWait)` | `s.group("all", 4)?`, and `.group("all")` for each job |
//! | `WithEventListeners(AfterJobRunsWithError(f))` | `Scheduler::builder(..).on_event(f)` |
//! | `j.RunNow()` | `job.trigger()` |
//! | `j.LastRun()`, `j.NextRun()` | `job.status().last_start()`, `job.status().next_due()` |
//! | `s.Update(id, DurationJob(d), task)` | `job.set_interval(d)?`: the job keeps its function |
//! | `s.RemoveJob(id)` | `job.remove()` |
//! | `s.StopJobs()`, `s.Start()` | `s.stop().await`, `s.start()?` |
//! | `WithStopTimeout(t)` and `s.Shutdown()` | `s.stop().grace(t).timeout(secs(1)).await` |
//! | the `context.Context` of a task | [`Run::cancelled`](crate::Run::cancelled), [`Run::is_cancelled`](crate::Run::is_cancelled) |
//! | `WithMonitor(m)` | the feature `metrics` |
//! | `WithClock(clockwork.NewFakeClock())` | [`VirtualTime`](crate::testing::VirtualTime) |
//!
//! ```
//! use std::time::Duration;
//! use atevery::{Allow, EventKind, FirstRun, Job, Overlap, Run, Scheduler, testing::VirtualTime};
//!
//! # let secs = Duration::from_secs;
//! # let time = VirtualTime::new();
//! # let instant = atevery::runtime::Timer::now(&time) + secs(60);
//! # async fn f() {}
//! let s = Scheduler::builder(time.clone())
//!     .on_event(|event| {
//!         if let EventKind::Failed(error) = event.kind() {
//!             eprintln!("{}: {error}", event.job().name());
//!         }
//!     })
//!     .build()?;
//! s.group("all", 4)?;
//! s.every(secs(10)).first_run(FirstRun::AfterInterval).run(f)?;
//! s.every(secs(10)).first_run(FirstRun::At(instant)).run(f)?;
//! s.every(secs(30)).jitter(secs(10)).run(f)?;
//! s.every(secs(10)).name("sweep").times(3).run(f)?;
//! s.every(secs(10)).on_overlap(Allow(8)).run(f)?;
//! s.every(secs(10)).on_overlap(Overlap::Skip).tag("db").tag("night").run(f)?;
//! s.jobs().iter().filter(|job| job.has_tag("db")).for_each(Job::remove);
//! s.every(secs(10)).fixed_delay().group("all").run(f)?;
//! let job = s.every(secs(10)).group("all").run(async |run: Run| run.cancelled().await)?;
//! s.start()?;
//! # time.run_until_stalled();
//! job.trigger();
//! job.set_interval(secs(20))?;
//! println!("{:?} {:?}", job.status().last_start(), job.status().next_due());
//! # let report = time.block_on(async {
//! let report = s.stop().grace(secs(10)).timeout(secs(1)).await;
//! # report });
//! # assert_eq!(report.finished(), std::slice::from_ref(&job));
//! job.remove();
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! # APScheduler
//!
//! | version 3 | version 4 | here |
//! | --- | --- | --- |
//! | `BackgroundScheduler()` | `Scheduler()` | `Scheduler::new(Standalone::new())` |
//! | `AsyncIOScheduler()` | `AsyncScheduler()` | `Scheduler::new(Tokio::current())` |
//! | `add_job(f, 'interval', seconds=30, id='x')` | `add_schedule(f, IntervalTrigger(seconds=30), id='x')` | `s.every(secs(30)).name("x").run(f)?` |
//! | first after an interval | first at once | first at once; `.first_run(FirstRun::AfterInterval)` |
//! | `start_date=t`, `end_date=t` | `start_time=t`, `end_time=t` | `.first_run(FirstRun::At(instant))`, `.until(instant)` |
//! | `add_job(f, 'cron', hour=3, minute=30)` | `add_schedule(f, CronTrigger(hour=3, minute=30))` | `s.cron("30 3 * * *").run(f)?` |
//! | `CronTrigger(.., timezone='Europe/Berlin')`; the zone of the system by default | likewise | `.zone("Europe/Berlin")`, `.local_zone()`; UTC by default |
//! | `add_job(f, 'date', run_date=t)` | `add_schedule(f, DateTrigger(t))` | `.first_run(FirstRun::At(instant)).times(1)` |
//! | `jitter=5` | `max_jitter=5` | `.jitter(secs(5))` |
//! | `max_instances=1`: a run that comes due during a run is skipped | | `.on_overlap(Overlap::Skip)` |
//! | `max_instances=3` | `max_running_jobs=3` of the task | `.on_overlap(Allow(3))` |
//! | `coalesce=True` | `coalesce=CoalescePolicy.latest` | `.missed_ticks(MissedTicks::Skip)` |
//! | `coalesce=False` | `coalesce=CoalescePolicy.all` | the default, [`Burst`](crate::MissedTicks::Burst) |
//! | `misfire_grace_time=5` | `misfire_grace_time=5` | `.late_at_most(secs(5))` for a job by a calendar; else `if run.started() - run.due() > secs(5) { return }` in the job |
//! | a synchronous `f` on a thread pool | likewise | `.run_blocking(f)` |
//! | `job.pause()`, `job.resume()` | `pause_schedule(id)`, `unpause_schedule(id)` | `job.pause()`, `job.resume()` |
//! | `job.reschedule('interval', seconds=60)` | `add_schedule(.., conflict_policy=ConflictPolicy.replace)` | `job.set_interval(secs(60))?` |
//! | `job.modify(next_run_time=datetime.now())` | `add_job(f)` | `job.trigger()` |
//! | `job.remove()` | `remove_schedule(id)` | `job.remove()` |
//! | `add_listener(f, EVENT_JOB_ERROR)` | `subscribe(f, JobReleased)` | `Scheduler::builder(..).on_event(f)`, `s.events()` |
//! | `print_jobs()` | `get_schedules()` | `println!("{}", s.status())` |
//! | `shutdown()`: waits for runs | | `s.stop().grace(Duration::MAX).await` |
//! | | `stop()`: cancels them | `s.stop().await` |
//! | `shutdown(wait=False)` | | `s.stop().detach()` |
//!
//! ```
//! use std::time::Duration;
//! use atevery::{Allow, FirstRun, MissedTicks, Overlap, Run, Scheduler, testing::VirtualTime};
//!
//! # let secs = Duration::from_secs;
//! # let time = VirtualTime::new();
//! # let instant = atevery::runtime::Timer::now(&time) + secs(60);
//! # fn f() {}
//! let s = Scheduler::new(time.clone());
//! s.every(secs(30)).name("x").first_run(FirstRun::AfterInterval).run(f)?;
//! s.every(secs(30)).first_run(FirstRun::At(instant)).until(instant + secs(3600)).run(f)?;
//! s.every(secs(30)).first_run(FirstRun::At(instant)).times(1).run(f)?;
//! s.every(secs(30)).on_overlap(Overlap::Skip).run(f)?;
//! s.every(secs(30)).jitter(secs(5)).on_overlap(Allow(3)).run_blocking(f)?;
//! s.every(secs(30)).missed_ticks(MissedTicks::Skip).run_blocking(f)?;
//! let job = s.every(secs(30)).run(move |run: Run| {
//!     if run.started() - run.due() > secs(5) {
//!         return;
//!     }
//!     println!("in time");
//! })?;
//! job.pause();
//! job.resume();
//! job.set_interval(secs(60))?;
//! job.trigger();
//! job.remove();
//! let _events = s.events();
//! println!("{}", s.status());
//! s.start()?;
//! # time.advance(secs(31));
//! # let report = time.block_on(async {
//! let report = s.stop().grace(Duration::MAX).await;
//! # report });
//! # assert!(report.is_clean());
//! s.stop().detach();
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! # Spring `@Scheduled`
//!
//! | Java | here |
//! | --- | --- |
//! | `@EnableScheduling` | `start_background_tasks(Tokio::current())?` |
//! | `@Scheduled(fixedRate = 5000)` | `#[every("5s")]` |
//! | `@Scheduled(fixedDelay = 5000)` | `#[every("5s", fixed_delay)]` |
//! | `@Scheduled(initialDelay = 1000, fixedRate = 5000)` | `#[every("5s", first_run = FirstRun::After(Duration::from_secs(1)))]` |
//! | `@Scheduled(initialDelay = 1000)` | `#[every("1s", first_run = FirstRun::AfterInterval, times = 1)]` |
//! | `fixedRateString = "${sweep.rate}"` | `s.every(parse_interval(&rate)?).run(f)?`: an attribute accepts constants only |
//! | `@Scheduled(cron = "0 0 3 * * *", zone = "Europe/Berlin")` | `#[cron("0 0 3 * * *", zone = "Europe/Berlin")]`; in the weekday, `1` is Monday here too |
//! | `@Scheduled(cron = "0 0 3 * * *")`: the zone of the system | `#[cron("0 0 3 * * *", local_zone)]` |
//! | a method that blocks | `#[every("5s", blocking)]` |
//! | `@Scheduled` with `@Async`: runs overlap | `#[every("5s", on_overlap = Allow(4))]` |
//! | a pool of 4 threads | `#[every("5s", group = ("pool", 4))]`; the threads belong to the runtime |
//! | fields of the bean | a closure that captures the fields, passed to `s.every(..).run(..)`; or arguments of the attribute |
//! | `ThreadPoolTaskScheduler.setErrorHandler(f)` | `Scheduler::builder(..).on_event(f)`; the feature `tracing` logs errors |
//! | `spring.task.scheduling.shutdown.await-termination-period=30s` | `stop_background_tasks().grace(Duration::from_secs(30)).await` |
//! | the Actuator's `/actuator/scheduledtasks` | `s.status()`, as a table, or as JSON with the feature `serde` |
//!
//! ```no_run,standalone_crate
//! use std::time::Duration;
//! use atevery::{
//!     Allow, FirstRun, Scheduler, every, parse_interval, runtime::Tokio, start_background_tasks, stop_background_tasks,
//! };
//!
//! #[every("5s")]
//! fn fixed_rate() {}
//!
//! #[every("5s", fixed_delay)]
//! async fn fixed_delay() {}
//!
//! #[every("5s", first_run = FirstRun::After(Duration::from_secs(1)))]
//! fn initial_delay() {}
//!
//! #[every("1s", first_run = FirstRun::AfterInterval, times = 1)]
//! fn once() {}
//!
//! # #[cfg(feature = "calendar")]
//! # mod calendar {
//! # use atevery::cron;
//! #[cron("0 0 3 * * *", zone = "Europe/Berlin")]
//! fn report() {}
//! # }
//!
//! #[every("5s", blocking)]
//! fn blocks() {}
//!
//! #[every("5s", on_overlap = Allow(4))]
//! async fn overlaps() {}
//!
//! #[every("5s", group = ("pool", 4))]
//! async fn one_of_four() {}
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! start_background_tasks(Tokio::current())?;
//! stop_background_tasks().grace(Duration::from_secs(30)).await;
//!
//! # let rate = String::from("1m 30s");
//! # fn f() {}
//! let s = Scheduler::builder(Tokio::current()).on_event(|event| println!("{event}")).build()?;
//! s.every(parse_interval(&rate)?).run(f)?;
//! println!("{}", s.status());
//! # Ok(())
//! # }
//! ```
//!
//! # Quartz
//!
//! | Java | here |
//! | --- | --- |
//! | `cronSchedule("0 0 12 ? * MON-FRI")` | `s.cron("0 0 12 ? * mon-fri").run(f)?`: without the year; a number in the weekday counts from Sunday, which is 0 |
//! | `cronSchedule("0 0 9 ? * 6L")` | `s.cron("0 0 9 ? * friL")` |
//! | `.inTimeZone(berlin)` | `.zone("Europe/Berlin")` |
//! | `dailyAtHourAndMinute(3, 0)` | `s.daily("03:00")` |
//! | `withMisfireHandlingInstructionFireAndProceed()` | the default |
//! | `withMisfireHandlingInstructionDoNothing()` | `.late_at_most(secs(60))` |
//! | `withMisfireHandlingInstructionIgnoreMisfires()` | `.missed_ticks(MissedTicks::Burst)` |
//! | a `Calendar` that excludes holidays | [`s.on(calendar)`](crate::Scheduler::on) with a [`Calendar`](crate::Calendar) that passes them over |
//! | `@DisallowConcurrentExecution` | the default |
//! | `trigger.computeFireTimes(..)` | `job.upcoming(5)` |
//! | `rescheduleJob(key, trigger)` | `job.set_schedule(cron)?` |
//!
//! # systemd timers
//!
//! | unit | here |
//! | --- | --- |
//! | `OnCalendar=*-*-* 03:00:00 Europe/Berlin` | `s.daily("03:00").zone("Europe/Berlin").run(f)?` |
//! | `OnCalendar=Mon..Fri 09:00` | `s.daily("09:00").on("mon-fri").local_zone().run(f)?` |
//! | `OnCalendar=*:0/10` | `s.every(secs(600)).aligned().run(f)?` |
//! | `OnBootSec=5min`, `OnUnitActiveSec=1h` | `s.every(secs(3600)).first_run(FirstRun::After(secs(300))).run(f)?` |
//! | `OnUnitInactiveSec=1h` | `s.every(secs(3600)).fixed_delay().run(f)?` |
//! | `RandomizedDelaySec=30min`, `FixedRandomDelay=` | `.jitter(secs(1800))`, which is the same for a slot after a restart |
//! | `AccuracySec=1min` | [`resolution`](crate::SchedulerBuilder::resolution), 50 ms by default |
//! | `RuntimeMaxSec=60` of the service | `.timeout(secs(60))` |
//! | `Persistent=true` | [not here](#what-is-not-here) |
//!
//! # Kubernetes `CronJob`
//!
//! | manifest | here |
//! | --- | --- |
//! | `schedule: "0 3 * * *"` | `s.cron("0 3 * * *").run(f)?` |
//! | `timeZone: Europe/Berlin` | `.zone("Europe/Berlin")` |
//! | `startingDeadlineSeconds: 200` | `.late_at_most(secs(200))` |
//! | `concurrencyPolicy: Allow`, which is the default there | `.on_overlap(Allow(8))`; by default the new run waits |
//! | `concurrencyPolicy: Forbid` | `.on_overlap(Overlap::Skip)` |
//! | `concurrencyPolicy: Replace` | `.on_overlap(Overlap::Replace)` |
//! | `suspend: true` | `job.pause()` |
//! | `backoffLimit: 3` | `.retry(\|\| [secs(10); 3])` |
//! | `activeDeadlineSeconds: 60` | `.timeout(secs(60))` |
//! | `kubectl create job --from=cronjob/report` | `job.trigger()` |
//!
//! ```
//! # #[cfg(feature = "calendar")]
//! # fn main() -> Result<(), atevery::Error> {
//! use std::time::Duration;
//! use atevery::{Allow, Cron, FirstRun, MissedTicks, Overlap, Scheduler, testing::VirtualTime};
//!
//! # let secs = Duration::from_secs;
//! # let s = Scheduler::new(VirtualTime::new());
//! # let f = || ();
//! let job = s.cron("0 0 12 ? * mon-fri").zone("Europe/Berlin").missed_ticks(MissedTicks::Burst).run(f)?;
//! job.set_schedule("0 0 9 ? * friL".parse::<Cron>()?)?;
//! s.daily("09:00").on("mon-fri").zone("Europe/Berlin").late_at_most(secs(60)).run(f)?;
//! s.every(secs(600)).aligned().run(f)?;
//! s.every(secs(3600)).first_run(FirstRun::After(secs(300))).run(f)?;
//! s.daily("03:00").jitter(secs(1800)).timeout(secs(60)).retry(move || [secs(10); 3]).run(f)?;
//! s.cron("0 3 * * *").on_overlap(Allow(8)).run(f)?;
//! s.cron("0 3 * * *").on_overlap(Overlap::Skip).run(f)?;
//! println!("{:?}", job.upcoming(5));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "calendar"))]
//! # fn main() {}
//! ```
//!
//! # `tokio::time::interval`
//!
//! | Tokio | here |
//! | --- | --- |
//! | `tokio::spawn` of a loop of `interval.tick().await` and `f().await` | `s.every(d).run(f)?` |
//! | `interval_at(Instant::now() + d, d)` | `.first_run(FirstRun::AfterInterval)` |
//! | `set_missed_tick_behavior(MissedTickBehavior::Skip)` | `.missed_ticks(MissedTicks::Skip)`; `Burst` and `Delay` likewise |
//! | `sleep(d).await` at the end of the loop | `.fixed_delay()` |
//! | `timeout(limit, f()).await` | `.timeout(limit)` |
//! | `timeout(limit, f()).await` in a loop of attempts | `.attempt_timeout(limit).retry(backoff)` |
//! | `f(&mut state).await` in the loop | `.run_with(state, f)` |
//! | `spawn_blocking(f).await` | `.run_blocking(f)` |
//! | a `Semaphore` that several loops share | `.group(("db", 4))` |
//! | `select!` of the tick and a `Notify` | `job.trigger()` |
//! | `select!` of the tick and a `CancellationToken`, and a `JoinSet` | `s.stop().timeout(limit).await` |
//! | `tokio_util::sync::CancellationToken`: `token.cancel()` | `s.stop().await`, which also waits for the runs |
//! | `token.cancelled().await`, `token.is_cancelled()` in the loop's work | `run.cancelled().await`, `run.is_cancelled()` |
//! | `JoinSet::abort_all()` and `join_next().await` until `None`, `JoinSet::shutdown().await` | `s.stop().await`: the report names the jobs whose runs were cancelled |
//! | `handle.abort()` of one loop, `JoinSet::spawn(..).abort()` | `job.stop().await`, which waits for the end; `job.remove_on_drop()` where a guard aborts |
//! | a child token, and `child.cancel()` | `job.cancel()`: ends the run in progress, and the job goes on |
//! | `loop { select! { _ = interval.tick() => .., message = rx.recv() => .. } }` | `let mut ticks = s.every(d).ticks()?`, and `run = ticks.next() => ..` in the place of the tick |
//! | `interval.reset_after(delay)`, a sleep of a length that the work computes | `run.next_in(delay)` |
//! | `break` at the end of the work | `run.last()` |
//! | `interval.reset()` | `run.next_in(d)` from within a run; `.fixed_delay()` may be what is meant |
//! | a paused clock, `tokio::time::advance` | the same: [`Tokio`](crate::runtime::Tokio) follows it |
//!
//! ```no_run
//! use std::time::Duration;
//! use atevery::{FirstRun, MissedTicks, Run, Scheduler, runtime::Tokio};
//!
//! # async fn f() {}
//! # async fn step(_: &mut u32) {}
//! # fn g() {}
//! # #[tokio::main]
//! # async fn main() -> Result<(), atevery::Error> {
//! # let (d, limit, state) = (Duration::from_secs(10), Duration::from_secs(1), 0);
//! let s = Scheduler::new(Tokio::current());
//! s.every(d).run(f)?;
//! s.every(d).first_run(FirstRun::AfterInterval).missed_ticks(MissedTicks::Skip).run(f)?;
//! s.every(d).fixed_delay().timeout(limit).run(f)?;
//! s.every(d).attempt_timeout(limit).retry(move || [limit]).run(f)?;
//! s.every(d).run_with(state, step)?;
//! s.every(d).run(async |run: Run| run.cancelled().await)?;
//! let job = s.every(d).group(("db", 4)).run_blocking(g)?;
//! s.start()?;
//! job.trigger();
//! job.remove();
//! s.stop().timeout(limit).await;
//! # Ok(())
//! # }
//! ```
//!
//! Differences:
//!
//! - Runs begin on ticks of 50 ms. [`resolution`](crate::SchedulerBuilder::resolution) sets the length of a tick, down
//!   to 1 ms.
//! - A panic ends the run, and the job continues.
//! - `Burst` makes up one run a tick, not all missed runs at once.
//!
//! # actix
//!
//! | actix | here |
//! | --- | --- |
//! | `ctx.run_interval(d, \|act, _\| act.step())` of an actor that only ticks | `s.every(d).first_run(FirstRun::AfterInterval).run_with(act, Act::step)?`: the job owns the state, and `step` may be asynchronous |
//! | `ctx.run_interval(d, ..)` of an actor that has messages too | `s.every(d).run(move \|\| addr.do_send(Tick))?`: the tick is a message |
//! | `ctx.spawn(fut.into_actor(act))` inside the interval | `async fn step(&mut self)`, with awaits in its body |
//! | `ctx.run_interval_at(start, d, ..)` | `.first_run(FirstRun::At(instant))` |
//! | `ctx.run_later(d, ..)` | `s.every(d).first_run(FirstRun::AfterInterval).times(1).run_with(act, Act::step)?` |
//! | `ctx.cancel_future(handle)` | `job.remove()` |
//! | the actor stops, and its intervals with it | `s.stop().await` |
//!
//! ```
//! use std::time::Duration;
//! use atevery::{FirstRun, Scheduler, testing::VirtualTime};
//!
//! #[derive(Default)]
//! struct Act {
//!     steps: u32,
//! }
//!
//! impl Act {
//!     async fn step(&mut self) {
//!         self.steps += 1;
//!     }
//! }
//!
//! # let d = Duration::from_secs(10);
//! # let time = VirtualTime::new();
//! # let instant = atevery::runtime::Timer::now(&time) + d;
//! # let act = Act::default();
//! let s = Scheduler::new(time.clone());
//! let job = s.every(d).first_run(FirstRun::AfterInterval).run_with(act, Act::step)?;
//! s.every(d).first_run(FirstRun::At(instant)).run_with(Act::default(), Act::step)?;
//! s.every(d).first_run(FirstRun::AfterInterval).times(1).run_with(Act::default(), Act::step)?;
//! s.start()?;
//! # time.advance(Duration::from_secs(35));
//! # assert_eq!(job.runs(), 3);
//! job.remove();
//! # time.block_on(async {
//! s.stop().await;
//! # });
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! # tokio-cron-scheduler
//!
//! | there | here |
//! | --- | --- |
//! | `JobScheduler::new().await?` | `Scheduler::new(Tokio::current())` |
//! | `sched.add(Job::new_repeated_async(d, ..)?).await?` | `s.every(d).first_run(FirstRun::AfterInterval).run(f)?` |
//! | a run begins beside the previous run | `.on_overlap(Allow(8))`; by default the new run waits |
//! | `Job::new_repeated(d, ..)` that blocks | `.run_blocking(f)` |
//! | `Job::new_one_shot_async(d, ..)` | `s.every(d).first_run(FirstRun::AfterInterval).times(1).run(f)?` |
//! | `Job::new_one_shot_at_instant_async(instant, ..)` | `s.every(d).first_run(FirstRun::At(instant)).times(1).run(f)?` |
//! | `Job::new_async("every 10 seconds", ..)` | `#[every("10s")]`, or `s.every(parse_interval("10s")?).run(f)?` |
//! | `Job::new_async("0 0 3 * * *", ..)` | `s.cron("0 0 3 * * *").run(f)?`; in the weekday, `1` is Monday |
//! | `Job::new_async_tz("0 0 3 * * *", Berlin, ..)` | `.zone("Europe/Berlin")` |
//! | `sched.next_tick_for_job(id).await?` | `job.status().next_due()` |
//! | `job.on_done_notification_add(..)` and similar methods | `Scheduler::builder(..).on_event(f)`, `s.events()` |
//! | `sched.remove(&id).await?` | `job.remove()` |
//! | `sched.start().await?` | `s.start()?` |
//! | `sched.shutdown().await?`: runs continue | `s.stop().detach()`; `s.stop().await` cancels the runs |
//! | `sched.shutdown_on_ctrl_c()` | `tokio::signal::ctrl_c().await?`, then `s.stop().await` |
//! | stores in PostgreSQL or NATS | [not here](#what-is-not-here) |
//!
//! ```
//! use std::time::Duration;
//! use atevery::{Allow, FirstRun, Scheduler, parse_interval, testing::VirtualTime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let d = Duration::from_secs(10);
//! # let time = VirtualTime::new();
//! # let instant = atevery::runtime::Timer::now(&time) + d;
//! # async fn f() {}
//! # fn g() {}
//! let s = Scheduler::builder(time.clone()).on_event(|event| println!("{event}")).build()?;
//! let repeated = s.every(d).first_run(FirstRun::AfterInterval).run(f)?;
//! s.every(d).on_overlap(Allow(8)).run(f)?;
//! s.every(d).run_blocking(g)?;
//! let once = s.every(d).first_run(FirstRun::AfterInterval).times(1).run(f)?;
//! let at_an_instant = s.every(d).first_run(FirstRun::At(instant)).times(1).run(f)?;
//! s.every(parse_interval("10s")?).run(f)?;
//! s.start()?;
//! # time.advance(Duration::from_secs(35));
//! # assert_eq!((repeated.runs(), once.runs(), at_an_instant.runs()), (3, 1, 1));
//! println!("{:?}", repeated.status().next_due());
//! repeated.remove();
//! s.stop().detach();
//! # Ok(())
//! # }
//! ```
