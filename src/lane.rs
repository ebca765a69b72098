//! A task that takes up batches, runs them, and is home to those of its runs that wait.
//!
//! A lane takes one batch after another until none is left. Once runs of a batch wait, it takes no more: it stays their
//! task to the end, and another lane goes on with the queue.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::future::BoxFuture;

use crate::batch::Batch;
use crate::cell::JobCell;
use crate::engine::{End, Engine};
use crate::parked::{Home, Parked, poll_run};
use crate::target::JobResult;

/// After this many runs a lane lets the executor's other tasks have a turn.
const RUNS_PER_POLL: usize = 64;

pub(crate) struct Lane {
    engine: Arc<Engine>,
    home: Arc<Home>,
    /// Where the next run that waits will wait; its waker serves first polls until then.
    vacancy: Option<(Arc<Parked>, Waker)>,
    stage: Stage,
}

enum Stage {
    Taking,
    Home { batch: Arc<Batch>, waiting: usize },
    Left,
}

impl Lane {
    pub(crate) fn new(engine: Arc<Engine>) -> Lane {
        Lane {
            engine,
            home: Arc::default(),
            vacancy: None,
            stage: Stage::Taking,
        }
    }

    /// Runs batches until there is none, one has runs that wait, or it is others' turn.
    fn take_batches(&mut self, cx: &Context<'_>) -> Poll<()> {
        let mut turn = RUNS_PER_POLL;
        while turn > 0 {
            let Some(batch) = self.engine.next_batch() else {
                self.stage = Stage::Left;
                return Poll::Ready(());
            };
            turn = turn.saturating_sub(batch.jobs.len());
            let waiting = batch
                .jobs
                .iter()
                .map(|job| self.run(&batch, job))
                .filter(|waits| *waits)
                .count();
            if waiting > 0 {
                self.stage = Stage::Home { batch, waiting };
                self.engine.replace_lane();
                return Poll::Ready(());
            }
            self.engine.free_lane(&batch);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Begins the run that was offered to this batch. True if it waits.
    fn run(&mut self, batch: &Batch, job: &Arc<JobCell>) -> bool {
        match self.engine.begin_run(batch, job) {
            Some(future) => self.begin_future(batch, job, future),
            None => false,
        }
    }

    fn begin_future(&mut self, batch: &Batch, job: &Arc<JobCell>, mut future: BoxFuture<'static, JobResult>) -> bool {
        let home = &self.home;
        let (place, waker) = self.vacancy.get_or_insert_with(|| {
            let place = Parked::vacant(home);
            (Arc::clone(&place), Waker::from(place))
        });
        match poll_run(&mut future, waker) {
            Poll::Ready(end) => {
                self.engine.end(job, future, end);
                false
            }
            Poll::Pending => {
                place.keep(job, future);
                if !batch.park(place) {
                    place.cancel(&self.engine);
                }
                self.vacancy = None;
                true
            }
        }
    }

    /// Polls the runs that were woken, until none is left waiting.
    fn poll_woken(&mut self) -> Poll<()> {
        let Stage::Home { batch, waiting } = &mut self.stage else {
            return Poll::Ready(());
        };
        for run in self.home.take_woken() {
            if run.poll(&self.engine) {
                *waiting -= 1;
            }
        }
        if *waiting > 0 {
            return Poll::Pending;
        }
        self.engine.finish_batch(batch);
        self.stage = Stage::Left;
        Poll::Ready(())
    }
}

impl Future for Lane {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.home.register(cx.waker());
        if matches!(self.stage, Stage::Taking) && self.take_batches(cx).is_pending() {
            return Poll::Pending;
        }
        self.poll_woken()
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.home.close();
        match std::mem::replace(&mut self.stage, Stage::Left) {
            Stage::Left => {}
            Stage::Taking => self.engine.lose_lane(),
            Stage::Home { batch, .. } => {
                for run in batch.cancel() {
                    run.cancel(&self.engine);
                }
                self.engine.finish_batch(&batch);
            }
        }
    }
}

/// A batch of one job on the runtime's blocking pool.
pub(crate) struct BlockingRun {
    engine: Arc<Engine>,
    batch: Arc<Batch>,
}

impl BlockingRun {
    pub(crate) fn new(engine: Arc<Engine>, batch: Arc<Batch>) -> BlockingRun {
        BlockingRun { engine, batch }
    }

    pub(crate) fn run(self) {
        for job in &self.batch.jobs {
            if let Some(future) = self.engine.begin_run(&self.batch, job) {
                self.engine.end(job, future, End::Cancelled);
            }
        }
    }
}

impl Drop for BlockingRun {
    /// Also reached when the pool refused the run.
    fn drop(&mut self) {
        self.engine.retract(&self.batch);
        self.engine.finish_batch(&self.batch);
    }
}
