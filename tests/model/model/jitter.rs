//! The jitter: a run is due some part of it after its scheduled instant. The part follows from the scheduler's seed, the
//! number of the job among those with a jitter, and the scheduled instant.

use std::time::Duration;

use crate::model::nanos;
use crate::model::schedule::NEVER;
use crate::scenario::SEED;
use crate::trace::Nanos;

pub(super) struct Jitter {
    max: Nanos,
    seed: u64,
}

impl Jitter {
    /// The jitter of a job. `number` counts the jobs with a jitter, from 1 on.
    pub(super) fn new(max: Duration, number: u64) -> Jitter {
        Jitter {
            max: nanos(max).min(NEVER),
            seed: mix(SEED ^ number),
        }
    }

    /// From zero to the longest, all of them equally likely.
    pub(super) fn of(&self, scheduled: Nanos) -> Nanos {
        let random = u128::from(mix(self.seed ^ scheduled as u64));
        let choices = self.max as u128 + 1;
        ((random * choices) >> u64::BITS) as Nanos
    }
}

/// The finaliser of SplitMix64.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
