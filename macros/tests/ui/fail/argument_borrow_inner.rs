use atevery::every;

#[every("2s", String::from("host").as_str())]
fn call(_host: &str) {}

fn main() {}
