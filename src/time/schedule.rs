//! When a job runs next: pure functions of a policy and some instants.

use std::time::{Duration, Instant};

use super::instant::{Origin, Span, Time};

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
    /// A job whose interval is a single tick never catches up, because each tick brings another run: all later runs stay
    /// late. Take `Skip` or `Delay` for such a job.
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
    /// Missed runs are dropped, and the job's regular instants move: the next run is due one interval after the start
    /// of the current run.
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
}

impl FirstRun {
    pub(crate) fn scheduled(self, now: Time, interval: Span, origin: Origin) -> Time {
        match self {
            FirstRun::Now => now,
            FirstRun::AfterInterval => now.after(interval),
            FirstRun::After(delay) => now.after(delay.into()),
            FirstRun::At(instant) => origin.time_of(instant),
        }
    }
}

impl MissedTicks {
    /// The scheduled time of the run after the run of `scheduled`, if the latter begins at `now`.
    pub(crate) fn next_scheduled(self, scheduled: Time, interval: Span, now: Time) -> Time {
        match self {
            MissedTicks::Burst => scheduled.after(interval),
            MissedTicks::Skip => {
                let passed = whole_intervals(scheduled, interval, now);
                scheduled.after(interval.times(passed)).after(interval)
            }
            MissedTicks::Delay => now.after(interval),
        }
    }

    /// Number of intervals dropped when the run of `scheduled` begins at `now`.
    pub(crate) fn missed(self, scheduled: Time, interval: Span, now: Time) -> u64 {
        match self {
            MissedTicks::Burst => 0,
            MissedTicks::Skip | MissedTicks::Delay => whole_intervals(scheduled, interval, now).unsigned_abs(),
        }
    }
}

fn whole_intervals(scheduled: Time, interval: Span, now: Time) -> i64 {
    now.since(scheduled).as_nanos() / interval.as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn next(policy: MissedTicks, scheduled: i64, interval: i64, now: i64) -> (i64, u64) {
        let (scheduled, now) = (Time::from_nanos(scheduled * MS), Time::from_nanos(now * MS));
        let interval = Span::from_nanos(interval * MS);
        let next = policy.next_scheduled(scheduled, interval, now).as_nanos() / MS;
        (next, policy.missed(scheduled, interval, now))
    }

    #[test]
    fn next_scheduled_by_policy() {
        use MissedTicks::{Burst, Delay, Skip};
        // policy, scheduled time, interval, now => next scheduled time, missed
        let table = [
            (Burst, 100, 100, 100, 200, 0),
            (Burst, 100, 100, 130, 200, 0),
            (Burst, 100, 100, 950, 200, 0),
            (Skip, 100, 100, 100, 200, 0),
            (Skip, 100, 100, 199, 200, 0),
            (Skip, 100, 100, 200, 300, 1),
            (Skip, 100, 100, 250, 300, 1),
            (Skip, 100, 100, 950, 1_000, 8),
            (Skip, 100, 70, 250, 310, 2),
            (Delay, 100, 100, 100, 200, 0),
            (Delay, 100, 100, 130, 230, 0),
            (Delay, 100, 100, 350, 450, 2),
        ];
        for (policy, scheduled, interval, now, expected, missed) in table {
            assert_eq!(
                next(policy, scheduled, interval, now),
                (expected, missed),
                "{policy:?}: due at {scheduled}, every {interval}, begun at {now}"
            );
        }
    }

    #[test]
    fn a_clock_that_stepped_back_drops_nothing() {
        assert_eq!(next(MissedTicks::Skip, 500, 100, 200), (600, 0));
        assert_eq!(next(MissedTicks::Delay, 500, 100, 200), (300, 0));
    }

    #[test]
    fn an_endless_interval_is_never_due_again() {
        let (now, endless) = (Time::from_nanos(5), Span::from(Duration::MAX));
        for policy in [MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay] {
            assert_eq!(
                policy.next_scheduled(Time::ORIGIN, endless, now),
                Time::NEVER,
                "{policy:?}"
            );
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
