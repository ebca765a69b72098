//! How a round differs from others.

use crate::plan::MS;
use crate::random::Random;
use crate::scene::Climate;

pub(crate) fn random(random: &mut Random) -> Climate {
    let has_crowd = random.one_in(6);
    Climate {
        resolution: random.within(1, 5) as u32 * MS,
        stops: random.pick(&[20, 60, 200, 1_000]),
        most_jobs: random.pick(&[4, 12, 30]),
        crowd: if has_crowd { random.within(130, 300) as usize } else { 0 },
        pause: random.pick(&[MS / 5, MS, 4 * MS]),
        is_observed: !random.one_in(4),
    }
}
