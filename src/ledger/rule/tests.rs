use std::time::UNIX_EPOCH;

use super::*;

/// The time of the tests, in seconds. Slots and leases are counted from here.
const NOW: SystemTime = UNIX_EPOCH;

const LENGTH: Duration = Duration::from_secs(30);

const HOUR: i64 = 3600;

#[test]
fn claims() {
    let (held, over) = (leased_by_a(10), leased_by_a(0));
    let (given_back, finished) = (State::GivenBack, State::Finished);
    let held_for_10 = Answer::Held(10);
    let early = Answer::TooEarly;
    // the last slot and its state, the slot of b's claim, the answer if it is claimed at most once, at least once
    let table = [
        (None, 0, Answer::Yes(1), Answer::Yes(1)),
        (None, 1, Answer::Yes(1), Answer::Yes(1)),
        (None, 2, early(2), early(2)),
        (None, -HOUR, Answer::Yes(1), Answer::Yes(1)),
        // A later slot.
        (Some((-5, &finished)), 0, Answer::Yes(8), Answer::Yes(8)),
        (Some((-5, &given_back)), 0, Answer::Yes(8), Answer::Yes(8)),
        (Some((-5, &over)), 0, Answer::Yes(8), Answer::Yes(8)),
        (Some((-5, &held)), 0, held_for_10, held_for_10),
        (Some((-5, &held)), 2, early(2), early(2)),
        // The same slot.
        (Some((0, &finished)), 0, Answer::Taken, Answer::Taken),
        (Some((0, &given_back)), 0, Answer::Taken, Answer::Yes(8)),
        (Some((0, &over)), 0, Answer::Taken, Answer::Yes(8)),
        (Some((0, &held)), 0, Answer::Taken, held_for_10),
        // An earlier slot.
        (Some((0, &finished)), -5, Answer::Taken, Answer::Taken),
        (Some((0, &given_back)), -5, Answer::Taken, Answer::Taken),
        (Some((0, &over)), -5, Answer::Taken, Answer::Taken),
        (Some((0, &held)), -5, Answer::Taken, Answer::Taken),
        // The store's clock was set back.
        (Some((3 * HOUR, &finished)), 0, Answer::Taken, Answer::Taken),
        (Some((3 * HOUR, &held)), 0, Answer::Taken, Answer::Taken),
        (Some((3 * HOUR + 1, &finished)), 0, Answer::Yes(8), Answer::Yes(8)),
        (Some((3 * HOUR + 1, &held)), 0, Answer::Yes(8), Answer::Yes(8)),
        (
            Some((3 * HOUR + 1, &held)),
            3 * HOUR + 1,
            early(3 * HOUR + 1),
            early(3 * HOUR + 1),
        ),
    ];
    for (last, slot, at_most_once, at_least_once) in table {
        let row = last.map(|(slot, state)| row(slot, state));
        let of_b = Claim::new("job", at(slot), "b", LENGTH);
        assert_eq!(
            answer(row.as_ref(), &of_b),
            at_most_once,
            "{last:?}, b claims {slot} once at most"
        );
        let of_b = of_b.at_least_once();
        assert_eq!(
            answer(row.as_ref(), &of_b),
            at_least_once,
            "{last:?}, b claims {slot} once at least"
        );
    }
}

#[test]
fn holder_asks_again() {
    let table = [
        (leased_by_a(10), 0, Answer::Yes(7)),
        (leased_by_a(-10), 0, Answer::Yes(7)),
        (leased_by_a(10), 1, Answer::Held(10)),
        (State::GivenBack, 0, Answer::Taken),
        (State::Finished, 0, Answer::Taken),
    ];
    for (state, slot, expected) in table {
        let of_a = Claim::new("job", at(slot), "a", LENGTH);
        assert_eq!(
            answer(Some(&row(0, &state)), &of_a),
            expected,
            "{state:?}, a claims {slot}"
        );
    }
}

#[test]
fn refusal_changes_no_row() {
    let row = row(0, &leased_by_a(10));
    let decision = claim(Some(&row), &Claim::new("job", at(0), "b", LENGTH), NOW);
    assert_eq!(decision.row, None);
}

