use atevery::every;

struct Service;

impl Service {
    #[every("2s")]
    fn by_reference(&self) {}

    #[every("2s")]
    fn by_value(self) {}
}

fn main() {}
