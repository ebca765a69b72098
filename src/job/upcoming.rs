//! What is to come: the wall-clock times for which the next runs of a job are scheduled.

use std::iter::successors;
use std::time::SystemTime;

use crate::clock::Clock;
use crate::job::by_calendar::{ByCalendar, is_inside_calendar};
use crate::job::cell::JobCell;
use crate::job::handle::Job;
use crate::time::{Clocks, MissedTicks, NO_SLOT, NextSlot, Time, WallTime};

impl Job {
    /// Returns the wall-clock times for which the job's next runs are scheduled, at most `n`, the earliest first: the
    /// slots of a calendar, or the instants that the interval gives. A [jitter](crate::JobBuilder::jitter) is not
    /// included.
    ///
    /// The list ends where nothing is known: after the last of [`times`](crate::JobBuilder::times), at
    /// [`until`](crate::JobBuilder::until), and with [`fixed_delay`](crate::JobBuilder::fixed_delay) after the next run,
    /// since the others depend on its end. It is empty while the job is paused, and once it was removed. If the
    /// scheduler is stopped, the list says what would come if it were started now.
    ///
    /// ```
    /// use std::time::{Duration, UNIX_EPOCH};
    /// use atevery::{Scheduler, testing::VirtualTime};
    ///
    /// let noon = UNIX_EPOCH + Duration::from_secs(43_200);
    /// let scheduler = Scheduler::new(VirtualTime::at(noon));
    /// let job = scheduler.every(Duration::from_secs(600)).aligned().run(|| ())?;
    /// scheduler.start()?;
    /// let minutes = |minutes: u64| noon + Duration::from_secs(minutes * 60);
    /// assert_eq!(job.upcoming(3), [minutes(10), minutes(20), minutes(30)]);
    /// # Ok::<(), atevery::Error>(())
    /// ```
    pub fn upcoming(&self, n: usize) -> Vec<SystemTime> {
        let cell = self.cell();
        let Some(host) = cell.host().filter(|_| !cell.state.load().is_removed()) else {
            return Vec::new();
        };
        host.follow_wall_clock();
        let clock = host.clock();
        let clocks = clock.read();
        let first = cell.first_upcoming(clock, clocks, host.is_running());
        let walls = successors(first, |wall| cell.upcoming_after(clock, clocks, *wall));
        let in_time = walls.take_while(|wall| !cell.is_past_end(clocks.time_of(*wall)));
        let known = in_time.take(cell.most_upcoming(n));
        known.map_while(|wall| clock.wall_origin().system_time(wall)).collect()
    }
}

impl JobCell {
    /// The wall-clock time for which the next run is scheduled, as far as this is known.
    fn first_upcoming(&self, clock: &Clock, clocks: Clocks, is_scheduler_running: bool) -> Option<WallTime> {
        if self.state.load().is_paused() || self.is_in_last_run() {
            return None;
        }
        let by_calendar = self.by_calendar(clock);
        let moved = by_calendar.and_then(|by_calendar| by_calendar.foretold(is_scheduler_running));
        let next = match moved {
            Some(next) if next.slot != NO_SLOT => return known(next.slot),
            Some(next) => next.scheduled,
            None => self.dropped_so_far(clocks.now).unwrap_or_else(|| self.scheduled()),
        };
        let earliest = if is_scheduler_running {
            Time::EARLIEST
        } else {
            clocks.now
        };
        known(clocks.wall_at(next.max(earliest)))
    }

    fn upcoming_after(&self, clock: &Clock, clocks: Clocks, wall: WallTime) -> Option<WallTime> {
        if let Some(by_calendar) = self.by_calendar(clock) {
            return known(by_calendar.foretold_after(wall));
        }
        let scheduled = clocks.time_of(wall);
        let mut next = scheduled.after(self.span());
        if self.policy() != MissedTicks::Burst && next <= clocks.now {
            let passed = clocks.now.since(scheduled).as_nanos() / self.span().as_nanos();
            next = scheduled.after(self.span().times(passed + 1));
        }
        known(clocks.wall_at(next))
    }

    /// How many of the next `n` runs may be foretold.
    fn most_upcoming(&self, n: usize) -> usize {
        let Some(rules) = self.rules() else { return n };
        let most = if rules.fixed_delay { n.min(1) } else { n };
        let left = rules.times.as_ref().map(|times| times.left_after(self.runs()));
        left.map_or(most, |left| most.min(usize::try_from(left).unwrap_or(usize::MAX)))
    }

    fn is_past_end(&self, scheduled: Time) -> bool {
        self.rules().is_some_and(|rules| rules.is_past_end(scheduled))
    }
}

impl ByCalendar<'_> {
    /// The next run, as far as this is known. `None` if the run was triggered.
    pub(super) fn foretold(&self, is_scheduler_running: bool) -> Option<NextSlot> {
        let state = self.job.state.load();
        let next = self.next_run();
        let clocks = self.clock.read();
        if state.is_triggered() && !state.is_paused() {
            return None;
        }
        if !next.has_slot() || self.due(next) > clocks.now || is_inside_calendar() {
            return Some(next);
        }
        let is_dropped = !is_scheduler_running || self.job.is_skipping();
        let slot = match self.job.policy() {
            _ if is_dropped => self.foretold_after(clocks.wall),
            MissedTicks::Burst => return Some(next),
            MissedTicks::Skip | MissedTicks::Delay => self.last_passed(next.slot, clocks),
        };
        Some(NextSlot::at(slot, clocks))
    }
}

fn known(wall: WallTime) -> Option<WallTime> {
    (wall != WallTime::NEVER).then_some(wall)
}
