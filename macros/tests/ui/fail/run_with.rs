use std::future::ready;
use std::rc::Rc;
use std::time::Duration;

use atevery::testing::VirtualTime;
use atevery::{Allow, Overlap, Run, Scheduler};

struct Session;

impl Session {
    async fn refresh(&mut self, _run: Run) {}
}

async fn takes_the_run_first(_run: Run, _session: &mut Session) {}

async fn owns_its_state(_session: Session) {}

async fn returns_a_number(_session: &mut Session) -> u8 {
    5
}

async fn keeps_an_rc(_session: &mut Session) {
    let count = Rc::new(1);
    ready(()).await;
    drop(count);
}

fn main() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let every = || scheduler.every(Duration::from_secs(1));
    let _ = every().run_with(String::new(), Session::refresh);
    let _ = every().run_with(Session, takes_the_run_first);
    let _ = every().run_with(Session, owns_its_state);
    let _ = every().run_with(Session, returns_a_number);
    let _ = every().run_with(Session, || ());
    let _ = every().run_with(Session, keeps_an_rc);
    let _ = every().run_with(Rc::new(5), |_: &mut Rc<i32>| ());
    let _ = every().run_with(&mut Session, Session::refresh);
    let _ = every().run_with(Session, |_: &mut Session| 5);
    let _ = every().on_overlap(Overlap::Allow(2)).run_with(Session, Session::refresh);
    let _ = every().on_overlap(Allow(2)).run_with(Session, Session::refresh);
}
