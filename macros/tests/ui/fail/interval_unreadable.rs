use atevery::every;

#[every("")]
fn empty() {}

#[every("soon")]
fn soon() {}

#[every("2")]
fn no_unit() {}

#[every("1.5s")]
fn fraction() {}

#[every("2 weeks")]
fn unknown_unit() {}

#[every("30s 1m")]
fn order() {}

#[every("99999999999999999999s")]
fn too_long() {}

fn main() {}