#[test]
fn grant_begins_a_full_lease() {
    let of_b = Claim::new("job", at(-1), "b", LENGTH);
    let granted = claim(None, &of_b, NOW).row.unwrap();
    assert_eq!((granted.slot, granted.token), (at(-1), 1));
    assert_eq!(granted.rest(NOW), Some(LENGTH));
    let again = claim(Some(&granted), &of_b, at(10)).row.unwrap();
    assert_eq!(again.rest(at(10)), Some(LENGTH));
}

#[test]
fn discarded_slot_is_told() {
    let told = |slot| match claim(
        Some(&row(slot, &State::Finished)),
        &Claim::new("job", at(0), "b", LENGTH),
        NOW,
    )
    .claimed
    {
        Claimed::Yes(lease) => lease.discarded(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(4 * HOUR), Some(at(4 * HOUR)));
    assert_eq!(told(-4 * HOUR), None);
}

#[test]
fn longest_lease_has_an_end() {
    let forever = Claim::new("job", at(0), "b", Duration::MAX);
    let granted = claim(None, &forever, NOW).row.unwrap();
    assert_eq!(granted.rest(NOW), Some(LONGEST));
}

#[test]
fn lease_of_no_length_is_over_at_once() {
    let recorded = claim(None, &Claim::new("job", at(0), "a", Duration::ZERO), NOW)
        .row
        .unwrap();
    assert_eq!(
        answer(Some(&recorded), &Claim::new("job", at(1), "b", LENGTH)),
        Answer::Yes(2)
    );
}

#[test]
fn renewals() {
    let lease = lease("a", 0, 7);
    let renewed = renew(&row(0, &leased_by_a(10)), &lease, NOW).unwrap();
    assert_eq!(renewed.rest(NOW), Some(LENGTH));
    for state in [leased_by_a(0), State::GivenBack, State::Finished] {
        assert_eq!(renew(&row(0, &state), &lease, NOW), None, "{state:?}");
    }
    for other in [self::lease("b", 0, 7), self::lease("a", -5, 7), self::lease("a", 0, 6)] {
        assert_eq!(renew(&row(0, &leased_by_a(10)), &other, NOW), None, "{other:?}");
    }
}

#[test]
fn ends() {
    let lease = lease("a", 0, 7);
    let table = [
        (leased_by_a(10), Some(State::Finished), Some(State::GivenBack)),
        (leased_by_a(-10), Some(State::Finished), Some(State::GivenBack)),
        (State::GivenBack, Some(State::Finished), None),
        (State::Finished, None, None),
    ];
    for (state, done, not_done) in table {
        let end = |is_done| finish(&row(0, &state), &lease, is_done).map(|row| row.state);
        assert_eq!((end(true), end(false)), (done, not_done), "{state:?}");
    }
    for old in [self::lease("a", -5, 7), self::lease("a", 0, 6)] {
        assert_eq!(finish(&row(0, &leased_by_a(10)), &old, true), None, "{old:?}");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// The token.
    Yes(u64),
    Taken,
    /// Seconds.
    Held(i64),
    TooEarly(i64),
}

fn answer(row: Option<&Row>, of: &Claim) -> Answer {
    let seconds = |wait: Duration| i64::try_from(wait.as_secs()).unwrap();
    match claim(row, of, NOW).claimed {
        Claimed::Yes(lease) => Answer::Yes(lease.token()),
        Claimed::Taken => Answer::Taken,
        Claimed::Held { wait } => Answer::Held(seconds(wait)),
        Claimed::TooEarly { wait } => Answer::TooEarly(seconds(wait)),
    }
}

fn row(slot: i64, state: &State) -> Row {
    Row {
        slot: at(slot),
        token: 7,
        state: state.clone(),
    }
}

fn leased_by_a(until: i64) -> State {
    State::Leased {
        holder: "a".into(),
        until: at(until),
    }
}

fn lease(holder: &str, slot: i64, token: u64) -> Lease {
    Lease::new(&Claim::new("job", at(slot), holder, LENGTH), token)
}

fn at(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { NOW - distance } else { NOW + distance }
}
