use atevery::cron;

#[cron("60 * * * *")]
fn out_of_range() {}

#[cron("0 3 * *", zone = "Europe/Berlin")]
fn four_fields() {}

#[cron("0 0 30 2 *")]
fn never() {}

#[cron("0 0 12 * * ? 2026")]
fn with_a_year() {}

#[cron("2s")]
fn interval() {}

const WRONG: &str = "every day";

#[cron(WRONG)]
fn constant() {}

#[cron("0 3 * * *", zone = "Europe / Berlin")]
fn zone() {}

fn main() {}
