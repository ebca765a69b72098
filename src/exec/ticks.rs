//! Runs that the holder of a [`Ticks`] does.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures::stream::{FusedStream, Stream};

use crate::dispatch::batch::Batch;
use crate::dispatch::ticker::{Ticker, ticker_of};
use crate::engine::Engine;
use crate::engine::wakeups::Wakeups;
use crate::exec::begin::begin_tick;
use crate::exec::finish::finish;
use crate::job::config::Host;
use crate::job::handle::Job;
use crate::job::run::{Run, RunContext, RunInfo};
use crate::job::run_end::RunEnd;

/// A job whose runs its holder does: a stream of runs. [`JobBuilder::ticks`](crate::JobBuilder::ticks) returns this
/// type.
///
/// Use it where a function can't do the work of a job: in a `select!` beside other events, with `&mut` or borrowed
/// state, for work that isn't `Send`.
///
/// ```
/// use std::time::Duration;
/// use atevery::{Scheduler, testing::VirtualTime};
/// use futures::{FutureExt, StreamExt, select};
///
/// async fn connection(scheduler: &Scheduler, mut messages: futures::channel::mpsc::Receiver<String>) -> usize {
///     let mut pings = 0; // borrowed by both branches
///     let mut ticks = scheduler.every(Duration::from_secs(10)).name("ping").ticks().unwrap();
///     loop {
///         select! {
///             run = ticks.next() => match run {
///                 Some(_run) => pings += 1,
///                 None => return pings, // the scheduler has stopped
///             },
///             message = messages.next() => match message {
///                 Some(message) => println!("{message} after {pings} pings"),
///                 None => return pings,
///             },
///         }
///     }
/// }
///
/// let time = VirtualTime::new();
/// let scheduler = Scheduler::new(time.clone());
/// scheduler.start()?;
/// let (sender, messages) = futures::channel::mpsc::channel(8);
/// let clock = time.clone();
/// let hang_up = async move {
///     clock.sleep(Duration::from_secs(25)).await;
///     drop(sender);
/// };
/// let (pings, ()) = time.block_on(futures::future::join(connection(&scheduler, messages), hang_up));
/// assert_eq!(pings, 3);
/// # Ok::<(), atevery::Error>(())
/// ```
///
/// # Runs
///
/// A run begins when a poll returns it, and ends when the holder polls again or drops the `Ticks`. In between, it
/// counts as any other run: [`Job::status`], events and stops see it. A holder that is slow delays its own runs alone.
/// What it misses follows [`missed_ticks`](crate::JobBuilder::missed_ticks).
///
/// ```text
/// s        0         1         2         3         4
/// due      x         x         x         x         x
/// poll     |   |     |             |     |   |     |
/// run      ####      ##############      ####      ###
/// ```
///
/// # The end
///
/// The stream ends with `None` when the scheduler stops, when the job is [removed](Job::remove), and after the last run
/// by [`times`](crate::JobBuilder::times), [`until`](crate::JobBuilder::until) or [`Run::last`]. The job is then
/// removed: after a start of the scheduler, ask for new ticks. Dropping the `Ticks` removes the job too.
///
/// Nothing can cancel the holder. A stop tells a run of the holder by [`Run::cancelled`], and waits for its end only
/// within the stop's [grace](crate::Stop::grace) and [timeout](crate::Stop::timeout). A stop without either names the
/// run as still running, and returns. So a task that holds a `Ticks` can stop its own scheduler. A holder that awaits
/// its own job's [`idle`](Job::idle) during a run waits for itself. A job that is [triggered](Job::trigger) during a
/// run begins at the end of this run, but only once a tick.
///
/// A `Ticks` does not keep the scheduler alive.
///
/// # Groups
///
/// A run that is due holds a permit of its [group](crate::JobBuilder::group) from its tick on. A holder that does not
/// poll therefore holds up the group, as a run would that takes long.
#[must_use = "the drop of the ticks removes the job: keep the ticks in a variable with a name"]
pub struct Ticks {
    job: Job,
    engine: Weak<Engine>,
    current: Option<Tick>,
    is_terminated: bool,
}

