//! Random scenarios, with much trouble: jobs that take longer than their interval, stops during runs, restarts with
//! stragglers, clocks that jump.

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::options::{Group, Options};
use crate::scenario::{Body, Change, Fate, First, Kind, Op, Outcome, Policy, Scenario, Spec, Step, Stop};

/// Longer than a scenario.
const LONGEST_JITTER: Duration = Duration::from_secs(1_000_000);

pub(crate) fn scenario() -> impl Strategy<Value = Scenario> {
    let resolution =
        prop_oneof![6 => Just(50_000), 1 => Just(1_000), 1 => Just(30_517)].prop_map(Duration::from_micros);
    resolution.prop_flat_map(|tick| {
        let steps = (first_steps(), vec(step(tick), 0..18)).prop_map(|(first, rest)| [first, rest].concat());
        (policy(), vec(spec(tick), 1..6), steps).prop_map(move |(policy, specs, steps)| {
            let resolution = tick;
            Scenario {
                resolution,
                policy,
                specs,
                steps,
            }
            .with_known_combinations()
        })
    })
}

/// The same, with so many jobs that they come in batches.
pub(crate) fn crowded() -> impl Strategy<Value = Scenario> {
    (scenario(), 0usize..150).prop_map(|(scenario, more)| scenario.with_crowd(more))
}

/// Most scenarios begin with some jobs and a start.
fn first_steps() -> impl Strategy<Value = Vec<Step>> {
    let start = prop_oneof![4 => Just(Op::Start), 1 => Just(Op::Nothing)];
    (vec(register(), 0..5), start).prop_map(|(mut ops, start)| {
        ops.push(start);
        let at_once = |op| Step {
            after: Duration::ZERO,
            op,
        };
        ops.into_iter().map(at_once).collect()
    })
}

fn step(tick: Duration) -> impl Strategy<Value = Step> {
    let after = prop_oneof![1 => Just(Duration::ZERO), 4 => span(tick, 8)];
    (after, op(tick)).prop_map(|(after, op)| Step { after, op })
}

fn op(tick: Duration) -> BoxedStrategy<Op> {
    prop_oneof![
        3 => Just(Op::Nothing),
        4 => register(),
        1 => any::<u8>().prop_map(|job| Op::Remove(job.into())),
        6 => (any::<u8>(), change(tick)).prop_map(|(job, change)| Op::Change(job.into(), change)),
        1 => (1usize..90).prop_map(Op::Churn),
        1 => next_in(tick).prop_map(Op::NextIn),
        5 => Just(Op::Start),
        3 => Just(Op::Restart),
        1 => Just(Op::Stop(Stop::Detach)),
        2 => option::of(grace(tick)).prop_map(|timeout| Op::Stop(Stop::Wait { grace: Duration::ZERO, timeout })),
        4 => (grace(tick), option::of(grace(tick))).prop_map(|(grace, timeout)| Op::Stop(Stop::Wait { grace, timeout })),
        2 => any::<u8>().prop_map(|stop| Op::DropStop(stop.into())),
        2 => jump(tick).prop_map(Op::Jump),
        1 => span(tick, 20).prop_map(Op::StepBack),
        2 => (fate(), spawns()).prop_map(|(fate, spawns)| Op::Fault(fate, spawns)),
        1 => (1usize..20).prop_map(Op::EarlyTimer),
    ]
    .boxed()
}

fn change(tick: Duration) -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => Just(Change::Pause),
        2 => Just(Change::Resume),
        2 => Just(Change::Trigger),
        2 => interval(tick).prop_map(Change::SetInterval),
        1 => Just(Change::Cancel),
    ]
}

fn next_in(tick: Duration) -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(Duration::ZERO), 8 => span(tick, 10), 1 => Just(Duration::MAX)]
}

fn register() -> impl Strategy<Value = Op> {
    any::<u8>().prop_map(|spec| Op::Register(spec.into()))
}

fn grace(tick: Duration) -> impl Strategy<Value = Duration> {
    prop_oneof![2 => Just(Duration::ZERO), 6 => span(tick, 8), 1 => Just(Duration::MAX)]
}

fn jump(tick: Duration) -> impl Strategy<Value = Duration> {
    prop_oneof![4 => span(tick, 12), 1 => span(tick, 100_000)]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Refused), Just(Fate::Lost)]
}

/// A few, or all until further notice.
fn spawns() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0usize..5, 1 => Just(usize::MAX)]
}

fn policy() -> impl Strategy<Value = Policy> {
    prop_oneof![Just(Policy::Burst), Just(Policy::Skip), Just(Policy::Delay)]
}

