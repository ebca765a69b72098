//! When a job runs next: pure functions of a policy and some instants.

use std::time::{Duration, Instant};

use super::grid::Grid;
use super::instant::{Origin, Span, Time};
use super::jitter::Jitter;

/// How a scheduler treats missed runs. A job misses runs if an earlier run took too long, the program was blocked, or
/// the machine was suspended.
///
/// The timelines show a job of 100 ms whose first run takes 230 ms. `#` is a run, and the ticks are 50 ms apart.
///
/// ```
/// use std::time::Duration;
/// use atevery::{MissedTicks, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// scheduler.every(Duration::from_secs(1)).missed_ticks(MissedTicks::Skip).run(|| ())?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum MissedTicks {
    /// Missed runs are made up, one per tick, until the job has caught up. In the long run, the number of runs is
    /// right.
    ///
    /// A job whose interval is a single tick never catches up, because each tick brings another run: all later runs
    /// stay late. Take `Skip` or `Delay` for such a job.
    ///
    /// ```text
    /// ms    0         100       200       300       400       500
    /// tick  |    |    |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x         x
    /// run   #######################  #    #    #    #         #
    /// ```
    #[default]
    Burst,
    /// Missed runs are dropped. The next run is due at the job's next regular instant. In the timeline, the run at 250
    /// ms was due at 100 ms. The run due at 200 ms is dropped.
    ///
    /// ```text
    /// ms    0         100       200       300       400       500
    /// tick  |    |    |    |    |    |    |    |    |    |    |
    /// due   x         x         x         x         x         x
    /// run   #######################  #    #         #         #
    /// ```
    Skip,
    /// Missed runs are dropped, and the job's regular instants move: after a late run, the next run is due one interval
    /// after the tick at which the late run began.
    ///
    /// A run that begins at the first tick from its due instant is not late, and the regular instants stay. A timer
    /// that wakes a little late therefore does not lengthen the period.
    ///
    /// ```text
    /// ms    0         100       200       300       400       500
    /// tick  |    |    |    |    |    |    |    |    |    |    |
    /// due   x         x                        x         x
    /// run   #######################  #         #         #
    /// ```
    Delay,
}

/// When the first run of a job is scheduled.
///
/// A job never begins before the scheduler's next tick.
///
/// ```
/// use std::time::Duration;
/// use atevery::{FirstRun, Scheduler, testing::VirtualTime};
///
/// let scheduler = Scheduler::new(VirtualTime::new());
/// scheduler.every(Duration::from_secs(60)).first_run(FirstRun::AfterInterval).run(|| ())?;
/// # Ok::<(), atevery::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FirstRun {
    /// Immediately: the first run begins at the next tick.
    #[default]
    Now,
    /// One interval after the registration.
    AfterInterval,
    /// This duration after the registration.
    After(Duration),
    /// At this instant. If the instant has passed, the job is due immediately. On a running scheduler, the intervals
    /// since the instant count as missed. Intervals that pass before a start don't count, see
    /// [`Scheduler::start`](crate::Scheduler::start).
    At(Instant),
    /// A random part of this duration after the registration, so that the jobs of a program don't all run at its start.
    /// The random numbers depend on the scheduler's [`seed`](crate::SchedulerBuilder::seed): the same seed gives the
    /// same first runs, if the same jobs are registered in the same order. The later runs follow one interval apart.
    ///
    /// ```text
    /// s     0         1         2         3         4
    /// run          #         #         #         #        FirstRun::Within(1 s), every 1 s
    /// run    #         #         #         #         #
    /// ```
    Within(Duration),
}

impl FirstRun {
    /// Replaces a random first run by the one that the seed gives.
    pub(crate) fn resolved(self, seed: impl FnOnce() -> u64) -> FirstRun {
        match self {
            FirstRun::Within(max) => {
                let (max, seed) = (max.into(), seed());
                FirstRun::After(Jitter { max, seed }.of(Time::ORIGIN).into())
            }
            known => known,
        }
    }

    /// The instant from which the first interval counts, if the first run is scheduled by the interval.
    pub(crate) fn counts_from(self, now: Time) -> Option<Time> {
        matches!(self, FirstRun::AfterInterval).then_some(now)
    }

    pub(crate) fn scheduled(self, now: Time, interval: Span, origin: Origin) -> Time {
        match self {
            FirstRun::Now => now,
            FirstRun::AfterInterval => now.after(interval),
            FirstRun::After(delay) | FirstRun::Within(delay) => now.after(delay.into()),
            FirstRun::At(instant) => origin.time_of(instant),
        }
    }
}

impl MissedTicks {
    /// The instant from which the interval to the next run counts, if `run` begins.
    #[inline]
    pub(crate) fn counts_from(self, run: RunStart, interval: Span, grid: Grid) -> Time {
        match self {
            MissedTicks::Burst => run.scheduled,
            MissedTicks::Skip => run.last_passed(interval),
            MissedTicks::Delay => run.scheduled_or_late_tick(grid),
        }
    }

    /// Number of intervals dropped when `run` begins. Nothing is scheduled past `end`.
    pub(crate) fn missed(self, run: RunStart, interval: Span, grid: Grid, end: Time) -> u64 {
        let until = match self {
            MissedTicks::Burst => return 0,
            MissedTicks::Skip => run.now,
            MissedTicks::Delay => grid.last_tick(run.now),
        };
        let scheduled_by_end = end.since(run.scheduled).as_nanos() / interval.as_nanos();
        run.whole_intervals(interval, until)
            .min(scheduled_by_end)
            .unsigned_abs()
    }
}

