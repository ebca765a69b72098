use atevery::every;

#[every("2s", nmae = "beat")]
fn setting() {}

#[every("2s", blokcing)]
fn switch() {}

fn main() {}
