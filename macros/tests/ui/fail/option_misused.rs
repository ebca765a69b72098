use atevery::every;

#[every("2s", blocking = true)]
fn switch_with_value() {}

#[every("2s", name)]
fn setting_without_value() {}

#[every("2s", name = "a", name = "b")]
fn twice() {}

fn main() {}
