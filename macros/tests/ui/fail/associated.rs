use atevery::every;

struct Service;

impl Service {
    #[every("2s")]
    fn tick() {}
}

fn main() {}
