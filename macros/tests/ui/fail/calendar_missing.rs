use atevery::{cron, daily};

#[cron]
fn no_expression() {}

#[cron(3)]
fn number() {}

#[daily]
fn no_time() {}

#[daily([])]
fn none() {}

#[daily(["09:00", 17])]
fn hour() {}

#[daily("03:00", "late")]
fn without_parameter() {}

#[daily("03:00")]
fn without_argument(name: &str) {}

fn main() {}
