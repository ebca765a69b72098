use atevery::{cron, daily, every};

#[every("2s", zone = "Europe/Berlin")]
fn zone() {}

#[every("2s", local_zone)]
fn local_zone() {}

#[cron("0 3 * * *", on = "mon-fri")]
fn on() {}

#[cron("0 3 * * *", aligned)]
fn aligned() {}

#[daily("03:00", fixed_delay)]
fn fixed_delay() {}

#[daily("03:00", zoen = "UTC")]
fn misspelt() {}

#[cron("0 3 * * *")]
struct Report;

#[every("*/5 * * * *")]
fn expression() {}

fn main() {}
