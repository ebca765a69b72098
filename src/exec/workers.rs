//! Lanes come, take batches and go.
//!
//! As long as something is left to be handed out, a lane is free for it that some thread can get at. An executor may keep what
//! is spawned for the thread that spawned it (Tokio does, in a place from which no other thread takes anything), and there it is stuck as
//! long as that thread is. So whoever has started lanes returns to the executor before it does anything that may block.

use std::sync::Arc;

use crate::dispatch::offers::Handout;
use crate::dispatch::queue::Batch;
use crate::dispatch::session::{Bell, Session};
use crate::engine::wakeups::ring;
use crate::engine::{Engine, State};
use crate::exec::worker::{BlockingRun, Desk, Lane};
use crate::job::cell::JobCell;
use crate::job::config::Host;
use crate::unwind::{lock, quietly};

/// What a lane gets that asks for a batch.
pub(crate) enum Taken {
    Batch(Arc<Batch>),
    /// It asks again at its next turn: lanes for what is left have been started, which come first.
    Later,
    Nothing,
}

/// What was found for it.
enum Found {
    Batch(Arc<Batch>),
    /// More than a batch: it is all in the queue, and the rest is to be seen to.
    More(Handout),
    /// So many lanes are to be started first.
    Wanting(usize),
    /// The loop may have to be told so.
    Nothing(Option<Arc<Bell>>),
}

/// The executor has refused a lane, or dropped it.
pub(crate) struct LaneLost;

fn batches_left(state: &State) -> usize {
    state.session.as_ref().map_or(0, Session::batches_left)
}

impl Engine {
    /// The next batch for a lane. Where many jobs are due they are offered here, by whoever is to run them, so that a job's
    /// memory needs to come to one processor only.
    pub(crate) fn next_batch(self: &Arc<Self>, desk: &mut Desk) -> Taken {
        let hires = !std::mem::take(&mut desk.goes_alone);
        let found = self.find_batch(desk, hires);
        desk.tidy();
        match found {
            Found::Batch(batch) => return Taken::Batch(batch),
            Found::Nothing(bell) => {
                desk.finish(&mut lock(&self.queue));
                ring(bell);
                return Taken::Nothing;
            }
            Found::More(handout) => {
                if handout.may_block() {
                    self.hire_beside();
                }
                self.follow_up(handout);
                self.hire_lanes();
            }
            // Before a batch is taken: an executor may poll what is spawned at once, and runs begin in order.
            Found::Wanting(wanting) => {
                if self.start_lanes(wanting).is_err() {
                    // This lane does what it can, and the loop is not to count on others.
                    desk.goes_alone = true;
                    self.ring();
                }
            }
        }
        Taken::Later
    }

    /// Finds a batch for a lane, which may have to hire others first.
    fn find_batch(&self, desk: &mut Desk, hires: bool) -> Found {
        // The tick may have been served a while ago, and others have come since: what is listed here comes after those.
        let now = self.now();
        let mut state = lock(&self.state);
        let State {
            session,
            job_table,
            offer_ids,
            groups,
            ..
        } = &mut *state;
        let mut queue = lock(&self.queue);
        desk.finish(&mut queue);
        let left = session.as_ref().map_or(0, Session::batches_left);
        desk.count_as_free(&mut queue);
        if hires {
            let wanting = queue.hire_another(left);
            if wanting > 0 {
                return Found::Wanting(wanting);
            }
        }
        desk.count_as_taken(&mut queue);
        if let Some(batch) = queue.next() {
            return Found::Batch(batch);
        }
        let Some(current) = session else {
            return Found::Nothing(None);
        };
        if left == 0 {
            return Found::Nothing(current.correct_wake());
        }
        let mut handout = Handout::new(now, offer_ids, queue.take_list());
        current.hand_out(&mut handout, job_table);
        current.admit(&mut handout, job_table, groups);
        let batch = handout.hand_out(&mut queue);
        if handout.is_plain() {
            return Found::Batch(batch);
        }
        queue.put_back(batch);
        desk.count_as_free(&mut queue);
        Found::More(handout)
    }