/// A run in progress. Like any run, it keeps the engine, but not the scheduler, until its end.
struct Tick {
    engine: Arc<Engine>,
    batch: Arc<Batch>,
    info: RunInfo,
}

impl Ticks {
    pub(crate) fn new(engine: &Arc<Engine>, job: Job) -> Ticks {
        Ticks {
            job,
            engine: Arc::downgrade(engine),
            current: None,
            is_terminated: false,
        }
    }

    /// Returns the job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    fn ticker(&self) -> &Ticker {
        ticker_of(self.job.cell()).expect("the job of a `Ticks` has a ticker")
    }

    fn poll_with(&mut self, engine: Arc<Engine>, cx: &mut Context<'_>) -> Poll<Option<Run>> {
        self.ticker().register(cx.waker());
        loop {
            if self.ticker().is_over() {
                self.terminate();
                return Poll::Ready(None);
            }
            let Some(batch) = self.ticker().take_offered() else {
                return Poll::Pending;
            };
            match begin_tick(&engine, &batch) {
                Some(info) => return Poll::Ready(Some(self.keep_run(Tick { engine, batch, info }))),
                None => engine.finish_batch(&batch),
            }
        }
    }

    /// Keeps the run that has begun until its end.
    fn keep_run(&mut self, tick: Tick) -> Run {
        let context = RunContext {
            clock: &tick.engine.clock,
            run: &tick.batch.jobs[0],
            info: &tick.info,
            attempt: None,
        };
        let run = context.to_run();
        self.current = Some(tick);
        run
    }

    /// Ends the run in progress, and returns the engine that the run has kept.
    fn end_run(&mut self) -> Option<Arc<Engine>> {
        let Tick { engine, batch, info } = self.current.take()?;
        // The run is timed, so the clock is read for its end.
        let waited = info.started;
        finish(
            &mut Wakeups::new(&engine),
            &batch.jobs[0],
            &info,
            RunEnd::Finished,
            waited,
        );
        engine.finish_batch_of_one(batch);
        Some(engine)
    }

    /// Removes the job. An offer that comes meanwhile is withdrawn.
    fn terminate(&mut self) {
        self.is_terminated = true;
        let engine = self.end_run().or_else(|| self.engine.upgrade());
        // First of all, so that the removal does not wake the holder.
        let offered = self.ticker().close();
        let Some(engine) = engine else { return };
        engine.retire(self.job.cell_arc());
        if let Some(batch) = offered {
            engine.withdraw_for_stop(&batch);
            engine.finish_batch(&batch);
        }
    }
}

impl Stream for Ticks {
    type Item = Run;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Run>> {
        if self.is_terminated {
            return Poll::Ready(None);
        }
        match self.end_run().or_else(|| self.engine.upgrade()) {
            Some(engine) => self.poll_with(engine, cx),
            None => {
                self.terminate();
                Poll::Ready(None)
            }
        }
    }
}

impl FusedStream for Ticks {
    fn is_terminated(&self) -> bool {
        self.is_terminated
    }
}

impl Drop for Ticks {
    fn drop(&mut self) {
        if !self.is_terminated {
            self.terminate();
        }
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticks")
            .field("job", &self.job)
            .field("is_run_in_progress", &self.current.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::time::Duration;

    use crate::Scheduler;
    use crate::testing::VirtualTime;

    /// The offer refers to the job, and the job to the offer.
    #[test]
    fn a_job_is_dropped_although_its_offer_was_never_taken() {
        for scheduler_goes_first in [false, true] {
            let time = VirtualTime::new();
            let scheduler = Scheduler::new(time.clone());
            scheduler.start().unwrap();
            let ticks = scheduler.every(Duration::from_secs(1)).ticks().unwrap();
            let job = std::sync::Arc::downgrade(ticks.job.cell_arc());
            time.advance(Duration::from_secs(1));
            assert!(ticks.job.cell().is_offered());
            if scheduler_goes_first {
                drop(scheduler);
                time.run_until_stalled();
                drop(ticks);
            } else {
                drop(ticks);
                drop(scheduler);
            }
            drop(time);
            assert_eq!(job.strong_count(), 0, "{scheduler_goes_first}");
        }
    }
}
