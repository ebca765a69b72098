use std::time::Duration;

use atevery::every;

const TICK: Duration = Duration::from_millis(49);

#[every("49ms")]
fn literal() {}

#[every("0s")]
fn zero() {}

#[every(TICK)]
fn constant() {}

#[every(Duration::from_millis(10))]
fn expression() {}

fn main() {}
