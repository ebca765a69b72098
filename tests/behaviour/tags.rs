//! Tags, by which a program finds its jobs.

use std::sync::Arc;

use atevery::testing::VirtualTime;
use atevery::{Allow, Job, Overlap, Scheduler};

use crate::support::{World, ms, names};

#[test]
fn a_job_has_each_tag_once_and_in_order() {
    let world = World::new();
    let none = world.every(100).run(|| ()).unwrap();
    assert!(none.tags().is_empty() && !none.has_tag(""));
    let job = world
        .every(100)
        .tag("b")
        .tag(String::from("a"))
        .tag("b")
        .tag("")
        .run(|| ())
        .unwrap();
    assert_eq!(job.tags(), ["b", "a", ""]);
    assert!(job.has_tag("a") && job.has_tag("b") && job.has_tag("") && !job.has_tag("c"));
    assert_eq!(job.status().tags(), ["b", "a", ""]);
    assert!(none.status().tags().is_empty());
}

#[test]
fn every_kind_of_job_may_have_tags() {
    let world = World::new();
    let every = || world.every(100).tag("x");
    let jobs = [
        every().run(|| ()),
        every().run(async || ()),
        every().run_blocking(|| ()),
        every().run_with(0, |_: &mut u8| ()),
        every().name("named").times(5).run(|| ()),
        every().on_overlap(Overlap::Replace).tag("y").run(|| ()),
        every().on_overlap(Allow(2)).tag("y").run(|| ()),
        world.every(100).on_overlap(Allow(2)).tag("x").run_blocking(|| ()),
    ];
    let jobs: Vec<Job> = jobs.into_iter().map(Result::unwrap).collect();
    world.start();
    world.advance(100);
    for job in &jobs {
        assert!(job.has_tag("x"), "{job:?}");
        assert_eq!(job.runs(), 2, "{job:?}");
    }
    assert_eq!(jobs.iter().filter(|job| job.has_tag("y")).count(), 2);
}

#[test]
fn jobs_are_chosen_by_tag_in_registration_order() {
    let world = World::new();
    for (name, tag) in [("a", "odd"), ("b", "even"), ("c", "odd"), ("d", "even")] {
        world.every(100).name(name).tag(tag).run(|| ()).unwrap();
    }
    world.noting("e", 100);
    let odd: Vec<Job> = world
        .scheduler
        .jobs()
        .into_iter()
        .filter(|job| job.has_tag("odd"))
        .collect();
    assert_eq!(names(&odd), ["a", "c"]);
    odd.iter().for_each(Job::remove);
    assert_eq!(names(&world.scheduler.jobs()), ["b", "d", "e"]);
    assert!(odd[0].has_tag("odd"), "a removed job keeps its tags");
}

#[test]
fn a_tag_changes_nothing_about_how_a_job_runs() {
    let world = World::new();
    world.every(100).tag("x").run(world.log.noting("tagged")).unwrap();
    world.every(100).run(world.log.noting("plain")).unwrap();
    world.start();
    world.advance(250);
    assert_eq!(world.log.take_names(), ["tagged", "plain"].repeat(3));
}

#[test]
fn tags_go_with_their_scheduler_and_jobs() {
    let time = VirtualTime::new();
    let scheduler = Scheduler::new(time.clone());
    let kept = Arc::new(());
    let held = Arc::clone(&kept);
    let job = scheduler
        .every(ms(100))
        .tag("x")
        .run(move || drop(Arc::clone(&held)))
        .unwrap();
    drop(scheduler);
    assert_eq!(Arc::strong_count(&kept), 1);
    assert_eq!(job.tags(), ["x"]);
}
