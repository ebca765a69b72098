use atevery::{Run, every};

#[every("2s")]
async fn outlives(_run: &Run) {}

fn main() {}
