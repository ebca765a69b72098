//! Schedules by the wall clock: `Cron` and `Daily` as functions from an instant to the next one.

mod brute_force;
mod cases;
mod errors;
mod generate;
mod meaning;