    /// The executor refused a lane, or dropped it. What no lane is left for is offered and taken back, to be tried again at the
    /// next tick.
    pub(crate) fn lose_lane(self: &Arc<Self>) {
        if !lock(&self.queue).lose() {
            return;
        }
        let mut desk = Desk::default();
        loop {
            match self.find_batch(&mut desk, false) {
                Found::Batch(batch) => {
                    self.take_back(&batch);
                    self.finish_batch(&batch);
                }
                Found::More(handout) => self.follow_up(handout),
                Found::Wanting(_) | Found::Nothing(_) => return,
            }
        }
    }

    /// A lane lets the executor's other tasks have a turn.
    pub(crate) fn free_lane(&self, desk: &mut Desk) {
        let mut queue = lock(&self.queue);
        desk.finish(&mut queue);
        desk.count_as_free(&mut queue);
    }

    /// Starts as many lanes as are wanting, in the place of one that has other things to do. True if it has started any, or has
    /// woken the loop: whoever asks returns to the executor before it does anything that may block.
    pub(crate) fn hire_lanes(self: &Arc<Self>) -> bool {
        let state = lock(&self.state);
        // One will do for what is left: it sees to the next itself.
        let wanting = lock(&self.queue).hire(batches_left(&state).min(1));
        drop(state);
        // What is refused is taken back, or left to the lanes there are.
        let _ = self.start_lanes(wanting);
        let mut state = lock(&self.state);
        let has_lanes = lock(&self.queue).has_lanes_for(batches_left(&state));
        let session = state.session.as_mut().filter(|_| has_lanes);
        let bell = session.and_then(Session::correct_wake);
        drop(state);
        let rings = bell.is_some();
        ring(bell);
        wanting > 0 || rings
    }

    /// Likewise beside a lane that is about to call users' code, counts as free, and may block its thread, and one that may be stuck
    /// behind it.
    fn hire_beside(self: &Arc<Self>) {
        let state = lock(&self.state);
        let wanting = lock(&self.queue).hire_beside(batches_left(&state).min(1) + 1);
        drop(state);
        // The lane itself goes on in the end.
        let _ = self.start_lanes(wanting);
    }

    /// Starts lanes. One that is refused is dropped, and tells so: what it should have run is tried again at the next tick.
    /// Fails if any was lost.
    pub(crate) fn start_lanes(self: &Arc<Self>, wanting: usize) -> Result<(), LaneLost> {
        if wanting == 0 {
            return Ok(());
        }
        let lost = lock(&self.queue).lost();
        for _ in 0..wanting {
            let lane = Lane::new(Arc::clone(self));
            quietly(|| drop(self.clock.runtime().spawn(Box::pin(lane))));
        }
        if lock(&self.queue).lost() == lost {
            Ok(())
        } else {
            Err(LaneLost)
        }
    }

    /// Does what else is to be done about jobs that came up.
    pub(crate) fn follow_up(self: &Arc<Self>, handout: Handout) {
        self.start_blocking(handout.blocking_batches);
        for job in handout.removed {
            job.clear_removed();
        }
        for job in handout.exhausted {
            self.retire(&job);
        }
        if !handout.overlapping.is_empty() {
            self.replace_runs(&handout.overlapping);
        }
    }

    #[cfg(all(interleavings, test))]
    pub(crate) fn has_lane_for_what_is_left(&self) -> bool {
        let state = lock(&self.state);
        lock(&self.queue).has_lanes_for(batches_left(&state).min(1))
    }

    fn start_blocking(self: &Arc<Self>, batches: Vec<Arc<Batch>>) {
        for batch in batches {
            BlockingRun::new(Arc::clone(self), batch).dispatch();
        }
    }

    /// Cancels the runs that are in the way of new ones, and offers those.
    fn replace_runs(self: &Arc<Self>, jobs: &[Arc<JobCell>]) {
        for job in jobs {
            self.cancel_current(job);
        }
        let now = self.now();
        let mut state = lock(&self.state);
        let State {
            session: Some(current),
            job_table,
            offer_ids,
            groups,
            ..
        } = &mut *state
        else {
            return;
        };
        let mut handout = Handout::new(now, offer_ids, Vec::new());
        for job in jobs.iter().filter(|job| job_table.get(job.index()).is_some()) {
            current.offer_again(&mut handout, job);
        }
        current.admit(&mut handout, job_table, groups);
        handout.queue(&mut lock(&self.queue));
        drop(state);
        // Those that were let into their groups may be used up. None of them is replaced.
        if handout.may_block() {
            self.hire_beside();
        }
        self.follow_up(handout);
    }
}
