//! The random options of a job.

use std::time::Duration;

use atevery::MissedTicks;

use crate::random::Random;
use crate::record::{GroupLimit, Limits};
use crate::scene::Climate;

/// Groups that the scheduler has from the beginning. The limit of the second one changes, up to the one here.
pub(crate) const FIXED: GroupLimit = GroupLimit { name: "fixed", runs: 2 };
pub(crate) const VARYING: GroupLimit = GroupLimit {
    name: "varying",
    runs: 3,
};
/// Groups that jobs make.
const MADE: [&str; 3] = ["made 0", "made 1", "made 2"];

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) interval: Duration,
    pub(crate) missed_ticks: Option<MissedTicks>,
    pub(crate) first: First,
    pub(crate) jitter: Option<Duration>,
    pub(crate) times: Option<u64>,
    /// The end of the job, from its registration.
    pub(crate) until: Option<Duration>,
    pub(crate) fixed_delay: bool,
    pub(crate) timeout: Option<Duration>,
    /// How many more attempts there are, and the wait before each.
    pub(crate) retry: Option<(usize, Duration)>,
    pub(crate) overlap: Overlapping,
    pub(crate) group: Option<Membership>,
    /// Whether the target takes a `Run`.
    pub(crate) takes_run: bool,
    /// How long the destructor of a body takes at most.
    pub(crate) linger: Duration,
    pub(crate) seed: u64,
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sync(Deed),
    Async(Wait, Deed),
    Blocking(Deed),
    /// Drops the handle of the scheduler that lies ready.
    DropsTheHandle,
}

/// What code does that does not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Returns,
    Fails,
    Panics,
    /// One of these, at random.
    Varies,
    /// Blocks its thread for up to 3 ms.
    Blocks,
    /// Blocks its thread until it is told to end, 10 ms at most.
    BlocksUntilCancelled,
    /// Does what the threads do: starts, stops, registers, removes and so on.
    Acts,
}

/// What a future does first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Nothing,
    Yields,
    Sleeps,
    NeverEnds,
    UntilCancelled,
    AwaitsStop,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum First {
    Now,
    AfterInterval,
    After(Duration),
    /// An instant, counted from the registration.
    At(Duration),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Overlapping {
    Wait,
    Replace,
    Allow(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Membership {
    Of(GroupLimit),
    Makes(GroupLimit),
}

impl Plan {
    pub(crate) fn random(random: &mut Random, climate: &Climate) -> Plan {
        let resolution = climate.resolution;
        let interval = random_interval(random, resolution);
        let kind = Kind::random(random);
        let retry = random.maybe(5, |random| (random.below(4) as usize, random.up_to(5 * MS)));
        Plan {
            kind,
            interval,
            missed_ticks: random.maybe(2, |random| {
                random.pick(&[MissedTicks::Burst, MissedTicks::Skip, MissedTicks::Delay])
            }),
            first: First::random(random),
            jitter: random.maybe(6, |random| random.up_to(resolution - MS / 2)),
            times: random.maybe(8, |random| random.within(1, 20)),
            until: random.maybe(10, |random| MS + random.up_to(100 * MS)),
            fixed_delay: random.one_in(6),
            timeout: random.maybe(5, |random| MS / 10 + random.up_to(8 * MS)),
            retry,
            overlap: Overlapping::random(random),
            group: random.maybe(4, Membership::random),
            takes_run: retry.is_some() || !random.one_in(4),
            linger: random.maybe(5, |random| random.up_to(2 * MS)).unwrap_or_default(),
            seed: random.next(),
        }
    }

    /// A job of a crowd, whose runs begin as cheaply as can be.
    pub(crate) fn of_a_crowd(random: &mut Random, resolution: Duration) -> Plan {
        Plan {
            kind: random.pick(&[
                Kind::Sync(Deed::Returns),
                Kind::Async(Wait::Nothing, Deed::Returns),
                Kind::Async(Wait::Yields, Deed::Returns),
                Kind::Async(Wait::Sleeps, Deed::Varies),
            ]),
            takes_run: random.one_in(2),
            ..Plan::plain(resolution * random.pick(&[4, 8]), random.next())
        }
    }

    /// A job without options.
    pub(crate) fn plain(interval: Duration, seed: u64) -> Plan {
        Plan {
            kind: Kind::Sync(Deed::Returns),
            interval,
            missed_ticks: None,
            first: First::Now,
            jitter: None,
            times: None,
            until: None,
            fixed_delay: false,
            timeout: None,
            retry: None,
            overlap: Overlapping::Wait,
            group: None,
            takes_run: true,
            linger: Duration::ZERO,
            seed,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            at_once: match self.overlap {
                Overlapping::Allow(runs) => runs,
                Overlapping::Wait | Overlapping::Replace => 1,
            },
            times: self.times,
            group: self.group.map(|group| match group {
                Membership::Of(limit) | Membership::Makes(limit) => limit,
            }),
        }
    }

    /// An interval that the job accepts.
    pub(crate) fn new_interval(&self, random: &mut Random, resolution: Duration) -> Duration {
        random_interval(random, resolution).max(self.jitter.unwrap_or_default() + MS)
    }
}

impl Kind {
    fn random(random: &mut Random) -> Kind {
        match random.below(10) {
            0..3 => Kind::Sync(Deed::random(random)),
            3..8 => Kind::Async(Wait::random(random), Deed::random(random)),
            _ => Kind::Blocking(Deed::random(random)),
        }
    }
}

impl Deed {
    fn random(random: &mut Random) -> Deed {
        random.pick(&[
            Deed::Returns,
            Deed::Returns,
            Deed::Returns,
            Deed::Fails,
            Deed::Panics,
            Deed::Varies,
            Deed::Blocks,
            Deed::BlocksUntilCancelled,
            Deed::Acts,
        ])
    }
}

impl Wait {
    fn random(random: &mut Random) -> Wait {
        random.pick(&[
            Wait::Nothing,
            Wait::Yields,
            Wait::Yields,
            Wait::Sleeps,
            Wait::Sleeps,
            Wait::NeverEnds,
            Wait::UntilCancelled,
            Wait::AwaitsStop,
        ])
    }
}

impl First {
    fn random(random: &mut Random) -> First {
        match random.below(5) {
            0 => First::AfterInterval,
            1 => First::After(random.up_to(20 * MS)),
            2 => First::At(random.up_to(20 * MS)),
            _ => First::Now,
        }
    }
}

impl Overlapping {
    fn random(random: &mut Random) -> Overlapping {
        match random.below(5) {
            0 => Overlapping::Replace,
            1 => Overlapping::Allow(random.within(1, 4) as usize),
            _ => Overlapping::Wait,
        }
    }
}

impl Membership {
    fn random(random: &mut Random) -> Membership {
        match random.below(4) {
            0 => Membership::Of(FIXED),
            1 => Membership::Of(VARYING),
            _ => Membership::Makes(GroupLimit {
                name: random.pick(&MADE),
                runs: random.within(1, 2) as usize,
            }),
        }
    }
}

fn random_interval(random: &mut Random, resolution: Duration) -> Duration {
    match random.below(20) {
        0 => Duration::MAX,
        1 => resolution + random.up_to(100 * MS),
        2..8 => resolution + random.up_to(10 * MS),
        _ => resolution * random.within(1, 6) as u32,
    }
}

pub(crate) const MS: Duration = Duration::from_millis(1);
