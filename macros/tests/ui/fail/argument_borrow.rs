use atevery::every;

fn host() -> String {
    String::from("host")
}

#[every("2s", &host())]
fn call(_host: &str) {}

#[every("2s", &format!("{}", 1))]
fn formatted(_text: &str) {}

#[every("2s", &vec![1, 2])]
fn list(_list: &[u8]) {}

fn main() {}
