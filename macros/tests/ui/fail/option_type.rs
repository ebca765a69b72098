use atevery::every;

#[every("2s", missed_ticks = "skip")]
fn policy() {}

#[every("2s", tag = 5)]
fn tag() {}

fn main() {}
