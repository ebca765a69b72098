//! The status of a scheduler.

use super::*;

#[test]
fn what_it_is_doing() {
    let world = World::new();
    let state = || world.scheduler.status().state();
    assert_eq!(state(), SchedulerState::Stopped);
    world.endless("endless");
    world.start();
    assert_eq!(state(), SchedulerState::Running);
    let mut stop = Box::pin(world.scheduler.stop().grace(SECOND).into_future());
    assert!(poll_once(stop.as_mut()).is_pending());
    assert_eq!(state(), SchedulerState::Stopping);
    assert_eq!(world.scheduler.status().jobs()[0].state(), JobState::Running);
    let _ = world.time.block_on(stop);
    assert_eq!(state(), SchedulerState::Stopped);
    assert_eq!(world.scheduler.status().jobs()[0].state(), JobState::Waiting);
    world.start();
    assert_eq!(state(), SchedulerState::Running);
}

#[test]
fn its_jobs_in_the_order_of_registration() {
    let world = World::new();
    let jobs = ["c", "a", "b"].map(|name| world.noting(name, 100));
    world.start();
    jobs[1].remove();
    let status = world.scheduler.status();
    let names: Vec<_> = status.jobs().iter().map(|job| (job.name(), job.runs())).collect();
    assert_eq!(names, [("c", 1), ("b", 1)]);
}

#[test]
fn an_empty_one() {
    let scheduler = Scheduler::new(VirtualTime::new());
    let text = scheduler.status().to_string();
    assert_eq!(text.lines().count(), 2);
    assert!(
        text.ends_with("\nstopped: 0 jobs, 0 of them running; 0 runs, 0 of them failed"),
        "{text}"
    );
}
