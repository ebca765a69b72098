use atevery::every;

#[every("2s")]
fn counts() -> u32 {
    5
}

fn main() {}