fn spec(tick: Duration) -> impl Strategy<Value = Spec> {
    let kind = prop_oneof![6 => Just(Kind::Async), 2 => Just(Kind::Sync), 1 => Just(Kind::Blocking)];
    let op = prop_oneof![6 => op(tick), 1 => next_in(tick).prop_map(Op::NextIn)];
    let inside = prop_oneof![3 => Just(None), 1 => (0u64..4, op).prop_map(Some)];
    let bodies = move |kind| (Just(kind), vec(body(tick, kind), 0..5));
    let kind_and_bodies = kind.prop_flat_map(bodies);
    (
        kind_and_bodies,
        interval_and_jitter(tick),
        option::of(policy()),
        first(tick),
        options(tick),
        inside,
    )
        .prop_map(|((kind, bodies), (interval, jitter), policy, first, options, inside)| {
            let options = Options { jitter, ..options };
            Spec::new(kind, interval, bodies)
                .policy(policy)
                .first(first)
                .options(options)
                .inside(inside)
        })
}

fn options(tick: Duration) -> impl Strategy<Value = Options> {
    let nanos = |span: Duration| span.as_nanos() as i64;
    (
        option::weighted(0.15, 1u64..6),
        option::weighted(0.15, span(tick, 40).prop_map(nanos)),
        prop::bool::weighted(0.2),
        option::weighted(0.15, span(tick, 6)),
        prop_oneof![
            14 => Just((false, false, None)),
            3 => Just((true, false, None)),
            3 => Just((false, true, None)),
            3 => (1usize..4).prop_map(|runs| (false, false, Some(runs))),
        ],
        option::weighted(0.2, vec(wait(tick), 0..4)),
        option::weighted(0.2, prop_oneof![Just(Group::One), Just(Group::Two)]),
    )
        .prop_map(
            |(times, until, fixed_delay, timeout, (replace, skip, allow), retry, group)| Options {
                jitter: None,
                times,
                until,
                fixed_delay,
                timeout,
                replace,
                skip,
                allow,
                retry,
                group,
            },
        )
}

/// The wait between two attempts.
fn wait(tick: Duration) -> impl Strategy<Value = Duration> {
    prop_oneof![2 => Just(Duration::ZERO), 6 => span(tick, 4), 1 => Just(Duration::MAX)]
}

/// A jitter that is not shorter than the interval is refused.
fn interval_and_jitter(tick: Duration) -> impl Strategy<Value = (Duration, Option<Duration>)> {
    let hundredths = option::weighted(0.2, 0u32..105);
    (interval(tick), hundredths).prop_map(|(interval, hundredths)| {
        let jitter = hundredths.map(|count| (interval / 100).saturating_mul(count).min(LONGEST_JITTER));
        (interval, jitter)
    })
}

fn interval(tick: Duration) -> impl Strategy<Value = Duration> {
    prop_oneof![
        10 => (1u32..6).prop_map(move |count| tick * count),
        6 => span(tick, 5).prop_map(move |more| tick + more),
        1 => span(tick, 1), // too short
        1 => Just(Duration::MAX),
    ]
}

fn first(tick: Duration) -> impl Strategy<Value = First> {
    prop_oneof![
        6 => Just(First::Now),
        1 => Just(First::AfterInterval),
        2 => span(tick, 12).prop_map(First::After),
        1 => Just(First::After(Duration::MAX)),
        2 => (-20_000_000_000i64..4_000_000_000).prop_map(First::At),
    ]
}

fn body(tick: Duration, kind: Kind) -> impl Strategy<Value = Body> {
    let (long, endless) = if kind == Kind::Async { (8, 1) } else { (2, 0) };
    let length = prop_oneof![
        4 => Just(Some(Duration::ZERO)),
        4 => span(tick, 1).prop_map(Some),
        long => span(tick, 10).prop_map(Some),
        endless => Just(None),
    ];
    let outcome = prop_oneof![4 => Just(Outcome::Fine), 1 => Just(Outcome::Error), 1 => Just(Outcome::Panic)];
    (length, outcome).prop_map(|(length, outcome)| Body { length, outcome })
}

/// A span of up to `ticks` ticks. Some spans are whole ticks, so that events meet at one instant. Most have odd
/// nanoseconds.
fn span(tick: Duration, ticks: u32) -> impl Strategy<Value = Duration> {
    let nanos = tick.as_nanos() as u64;
    prop_oneof![
        2 => (1..=ticks).prop_map(move |count| tick * count),
        5 => (1..=nanos * u64::from(ticks)).prop_map(Duration::from_nanos),
    ]
}
