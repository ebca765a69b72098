use atevery::every;

#[every("2s")]
struct Job;

#[every("2s")]
unsafe fn dangerous() {}

trait Service {
    #[every("2s")]
    fn tick();
}

fn main() {}
