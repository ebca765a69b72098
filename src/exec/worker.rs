//! A task that takes up batches, runs them, and is home to those of its runs that wait.
//!
//! A lane takes one batch after another until none is left. Once runs of a batch wait, it takes no more: it stays their
//! task to the end, and another lane goes on with the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::dispatch::queue::{Batch, Queue};
use crate::engine::Engine;
use crate::exec::retry::{Pause, Wait};
use crate::exec::workers::Taken;
use crate::job::cell::JobInstance;
use crate::job::rules::Backoff;
use crate::job::run::RunInfo;
use crate::job::run_end::RunEnd;
use crate::job::target::RunFuture;
use crate::park::set::Places;
use crate::park::slot::{Visit, poll_in_span};
use crate::time::Time;
use crate::unwind::{catch, discard, quietly};

/// After a turn of about this length a lane lets the executor's other tasks have theirs. Each change of turns may wake a thread,
/// which costs as much as hundreds of short runs.
const TURN: Duration = Duration::from_micros(50);

/// After so many runs it looks at the clock.
const RUNS_PER_LOOK: usize = 64;

/// And so many times at most in one turn, whatever the clock says.
const LOOKS: usize = 8;

pub(crate) struct Lane {
    engine: Arc<Engine>,
    desk: Desk,
    /// Where its runs wait. There from its first batch on, until it leaves.
    places: Option<Places>,
    stage: Stage,
}

enum Stage {
    Taking,
    Home { batch: Arc<Batch>, waiting: usize },
    Left,
}

/// How long a lane has been at it since it was polled.
struct Turn {
    end: Time,
    runs: usize,
    looks: usize,
}

impl Turn {
    fn begin(engine: &Engine) -> Turn {
        Turn {
            end: engine.now().after(TURN.into()),
            runs: 0,
            looks: 0,
        }
    }

    fn is_over(&mut self, engine: &Engine) -> bool {
        if self.runs < RUNS_PER_LOOK {
            return false;
        }
        self.runs = 0;
        self.looks += 1;
        self.looks == LOOKS || engine.now() >= self.end
    }
}

/// What a lane has at hand beside the batch that it runs.
#[derive(Default)]
pub(crate) struct Desk {
    /// It counts as free.
    is_free: bool,
    /// No other lane is to be had beside it.
    pub(crate) goes_alone: bool,
    /// The batch that it ran last.
    done: Option<Arc<Batch>>,
    /// One that has been cleared, for the queue to use again.
    spare: Option<Arc<Batch>>,
}

impl Desk {
    fn of_free_lane() -> Desk {
        Desk {
            is_free: true,
            ..Desk::default()
        }
    }

    /// All runs of the batch have ended.
    fn put_away(&mut self, batch: Arc<Batch>) {
        self.done = Some(batch);
    }

    /// Tells the queue that what was put away is over, and gives it what is cleared.
    pub(crate) fn finish(&mut self, queue: &mut Queue) {
        if let Some(done) = &self.done {
            queue.finish(done);
        }
        if let Some(spare) = self.spare.take() {
            queue.keep(spare);
        }
    }

    /// The lane is free for another batch.
    pub(crate) fn count_as_free(&mut self, queue: &mut Queue) {
        if !std::mem::replace(&mut self.is_free, true) {
            queue.add_free_lane();
        }
    }

    /// The lane takes one, or leaves.
    pub(crate) fn count_as_taken(&mut self, queue: &mut Queue) {
        if std::mem::take(&mut self.is_free) {
            queue.take_free_lane();
        }
    }

    /// Clears the batch that was put away and is finished. No lock is held: jobs may be dropped with it, and users' code with them.
    pub(crate) fn tidy(&mut self) {
        let Some(mut done) = self.done.take() else { return };
        if let Some(batch) = Arc::get_mut(&mut done) {
            batch.jobs.clear();
            self.spare = Some(done);
        }
    }
}

impl Lane {
    pub(crate) fn new(engine: Arc<Engine>) -> Lane {
        Lane {
            engine,
            desk: Desk::of_free_lane(),
            places: None,
            stage: Stage::Taking,
        }
    }

    /// From here on this task is polled anew when a run of its own is woken.
    fn register(&mut self, cx: &Context<'_>) {
        let Some(places) = &mut self.places else { return };
        places.register(cx.waker());
        if matches!(self.stage, Stage::Taking) {
            // Nothing waits yet. Wakes so far were for runs that are over; those to come must not think that the task was told.
            places.poll_woken(&self.engine);
        }
    }

