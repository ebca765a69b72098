//! The delay of a run by its jitter. The delay is a pure function of a seed and a scheduled time, without stored state.

use super::instant::{Span, Time};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Jitter {
    pub(crate) max: Span,
    pub(crate) seed: u64,
}

impl Jitter {
    /// A delay from zero to `max`, uniformly distributed. The same scheduled time always gets the same delay.
    pub(crate) fn of(self, scheduled: Time) -> Span {
        self.of_number(scheduled.as_nanos())
    }

    /// The delay of the run that this number stands for.
    pub(crate) fn of_number(self, number: i64) -> Span {
        let random = mix(self.seed ^ number as u64);
        let choices = u128::from(self.max.as_nanos().unsigned_abs()) + 1;
        // The product's high half is at most `max`, and `max` is an `i64`.
        Span::from_nanos(((u128::from(random) * choices) >> u64::BITS) as i64)
    }
}

/// A seed that is the same in each process for the same text: FNV-1a.
pub(crate) fn seed_of_text(text: &str) -> u64 {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, add))
}

/// The finaliser of SplitMix64: every bit of the result depends on every bit of the number.
pub(crate) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_repeats_and_covers_its_range() {
        let jitter = Jitter {
            max: Span::from_nanos(9),
            seed: 7,
        };
        let delays: Vec<i64> = (0..1_000)
            .map(|scheduled| jitter.of(Time::from_nanos(scheduled)).as_nanos())
            .collect();
        let again: Vec<i64> = (0..1_000)
            .map(|scheduled| jitter.of(Time::from_nanos(scheduled)).as_nanos())
            .collect();
        assert_eq!(delays, again);
        for delay in 0..=9 {
            let count = delays.iter().filter(|other| **other == delay).count();
            assert!((60..140).contains(&count), "{delay} came {count} times");
        }
        assert_eq!(delays.iter().max(), Some(&9));
    }

    #[test]
    fn the_longest_does_not_overflow() {
        let jitter = Jitter {
            max: Span::from_nanos(i64::MAX),
            seed: 1,
        };
        assert!(jitter.of(Time::ORIGIN).as_nanos() >= 0);
    }

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // The first three outputs of the SplitMix64 generator for the seed 0. Its state grows by the constant that
        // `mix` adds.
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        assert_eq!(
            [0, step, step.wrapping_mul(2)].map(mix),
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]
        );
    }

    #[test]
    fn a_seed_and_a_scheduled_time_that_share_bits_still_differ() {
        let delay = |seed, scheduled| {
            let max = Span::from_nanos(i64::MAX);
            Jitter { max, seed }.of(Time::from_nanos(scheduled))
        };
        assert_ne!(delay(1, 1), delay(1, 0));
        assert_ne!(delay(3, 1), delay(3, 2));
    }
}
