use atevery::every;

#[every("2s", blocking)]
async fn asynchronous() {}

fn main() {}
