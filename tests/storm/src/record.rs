//! What is written down during a round, in the order in which it happened.

use std::collections::BTreeSet;

/// The number of a job in its round, which is also its name.
pub(crate) type JobNumber = usize;

/// The number of a stop in its round.
pub(crate) type StopNumber = u64;

#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// Before the registration of a job, which may run before the registration returns.
    Registering {
        job: JobNumber,
        limits: Limits,
    },
    /// The registration returned an error.
    NotRegistered {
        job: JobNumber,
    },

    /// Events of the scheduler. `is_early` is true if the run began before it was due.
    Started {
        job: JobNumber,
        run: u64,
        is_early: bool,
    },
    Ended {
        job: JobNumber,
        run: u64,
        how: End,
    },
    Retried {
        job: JobNumber,
        run: u64,
    },
    Missed {
        job: JobNumber,
        count: u64,
    },
    Removed {
        job: JobNumber,
        in_progress: bool,
    },

    /// A body is the code of one attempt. It is entered when the target is called, and left when its future was dropped
    /// or its function has returned. `run` is `None` if the target takes no `Run`.
    Entered {
        job: JobNumber,
        run: Option<u64>,
    },
    Left {
        job: JobNumber,
        run: Option<u64>,
    },

    /// Calls of the threads and of the runs.
    StartCalled,
    StartReturned {
        ok: bool,
    },
    StopCalled {
        stop: StopNumber,
        is_unlimited: bool,
    },
    StopReturned {
        stop: StopNumber,
        outcome: Outcome,
    },
    RemoveReturned {
        job: JobNumber,
        in_progress: bool,
        is_listed: bool,
    },
    /// The drop of the last handle has returned. No run of the jobs in `idle` was in progress then.
    HandleDropped {
        idle: BTreeSet<JobNumber>,
    },

    /// At the end of a round: what the job says of itself.
    Settled {
        job: JobNumber,
        figures: Figures,
    },
}

/// What the options of a job promise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many runs may be in progress at once.
    pub(crate) at_once: usize,
    pub(crate) times: Option<u64>,
    pub(crate) group: Option<GroupLimit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupLimit {
    pub(crate) name: &'static str,
    pub(crate) runs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    Failed,
    Panicked,
    TimedOut,
    Cancelled,
}

/// What is known when a stop has returned.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Reported(Reported),
    /// The stop was detached, or was dropped half-way without a grace: no run begins any more. No run of the jobs in
    /// `idle` was in progress after that.
    Halted {
        idle: BTreeSet<JobNumber>,
    },
    /// The stop was dropped half-way during its grace, or the run that awaited it was cancelled.
    Abandoned,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reported {
    pub(crate) finished: BTreeSet<JobNumber>,
    pub(crate) cancelled: BTreeSet<JobNumber>,
    pub(crate) still_running: BTreeSet<JobNumber>,
}

/// Counts of a job's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    pub(crate) runs: u64,
    pub(crate) failed: u64,
    pub(crate) panicked: u64,
    pub(crate) timed_out: u64,
    pub(crate) cancelled: u64,
    pub(crate) retried: u64,
    pub(crate) missed: u64,
}