    /// Runs batches until there is none, one has runs that wait, or it is others' turn.
    fn take_batches(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut turn = Turn::begin(&self.engine);
        while !turn.is_over(&self.engine) {
            let batch = match self.engine.next_batch(&mut self.desk) {
                Taken::Batch(batch) => batch,
                Taken::Later => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Taken::Nothing => {
                    self.leave();
                    return Poll::Ready(());
                }
            };
            turn.runs += batch.jobs.len().max(1);
            let Lane { engine, places, .. } = self;
            let places = places.get_or_insert_with(|| engine.take_places(cx.waker()));
            let (waiting, has_rung) =
                engine.hold_back(|| batch.jobs.iter().filter(|job| run(engine, places, &batch, job)).count());
            if waiting > 0 {
                return self.settle_down(batch, waiting, has_rung);
            }
            self.desk.put_away(batch);
            if has_rung {
                break;
            }
        }
        self.engine.free_lane(&mut self.desk);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Stays with a batch whose runs wait. Another lane takes its place if there is work, and has its turn first; runs that were
    /// woken already have woken this task too.
    fn settle_down(&mut self, batch: Arc<Batch>, waiting: usize, has_rung: bool) -> Poll<()> {
        self.stage = Stage::Home { batch, waiting };
        self.desk = Desk::default();
        if let Some(places) = &mut self.places {
            places.put_by_spare();
        }
        if self.engine.hire_lanes() || has_rung {
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Polls the runs that were woken, until none is left waiting.
    fn poll_woken(&mut self) -> Poll<()> {
        let Stage::Home { batch, waiting } = &mut self.stage else {
            return Poll::Ready(());
        };
        if let Some(places) = &mut self.places {
            let (ended, _) = self.engine.hold_back(|| places.poll_woken(&self.engine));
            *waiting -= ended;
        }
        if *waiting > 0 {
            return Poll::Pending;
        }
        self.engine.finish_batch(batch);
        batch.forget_parked();
        self.leave();
        Poll::Ready(())
    }

    /// Nothing is left to do.
    fn leave(&mut self) {
        self.stage = Stage::Left;
        if let Some(places) = self.places.take() {
            self.engine.keep_places(places);
        }
    }
}

/// Begins the run that was offered to this batch. True if it waits.
fn run(engine: &Arc<Engine>, places: &mut Places, batch: &Batch, job: &JobInstance) -> bool {
    let begun = engine.begin_run(batch, job, places.spare());
    begun.is_some_and(|begun| poll_first(engine, places, batch, job, begun))
}

fn poll_first(
    engine: &Engine,
    places: &mut Places,
    batch: &Batch,
    job: &JobInstance,
    (info, mut future): (RunInfo, RunFuture),
) -> bool {
    let (place, waker) = places.vacant();
    match poll_in_span(job, &info, &mut future, waker) {
        Poll::Ready(end) => {
            let spare = engine.end_here(job, &info, future, end, None);
            places.keep_spare(spare);
            false
        }
        Poll::Pending => {
            place.keep(engine, Visit::new(job, info, future));
            if !batch.park(place) {
                place.cancel(engine);
            }
            places.occupy();
            true
        }
    }
}

impl Future for Lane {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.register(cx);
        if matches!(self.stage, Stage::Taking) && self.take_batches(cx).is_pending() {
            return Poll::Pending;
        }
        self.poll_woken()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(places) = &self.places {
            places.close();
        }
        match std::mem::replace(&mut self.stage, Stage::Left) {
            Stage::Left => {}
            Stage::Taking if self.desk.is_free => self.engine.lose_lane(),
            Stage::Taking => {}
            Stage::Home { batch, .. } => {
                batch.cancel();
                self.engine.cancel_parked(&batch);
                if batch.is_running() {
                    batch.abandon();
                } else {
                    self.engine.finish_batch(&batch);
                }
            }
        }
    }
}

/// A batch of one job on the runtime's blocking pool.
pub(crate) struct BlockingRun {
    engine: Arc<Engine>,
    batch: Arc<Batch>,
    stage: BlockingStage,
}

enum BlockingStage {
    Offered,
    /// Between two attempts.
    Begun(RunInfo, Backoff),
    Ended,
}

impl BlockingRun {
    pub(crate) fn new(engine: Arc<Engine>, batch: Arc<Batch>) -> BlockingRun {
        BlockingRun {
            engine,
            batch,
            stage: BlockingStage::Offered,
        }
    }

    /// Hands it to the pool. A run that is refused is dropped, and tells so.
    pub(crate) fn dispatch(self) {
        let engine = Arc::clone(&self.engine);
        quietly(|| drop(engine.clock.runtime().spawn_blocking(Box::new(move || self.run()))));
    }

    fn job(&self) -> &JobInstance {
        &self.batch.jobs[0]
    }

    fn run(mut self) {
        let begun = match std::mem::replace(&mut self.stage, BlockingStage::Ended) {
            BlockingStage::Offered => self.engine.begin_blocking(&self.batch, self.job()),
            BlockingStage::Begun(info, backoff) => {
                let end = self.engine.call(self.job(), &info, &mut None).into_end();
                Some((info, end, Some(backoff)))
            }
            BlockingStage::Ended => None,
        };
        if let Some((info, end, backoff)) = begun {
            self.end_attempt(info, end, backoff);
        }
    }

    /// Ends the run, or has it wait for its next attempt.
    fn end_attempt(mut self, info: RunInfo, end: RunEnd, backoff: Option<Backoff>) {
        let again = backoff.and_then(|backoff| next_wait(backoff, end.is_failure()));
        let Some((wait, backoff)) = again else {
            self.engine.settle(self.job(), &info, end, None);
            return;
        };
        self.engine.report_retry(self.job(), &info, end);
        let wait = Wait::new(&self.engine, self.job(), info.number, wait);
        let engine = Arc::clone(&self.engine);
        let limit = self.job().job.time_limit(&info);
        self.stage = BlockingStage::Begun(info, backoff);
        quietly(|| drop(engine.clock.runtime().spawn(Box::pin(Pause::new(wait, limit, self)))));
    }

    /// Ends a run whose time is up between two attempts.
    pub(crate) fn time_out(mut self) {
        if let BlockingStage::Begun(info, backoff) = std::mem::replace(&mut self.stage, BlockingStage::Ended) {
            quietly(|| drop(backoff));
            self.engine.settle(self.job(), &info, RunEnd::TimedOut, None);
        }
    }
}

/// The next wait of a back-off, if there is one and it is wanted. The back-off is a user's, and may panic.
fn next_wait(mut backoff: Backoff, wanted: bool) -> Option<(Duration, Backoff)> {
    let wait = catch(|| if wanted { backoff.next() } else { None });
    match wait {
        Ok(Some(wait)) => return Some((wait, backoff)),
        Ok(None) => {}
        Err(payload) => discard(payload),
    }
    quietly(|| drop(backoff));
    None
}

impl Drop for BlockingRun {
    /// Also reached when the pool refused the run, or the executor the wait for its next attempt.
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, BlockingStage::Ended) {
            BlockingStage::Offered => self.engine.take_back(&self.batch),
            BlockingStage::Begun(info, backoff) => {
                quietly(|| drop(backoff));
                self.engine.settle(self.job(), &info, RunEnd::Cancelled, None);
            }
            BlockingStage::Ended => {}
        }
        self.engine.finish_batch(&self.batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::cell::tests::job;
    use crate::job::state::OfferId;

    #[test]
    fn a_lane_counts_as_free_once_until_it_is_taken() {
        let mut queue = Queue::default();
        queue.hire(1);
        let mut desk = Desk::of_free_lane();
        let free = |queue: &Queue| queue.has_lanes_for(1) && !queue.has_lanes_for(2);
        for _ in 0..2 {
            desk.count_as_free(&mut queue);
            assert!(free(&queue));
        }
        for _ in 0..2 {
            desk.count_as_taken(&mut queue);
            assert!(!queue.has_lanes_for(1));
        }
        desk.count_as_free(&mut queue);
        assert!(free(&queue));
    }

    #[test]
    fn a_batch_that_was_put_away_is_finished_and_used_again() {
        let mut queue = Queue::default();
        let mut desk = Desk::default();
        let batch = queue.hand_out((OfferId::new(1), Time::ORIGIN), vec![JobInstance::own(&job())]);
        desk.put_away(batch);
        desk.finish(&mut queue);
        assert!(queue.active().is_empty());
        assert_eq!(queue.take_list().capacity(), 0);
        desk.tidy();
        desk.finish(&mut queue);
        let list = queue.take_list();
        assert!(list.is_empty() && list.capacity() > 0);
    }
}