/// A run that begins, as the policy of its job sees the run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunStart {
    pub(crate) scheduled: Time,
    /// The scheduled time, delayed by the jitter. Lateness counts from here.
    pub(crate) due: Time,
    pub(crate) now: Time,
}

impl RunStart {
    /// The last instant of the schedule that has passed. Not inlined, because most jobs need it never.
    #[inline(never)]
    fn last_passed(self, interval: Span) -> Time {
        self.scheduled
            .after(interval.times(self.whole_intervals(interval, self.now)))
    }

    /// The scheduled time, or the tick at which the run begins if the run is late.
    #[inline(never)]
    fn scheduled_or_late_tick(self, grid: Grid) -> Time {
        let tick = grid.last_tick(self.now);
        if grid.is_late(self.due, tick) {
            tick
        } else {
            self.scheduled
        }
    }

    fn whole_intervals(self, interval: Span, until: Time) -> i64 {
        until.since(self.due).as_nanos() / interval.as_nanos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// The next scheduled time and the missed intervals, for a run of this job at ticks of 50 ms.
    fn next(policy: MissedTicks, scheduled: i64, jitter: i64, interval: i64, now: i64) -> (i64, u64) {
        let at = |ms: i64| Time::from_nanos(ms * MS);
        let grid = Grid::new(Time::ORIGIN, Span::from_nanos(50 * MS));
        let run = RunStart {
            scheduled: at(scheduled),
            due: at(scheduled + jitter),
            now: at(now),
        };
        let interval = Span::from_nanos(interval * MS);
        let next = policy.counts_from(run, interval, grid).after(interval);
        (next.as_nanos() / MS, policy.missed(run, interval, grid, Time::NEVER))
    }

    #[test]
    fn next_scheduled_by_policy() {
        use MissedTicks::{Burst, Delay, Skip};
        // policy, scheduled time, jitter, interval, now => next scheduled time, missed
        let table = [
            (Burst, 100, 0, 100, 100, 200, 0),
            (Burst, 100, 0, 100, 130, 200, 0),
            (Burst, 100, 30, 100, 950, 200, 0),
            (Skip, 100, 0, 100, 100, 200, 0),
            (Skip, 100, 0, 100, 199, 200, 0),
            (Skip, 100, 0, 100, 200, 300, 1),
            (Skip, 100, 0, 100, 250, 300, 1),
            (Skip, 100, 0, 100, 950, 1_000, 8),
            (Skip, 100, 0, 70, 250, 310, 2),
            (Skip, 100, 90, 100, 200, 200, 0),
            // At the first tick from the due instant, the run is not late, however late the timer.
            (Delay, 100, 0, 100, 100, 200, 0),
            (Delay, 100, 0, 100, 130, 200, 0),
            (Delay, 100, 0, 100, 149, 200, 0),
            (Delay, 75, 0, 75, 100, 150, 0),
            (Delay, 75, 0, 75, 149, 150, 0),
            (Delay, 75, 0, 75, 80, 150, 0),
            (Delay, 70, 0, 50, 149, 120, 0),
            (Delay, 100, 30, 100, 199, 200, 0),
            // From the next tick on, it is: the interval counts from the tick.
            (Delay, 100, 0, 100, 150, 250, 0),
            (Delay, 100, 0, 100, 199, 250, 0),
            (Delay, 100, 0, 100, 350, 450, 2),
            (Delay, 100, 0, 100, 399, 450, 2),
            (Delay, 75, 0, 75, 150, 225, 1),
            (Delay, 100, 30, 100, 200, 300, 0),
        ];
        for (policy, scheduled, jitter, interval, now, expected, missed) in table {
            assert_eq!(
                next(policy, scheduled, jitter, interval, now),
                (expected, missed),
                "{policy:?}: due at {scheduled} + {jitter}, every {interval}, begun at {now}"
            );
        }
    }

    #[test]
    fn a_clock_that_stepped_back_drops_nothing() {
        assert_eq!(next(MissedTicks::Skip, 500, 0, 100, 200), (600, 0));
        assert_eq!(next(MissedTicks::Delay, 500, 0, 100, 200), (600, 0));
    }

    #[test]
    fn an_endless_interval_is_never_due_again() {
        let (now, endless) = (Time::from_nanos(5), Span::from(Duration::MAX));
        let grid = Grid::new(Time::ORIGIN, Span::from_nanos(50));
        let scheduled = Time::from_nanos(1);
        let run = RunStart {
            scheduled,
            due: scheduled,
            now,
        };
        for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
            let next = policy.counts_from(run, endless, grid).after(endless);
            assert_eq!(next, Time::NEVER, "{policy:?}");
        }
    }

    #[test]
    fn first_scheduled() {
        let start = Instant::now();
        let origin = Origin::new(start);
        let (now, interval) = (Time::from_nanos(7 * MS), Span::from_nanos(100 * MS));
        let table = [
            (FirstRun::Now, 7),
            (FirstRun::AfterInterval, 107),
            (FirstRun::After(Duration::from_millis(30)), 37),
            (FirstRun::At(start + Duration::from_millis(3)), 3),
        ];
        for (first, expected) in table {
            assert_eq!(
                first.scheduled(now, interval, origin),
                Time::from_nanos(expected * MS),
                "{first:?}"
            );
        }
        let endless = FirstRun::After(Duration::MAX);
        assert_eq!(endless.scheduled(now, interval, origin), Time::NEVER);
    }
}
