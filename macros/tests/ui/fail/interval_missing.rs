use atevery::every;

#[every]
fn nothing() {}

#[every()]
fn empty() {}

#[every(name = "beat")]
fn only_an_option() {}

#[every(5)]
fn number() {}

#[every(0.5)]
fn fraction() {}

#[every(true)]
fn truth() {}

fn main() {}
