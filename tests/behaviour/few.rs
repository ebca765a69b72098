//! Few jobs that are due together, so few that each is a batch of its own.

use crate::support::{Count, World};

const FEW: usize = 20;

/// Two workers serve all jobs, and the loop has one turn before and one after. More tasks would wake more threads,
/// which is the main cost of few jobs.
#[test]
fn jobs_that_do_not_wait_need_no_task_each() {
    let world = World::new();
    let runs = Count::default();
    for _ in 0..FEW {
        let runs = runs.clone();
        world.every(100).run(move || runs.up()).unwrap();
    }
    world.start();
    let polls = world.time.polls();
    world.advance(100);
    assert_eq!(runs.get(), 2 * FEW);
    let polls = world.time.polls() - polls;
    assert!(polls <= 6, "{polls} polls");
}
