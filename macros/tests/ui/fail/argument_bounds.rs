use std::rc::Rc;

use atevery::every;

struct Connection;

#[every("2s", Rc::new(1))]
fn not_send(_count: Rc<u8>) {}

#[every("2s", Connection)]
fn not_clone(_connection: Connection) {}

fn main() {}
