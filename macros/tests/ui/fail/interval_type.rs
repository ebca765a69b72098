use atevery::every;

const SECONDS: u64 = 5;

#[every(SECONDS)]
fn number() {}

fn main() {}
