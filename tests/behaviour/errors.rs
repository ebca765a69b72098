//! Runs that fail, and the crate's own errors.

use std::time::Duration;

use atevery::{Error, Run, Scheduler};

use crate::support::{PanicsWhenDropped, World, ms, yield_now};

#[test]
fn a_run_that_fails_ends_like_any_other() {
    let world = World::new();
    let plain = world.every(100).run(|| Err::<(), _>("no")).unwrap();
    let future = world
        .every(100)
        .run(async || {
            yield_now().await;
            Err::<(), _>(std::io::Error::other("no"))
        })
        .unwrap();
    let blocking = world.every(100).run_blocking(|| Err::<(), _>("no".to_owned())).unwrap();
    world.start();
    world.advance(300);
    assert_eq!((plain.runs(), future.runs(), blocking.runs()), (4, 4, 4));
    assert!(![plain, future, blocking].iter().any(atevery::Job::is_running));
}

#[test]
fn an_error_that_panics_when_it_is_dropped_reaches_nobody() {
    #[derive(Debug)]
    struct Bad {
        _guard: PanicsWhenDropped,
    }
    impl std::fmt::Display for Bad {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bad")
        }
    }
    impl std::error::Error for Bad {}
    let fails = || {
        Err::<(), _>(Bad {
            _guard: PanicsWhenDropped,
        })
    };

    let world = World::new();
    let plain = world.every(100).run(fails).unwrap();
    let future = world.every(100).run(move || async move { fails() }).unwrap();
    let other = world.noting("other", 100);
    world.start();
    world.advance(300);
    assert_eq!((plain.runs(), future.runs(), other.runs()), (4, 4, 4));
}

#[test]
fn an_error_whose_conversion_panics_is_a_panic_of_the_run() {
    struct Bad;
    impl From<Bad> for Box<dyn std::error::Error + Send + Sync> {
        fn from(_: Bad) -> Self {
            panic!("a conversion panics");
        }
    }
    let world = World::new();
    let plain = world.every(100).run(|| Err::<(), _>(Bad)).unwrap();
    let future = world.every(100).run(async || Err::<(), _>(Bad)).unwrap();
    world.start();
    world.advance(300);
    assert_eq!((plain.runs(), future.runs()), (4, 4));
}

#[test]
fn each_error_is_what_it_is_and_nothing_else() {
    type Predicate = fn(&Error) -> bool;
    let predicates: [Predicate; 6] = [
        Error::is_interval_too_short,
        Error::is_invalid_resolution,
        Error::is_already_started,
        Error::is_stopping,
        Error::is_spawn,
        Error::is_no_runtime,
    ];
    let errors = [
        interval_too_short(),
        invalid_resolution(),
        already_started(),
        stopping(),
        spawn(),
        atevery::runtime::Tokio::try_current().unwrap_err(),
    ];
    for (index, error) in errors.iter().enumerate() {
        let holds: Vec<usize> = (0..6).filter(|other| predicates[*other](error)).collect();
        assert_eq!(holds, [index], "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}

fn interval_too_short() -> Error {
    World::new().every(49).run(|| ()).unwrap_err()
}

fn invalid_resolution() -> Error {
    let time = atevery::testing::VirtualTime::new();
    Scheduler::builder(time).resolution(Duration::ZERO).build().unwrap_err()
}

fn already_started() -> Error {
    World::started().scheduler.start().unwrap_err()
}

fn stopping() -> Error {
    let world = World::new();
    world.taking("slow", 100, 1_000);
    world.start();
    let mut stop = Box::pin(world.scheduler.stop().grace(ms(100)).into_future());
    assert!(crate::support::poll_once(stop.as_mut()).is_pending());
    world.scheduler.start().unwrap_err()
}

fn spawn() -> Error {
    let world = World::new();
    world.time.shut_down();
    world.scheduler.start().unwrap_err()
}

#[test]
fn messages_state_what_was_seen_and_what_is_allowed() {
    let message = interval_too_short().to_string();
    assert!(message.contains("49ms") && message.contains("50ms"), "{message}");
    let message = invalid_resolution().to_string();
    assert!(message.contains("0ns") && message.contains("1ms"), "{message}");
}

/// `fn main() -> Result<(), Error>` prints the `Debug` form.
#[test]
fn debug_writes_what_display_writes() {
    for error in [
        interval_too_short(),
        invalid_resolution(),
        already_started(),
        stopping(),
        spawn(),
    ] {
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(format!("{error:#?}"), error.to_string());
    }
    let error = atevery::parse_interval("2 weeks").unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn errors_go_where_errors_go() {
    fn goes<E: std::error::Error + Send + Sync + 'static>(_: &E) {}
    goes(&spawn());
    assert!(std::error::Error::source(&spawn()).is_some());
}

#[test]
fn a_failing_run_keeps_its_numbers_going() {
    let world = World::new();
    let log = world.log.clone();
    world
        .every(100)
        .run(move |run: Run| {
            log.note(run.number().to_string());
            Err::<(), _>("no")
        })
        .unwrap();
    world.start();
    world.advance(200);
    assert_eq!(world.log.take_names(), ["0", "1", "2"]);
}
