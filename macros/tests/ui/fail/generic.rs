use atevery::every;

#[every("2s", 1)]
fn of_type<T: Into<u64>>(_number: T) {}

#[every("2s")]
fn of_const<const N: usize>() {}

fn main() {}
