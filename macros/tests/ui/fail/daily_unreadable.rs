use atevery::daily;

#[daily("3 pm")]
fn of_twelve_hours() {}

#[daily(["09:00", "24:00"])]
fn out_of_range() {}

#[daily("0 3 * * *")]
fn expression() {}

#[daily("03:00", on = "mon-fry")]
fn weekdays() {}

fn main() {}
