//! Every kind of function that can be a job, and the details of every handle.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::panic::UnwindSafe;
use std::pin::Pin;
use std::rc::Rc;

use atevery::{Error, FirstRun, Job, JobId, MissedTicks, Run, Scheduler, Stop, StopReport};
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::support::{World, blow_up, ms, yield_now};

fn plain() {}
fn plain_result() -> Result<(), std::io::Error> {
    Ok(())
}
fn with_run(_: Run) {}
fn with_run_result(_: Run) -> Result<(), String> {
    Err("no".to_owned())
}
async fn asynchronous() {}
async fn asynchronous_result() -> Result<(), std::io::Error> {
    Ok(())
}
async fn asynchronous_with_run(_: Run) {}
async fn asynchronous_with_run_result(run: Run) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    yield_now().await;
    Err(format!("run {}", run.number()).into())
}
fn generic<T: Default>() {
    drop(T::default());
}

#[test]
fn every_shape_runs() {
    let world = World::new();
    let every = || world.scheduler.every(ms(100));
    let jobs: Vec<Result<Job, Error>> = vec![
        every().run(plain),
        every().run(plain_result),
        every().run(with_run),
        every().run(with_run_result),
        every().run(asynchronous),
        every().run(asynchronous_result),
        every().run(asynchronous_with_run),
        every().run(asynchronous_with_run_result),
        every().run(generic::<String>),
        every().run(plain as fn()),
        every().run(Box::new(plain) as Box<dyn FnMut() + Send>),
        every().run(Box::new(|_: Run| ()) as Box<dyn FnMut(Run) + Send>),
        every().run(|| ()),
        every().run(|| async {}),
        every().run(async || ()),
        every().run(async |_: Run| ()),
        every().run(|_: Run| async {}),
        every().run(|_: Run| async { Ok::<(), std::io::Error>(()) }),
        every().run(|| Ok::<(), &'static str>(())),
        every().run(|| Err::<(), _>("a string slice")),
        every().run(|| Err::<(), _>(String::from("a string"))),
        every().run(|| Ok::<(), std::convert::Infallible>(())),
        every().run(|| Ok::<(), std::fmt::Error>(())),
        every().run(|| -> BoxFuture<'static, ()> { async {}.boxed() }),
        every().run(|| -> BoxFuture<'static, Result<(), String>> { async { Ok(()) }.boxed() }),
        every().run(|| Box::pin(async {}) as Pin<Box<dyn Future<Output = ()> + Send>>),
        every().run(|| std::future::ready(())),
        every().run(|| -> () { panic!("a closure that never returns names its output") }),
        every().run_blocking(plain),
        every().run_blocking(plain_result),
        every().run_blocking(with_run),
        every().run_blocking(with_run_result),
        every().run_blocking(|| ()),
        every().run_blocking(|_: Run| Err::<(), _>("no")),
        every().run_blocking(Box::new(plain) as Box<dyn FnMut() + Send>),
    ];
    world.start();
    world.advance(200);
    for job in jobs {
        let job = job.unwrap();
        assert_eq!(job.runs(), 3, "{}", job.name());
    }
}

#[test]
fn a_target_may_keep_state() {
    let world = World::new();
    let (log, mut count) = (world.log.clone(), 0);
    world
        .every(100)
        .run(move || {
            count += 1;
            log.note(count.to_string());
        })
        .unwrap();
    let (log, mut words) = (world.log.clone(), vec!["three", "two", "one"].into_iter());
    let target = move || {
        let (log, word) = (log.clone(), words.next_back());
        async move { log.note(word.unwrap_or("none")) }
    };
    world.every(100).run(target).unwrap();
    world.start();
    world.advance(200);
    assert_eq!(world.log.take_names(), ["1", "one", "2", "two", "3", "three"]);
}

#[test]
fn a_target_and_its_future_need_not_be_sync() {
    let world = World::new();
    let count = Cell::new(0);
    let job = world
        .every(100)
        .run(move || {
            count.set(count.get() + 1);
            let inside = Cell::new(count.get());
            async move {
                yield_now().await;
                inside.set(inside.get() + 1);
            }
        })
        .unwrap();
    let (sender, receiver) = std::sync::mpsc::channel::<u32>();
    let holds = world
        .every(100)
        .run(move || {
            sender
                .send(1)
                .is_ok()
                .then(|| receiver.try_recv())
                .map_or(Ok(()), |received| received.map(|_| ()))
        })
        .unwrap();
    world.start();
    world.advance(100);
    assert_eq!((job.runs(), holds.runs()), (2, 2));
}

#[test]
fn a_synchronous_target_may_use_what_is_not_send_inside() {
    let world = World::new();
    let job = world
        .every(100)
        .run(|| {
            let local = Rc::new(1);
            drop(local);
        })
        .unwrap();
    world.start();
    assert_eq!(job.runs(), 1);
}

#[test]
fn large_futures_and_targets() {
    let world = World::new();
    let large = [7u8; 100_000];
    let job = world
        .every(100)
        .run(move || {
            let mut copy = large;
            async move {
                yield_now().await;
                copy[99_999] += 1;
                assert_eq!(copy[99_999], 8);
            }
        })
        .unwrap();
    world.start();
    world.advance(100);
    assert_eq!(job.runs(), 2);
}

#[test]
fn the_default_name_is_the_type_name_of_the_target() {
    let world = World::new();
    let job = world.every(100).run(plain).unwrap();
    assert_eq!(job.name(), std::any::type_name_of_val(&plain));
    assert!(
        world
            .every(100)
            .run(asynchronous)
            .unwrap()
            .name()
            .contains("asynchronous")
    );
    assert!(world.every(100).run(|| ()).unwrap().name().contains("the_default_name"));
    assert!(world.every(100).run_blocking(plain).unwrap().name().ends_with("plain"));
}

#[test]
fn names_may_be_given_and_need_not_differ() {
    let world = World::new();
    let jobs = [
        world.every(100).name("same").run(plain).unwrap(),
        world.every(100).name(String::from("same")).run(plain).unwrap(),
        world.every(100).name('s').name("same").run_blocking(plain).unwrap(),
        world.every(100).name("").run(plain).unwrap(),
    ];
    assert_eq!(crate::support::names(&jobs), ["same", "same", "same", ""]);
    let ids: HashSet<JobId> = jobs.iter().map(Job::id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
#[expect(clippy::mutable_key_type, reason = "a job's identity does not change")]
fn jobs_are_equal_by_identity() {
    let world = World::new();
    let (one, two) = (world.noting("same", 100), world.noting("same", 100));
    assert_eq!(one, one.clone());
    assert_eq!(one, world.scheduler.jobs()[0]);
    assert_ne!(one, two);
    let set: HashSet<Job> = [one.clone(), one.clone(), two.clone()].into();
    assert_eq!(set.len(), 2);
    assert!(set.contains(&one));
}

#[test]
fn ids_are_shown_and_ordered() {
    let world = World::new();
    let (one, two) = (world.noting("a", 100).id(), world.noting("b", 100).id());
    assert!(one < two);
    assert_ne!(one.to_string(), two.to_string());
    assert!(!one.to_string().is_empty() && !format!("{one:?}").is_empty());
}

#[test]
fn a_run_knows_its_job() {
    let world = World::new();
    let slot = crate::support::later::<Run>();
    let own = slot.clone();
    let job = world
        .every(100)
        .name("own")
        .run(move |run: Run| crate::support::put(&own, run))
        .unwrap();
    world.start();
    world.advance(230);
    let run = crate::support::take(&slot);
    assert_eq!((run.job(), run.number()), (job.clone(), 2));
    assert_eq!(run.started() - run.scheduled(), ms(0));
    let copy = run.clone();
    assert_eq!(
        (copy.number(), copy.scheduled(), copy.started(), copy.missed()),
        (2, run.scheduled(), run.started(), 0)
    );
    assert_eq!(job.runs(), 3);
}

#[test]
fn runs_counts_runs_begun() {
    let world = World::new();
    let slow = world.taking("slow", 100, 1_000);
    let panics = world.every(100).run(blow_up).unwrap();
    world.start();
    assert_eq!((slow.runs(), panics.runs()), (1, 1));
}

#[test]
fn debug_says_something_of_everything() {
    let world = World::new();
    let job = world.noting("a", 100);
    assert!(format!("{job:?}").contains('a'));
    assert!(format!("{:?}", world.scheduler).contains("Scheduler"));
    assert!(format!("{:?}", world.scheduler.stop()).contains("Stop"));
    assert!(format!("{:?}", world.every(100)).contains("JobBuilder"));
    assert!(format!("{:?}", Scheduler::builder(world.time.clone())).contains("SchedulerBuilder"));
}

#[test]
fn debug_from_inside_a_job_does_not_deadlock() {
    let world = World::new();
    let (scheduler, log) = (world.scheduler.clone(), world.log.clone());
    world
        .every(100)
        .run(move |run: Run| log.note(format!("{scheduler:?} {:?} {:?}", run.job(), scheduler.jobs())))
        .unwrap();
    world.start();
    assert_eq!(world.log.take().len(), 1);
    world.time.shut_down();
}

#[test]
fn everything_goes_where_the_contract_says() {
    fn handle<T: Clone + Send + Sync + Debug + 'static>() {}
    fn unwind_safe<T: UnwindSafe>() {}
    fn hashed<T: Eq + Hash>() {}
    fn sent<T: Send + 'static>() {}
    fn cloned<T: Clone>() {}
    handle::<Scheduler>();
    unwind_safe::<Scheduler>();
    handle::<Job>();
    hashed::<Job>();
    fn id<T: Copy + Eq + Ord + Hash + Debug + Display + Send + Sync>() {}
    id::<JobId>();
    sent::<Run>();
    cloned::<Run>();
    sent::<Stop>();
    sent::<<Stop as IntoFuture>::IntoFuture>();
    sent::<StopReport>();
    sent::<Error>();
    fn setting<T: Copy + Debug + Send + Sync + Default>() {}
    setting::<MissedTicks>();
    setting::<FirstRun>();
    assert_eq!(MissedTicks::default(), MissedTicks::Burst);
}

#[test]
fn a_scheduler_fits_in_a_struct_without_a_type_parameter() {
    struct Service {
        scheduler: Scheduler,
    }
    let service = Service {
        scheduler: World::new().scheduler.clone(),
    };
    assert!(!service.scheduler.is_running());
}

#[test]
fn a_stop_is_awaited_as_it_is() {
    let world = World::new();
    let scheduler = world.scheduler.clone();
    world.start();
    let report = world
        .time
        .block_on(async move { scheduler.stop().timeout(ms(1)).await });
    assert!(report.is_clean());
}
