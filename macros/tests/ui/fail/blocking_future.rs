use atevery::every;

#[every("2s", blocking)]
fn returns_a_future() -> impl Future<Output = ()> {
    async {}
}

fn main() {}
