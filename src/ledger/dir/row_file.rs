//! The text of a row's file.
//!
//! ```text
//! atevery-ledger 1
//! job night-report
//! slot 1767225600000000000
//! token 17
//! state leased 1767225630000000000 host-1
//! check 8c2e7a0b7f6f1d1c
//! ```
//!
//! Times are nanoseconds since 1970, names are escaped. The state is `leased` with its end and its holder,
//! `given-back` or `finished`. The last line has a checksum of those before.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::names::{checksum, escape, unescape};
use crate::ledger::rule::{Row, State};

const HEAD: &str = "atevery-ledger 1";

pub(super) fn write(job: &str, row: &Row) -> String {
    let state = match &row.state {
        State::Leased { holder, until } => format!("leased {} {}", nanoseconds(*until), escape(holder)),
        State::GivenBack => String::from("given-back"),
        State::Finished => String::from("finished"),
    };
    let text = format!(
        "{HEAD}\njob {}\nslot {}\ntoken {}\nstate {state}\n",
        escape(job),
        nanoseconds(row.slot),
        row.token,
    );
    let check = checksum(text.as_bytes());
    format!("{text}check {check:016x}\n")
}

/// Reads the row of the job. The error says what is wrong with the file.
pub(super) fn read(job: &str, bytes: &[u8]) -> Result<Row, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?;
    if !text.starts_with("atevery-ledger ") {
        return Err("does not begin with `atevery-ledger`".into());
    }
    if text.lines().next() != Some(HEAD) {
        return Err(format!("is of another version than `{HEAD}`"));
    }
    let (row_text, check) = text.rsplit_once("check ").ok_or("has no checksum")?;
    if check != format!("{:016x}\n", checksum(row_text.as_bytes())) {
        return Err("does not have the checksum of its text".into());
    }
    let (owner, row) = parse(row_text).ok_or("has lines that are not those of a row")?;
    if owner != job {
        return Err(format!("belongs to the job {owner:?}"));
    }
    Ok(row)
}

fn parse(text: &str) -> Option<(String, Row)> {
    let mut lines = text.lines().skip(1);
    let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
    let job = unescape(value("job")?)?;
    let slot = time(value("slot")?)?;
    let token = value("token")?.parse().ok()?;
    let state = match value("state")? {
        "given-back" => State::GivenBack,
        "finished" => State::Finished,
        leased => {
            let (until, holder) = leased.strip_prefix("leased ")?.split_once(' ')?;
            State::Leased {
                holder: unescape(holder)?.into(),
                until: time(until)?,
            }
        }
    };
    lines.next().is_none().then_some((job, Row { slot, token, state }))
}

fn nanoseconds(time: SystemTime) -> i128 {
    // A `Duration` has less than 2^94 nanoseconds.
    let signed = |distance: Duration| distance.as_nanos() as i128;
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => signed(after),
        Err(before) => -signed(before.duration()),
    }
}

fn time(text: &str) -> Option<SystemTime> {
    let nanoseconds: i128 = text.parse().ok()?;
    let distance = nanoseconds.unsigned_abs();
    let seconds = u64::try_from(distance / 1_000_000_000).ok()?;
    let distance = Duration::new(seconds, u32::try_from(distance % 1_000_000_000).ok()?);
    if nanoseconds < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let leased = State::Leased {
            holder: "Host 1\n".into(),
            until: UNIX_EPOCH + Duration::new(4_000_000_000, 5),
        };
        let slots = [
            UNIX_EPOCH,
            UNIX_EPOCH - Duration::new(9, 1),
            UNIX_EPOCH + Duration::new(1 << 40, 999_999_999),
        ];
        let mut rows = Vec::new();
        for slot in slots {
            for state in [leased.clone(), State::GivenBack, State::Finished] {
                rows.push(Row {
                    slot,
                    token: u64::MAX,
                    state,
                });
            }
        }
        rows
    }

    #[test]
    fn rows_can_be_read_back() {
        for row in rows() {
            assert_eq!(read("A job", write("A job", &row).as_bytes()), Ok(row));
        }
    }

    #[test]
    fn any_damage_is_found() {
        let row = &rows()[0];
        let whole = write("bill", row).into_bytes();
        for end in 0..whole.len() {
            assert!(read("bill", &whole[..end]).is_err(), "cut off at {end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.clone();
                damaged[at] ^= 1 << bit;
                assert!(read("bill", &damaged).is_err(), "bit {bit} of byte {at}");
            }
        }
        assert!(read("bill", &[whole.clone(), whole].concat()).is_err());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let text = write("bill", &rows()[0]);
        assert_eq!(
            read("other", text.as_bytes()),
            Err("belongs to the job \"bill\"".into())
        );
        let newer = text.replacen('1', "2", 1);
        assert_eq!(
            read("bill", newer.as_bytes()),
            Err("is of another version than `atevery-ledger 1`".into())
        );
        assert_eq!(read("bill", b""), Err("does not begin with `atevery-ledger`".into()));
    }
}
