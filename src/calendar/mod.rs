//! Schedules by the wall clock: cron expressions, times of the day, time zones, and what happens when clocks are
//! changed.
//!
//! [How to choose](#how-to-choose) · [A job by the calendar](#a-job-by-the-calendar) · [The dialect](#the-dialect) ·
//! [Days](#days) ·
//! [When clocks are changed](#when-clocks-are-changed) · [Time zones](#time-zones) ·
//! [Other dialects](#other-dialects)
//!
//! # How to choose
//!
//! | a job that runs | is written as |
//! | --- | --- |
//! | every ten minutes, counted from its start | an interval: [`every`](crate::Scheduler::every). It needs no calendar, and no clock change matters |
//! | every ten minutes, at :00, :10, :20 | an interval that is [`aligned`](crate::JobBuilder::aligned) |
//! | at three in the morning, on working days at nine | [`daily`](crate::Scheduler::daily), or a [`Daily`](crate::Daily) |
//! | on the first of each month, on the last Friday, each quarter of an hour of the working day | [`cron`](crate::Scheduler::cron), or a [`Cron`](crate::Cron) |
//! | on days that only the program knows, such as holidays | a [`Calendar`](crate::Calendar) of your own, with [`on`](crate::Scheduler::on) |
//!
//! A schedule is a function from an instant to the next slot. A test can ask it for a year:
//!
//! ```
//! use std::iter::successors;
//! use std::time::{Duration, UNIX_EPOCH};
//! use atevery::{Calendar, Cron};
//!
//! let report = "0 9 LW * *".parse::<Cron>()?.zone("America/New_York")?;
//! let new_year = UNIX_EPOCH + Duration::from_secs(1_767_225_600); // 1 January 2026, UTC
//! let slots: Vec<_> = successors(report.next(new_year), |slot| report.next(*slot)).take(12).collect();
//! // From Friday, 30 January, to Thursday, 31 December.
//! assert_eq!(slots[11].duration_since(slots[0]).unwrap(), Duration::from_secs(335 * 86_400));
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! # A job by the calendar
//!
//! ```
//! use std::time::Duration;
//! use atevery::{MissedTicks, Run, Scheduler, testing::VirtualTime};
//!
//! # let f = || ();
//! const HOUR: Duration = Duration::from_secs(3_600);
//! let scheduler = Scheduler::new(VirtualTime::new());
//! scheduler.daily("03:00").zone("Europe/Berlin").run(|run: Run| println!("the report of {:?}", run.slot()))?;
//! scheduler.daily(["09:00", "17:30"]).on("mon-fri").zone("America/New_York").late_at_most(HOUR).run(f)?;
//! scheduler.cron("0 9 LW * *").local_zone().missed_ticks(MissedTicks::Burst).run(f)?;
//! scheduler.every(Duration::from_secs(600)).aligned().run(f)?; // :00, :10, :20 of the wall clock
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! [`#[cron("0 3 * * *")]`](macro@crate::cron) and [`#[daily("03:00")]`](macro@crate::daily) do the same for functions.
//! What can't be read doesn't compile.
//!
//! A run is for a [slot](crate::Run::slot), which is a wall-clock time. It begins at the first tick at or after the
//! slot. All options of a job apply, except for `fixed_delay`.
//!
//! | when | then |
//! | --- | --- |
//! | the job is registered | it waits for its first slot, whatever the scheduler's default. `first_run` of the job itself may ask for a run before |
//! | the scheduler is started, or a paused job resumed | the next slot is later. Slots before are not missed |
//! | the program was busy, or the machine suspended | one late run is for the latest slot that has passed. The others count as [missed](crate::Run::missed), up to 10,000. Under [`Burst`](crate::MissedTicks::Burst) each slot gets its run |
//! | a run would be too late | [`late_at_most`](crate::JobBuilder::late_at_most) drops it |
//! | the wall clock was set forward | the slots in between have passed, as after a suspend |
//! | the wall clock was set back by less than 3 hours | no slot of an appointment comes twice. A rhythm goes on from the new time |
//! | the wall clock was set back by 3 hours or more | the clock was wrong before: every schedule goes on from the new time |
//! | the last slot has passed | the job removes itself |
//!
//! The scheduler compares the wall clock with the monotonic clock when it wakes, and at least every 10 s while there is
//! a job by a calendar. A clock that was set, and a machine that slept, are noticed within 10 s. Changes of up to a tick
//! are ignored. Jobs with an interval don't care.
//!
//! [`Job::upcoming`](crate::Job::upcoming) foretells the slots. With a [`jitter`](crate::JobBuilder::jitter), the delay
//! of a run depends on the name of the job and the slot alone, so it is the same after a restart.
//!
//! On virtual time, a test chooses the wall-clock time, sets the clock and suspends the machine:
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use atevery::{Scheduler, testing::VirtualTime};
//!
//! const HOUR: Duration = Duration::from_secs(3_600);
//! let time = VirtualTime::at(UNIX_EPOCH + Duration::from_secs(1_774_742_400)); // 29 March 2026, 0:00 UTC
//! let scheduler = Scheduler::new(time.clone());
//! let job = scheduler.cron("30 2 * * *").zone("Europe/Berlin").run(|| ())?;
//! scheduler.start()?;
//! time.advance(HOUR); // 2:00 to 3:00 is missing
//! assert_eq!(job.runs(), 1);
//! time.suspend(48 * HOUR);
//! time.advance(Duration::from_secs(10));
//! assert_eq!((job.runs(), job.status().missed()), (2, 1));
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! # The dialect
//!
//! An expression has five fields, or six with the second before them. White space separates the fields.
//!
//! ```text
//! 0  30  2  *  *  mon-fri
//! |  |   |  |  |  weekday: 0 to 7 or sun to sat; 0 and 7 are Sunday
//! |  |   |  |  month: 1 to 12 or jan to dec
//! |  |   |  day of the month: 1 to 31
//! |  |   hour: 0 to 23
//! |  minute: 0 to 59
//! second: 0 to 59; left out, it is 0
//! ```
//!
//! | sign | field | means |
//! | --- | --- | --- |
//! | `*` | all | every value |
//! | `?` | day of the month, weekday | the same as `*` |
//! | `5` | all | a value |
//! | `1,15,30` | all | several values, ranges or steps |
//! | `9-17` | all | a range, both ends included. A range does not run backwards; `sat-sun` is 6 to 7 |
//! | `*/10` | all | every tenth value, from the first value of the field on |
//! | `9-17/2` | all | every second value of a range |
//! | `5/10` | all | from 5 to the end of the field in steps of 10. The weekday field ends on 7 |
//! | `jan`, `mon` | month, weekday | a name of three letters, in upper or lower case |
//! | `L` | day of the month | the last day of the month |
//! | `LW` | day of the month | the last day from Monday to Friday |
//! | `15W` | day of the month | the day from Monday to Friday that is nearest to the 15th, in the same month |
//! | `fri#2` | weekday | the second Friday of the month |
//! | `friL` | weekday | the last Friday of the month |
//! | `+mon` | weekday | see [Days](#days) |
//!
//! | name | the same as |
//! | --- | --- |
//! | `@yearly`, `@annually` | `0 0 1 1 *` |
//! | `@monthly` | `0 0 1 * *` |
//! | `@weekly` | `0 0 * * 0` |
//! | `@daily`, `@midnight` | `0 0 * * *` |
//! | `@hourly` | `0 * * * *` |
//!
//! If an expression can't be read, the [error](crate::Error::is_invalid_schedule) names the field, the text and the way
//! out. A date that never comes is an error too:
//!
//! ```
//! use atevery::Cron;
//!
//! let error = "60 * * * *".parse::<Cron>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "cron expression \"60 * * * *\": the minute field has \"60\": 60 is out of range; write 0 to 59",
//! );
//! assert!("0 0 30 2 *".parse::<Cron>().unwrap_err().to_string().contains("the date never comes"));
//! ```
//!
//! # Days
//!
//! If both the day of the month and the weekday are limited, a day matches by *either* of them. If one of the two
//! fields begins with `*` or `?`, or the weekday with `+`, a day has to match by *both*.
//!
//! | expression | days |
//! | --- | --- |
//! | `0 0 13 * *` | each 13th |
//! | `0 0 * * fri` | each Friday |
//! | `0 0 13 * fri` | each 13th, and each Friday |
//! | `0 0 13 * +fri` | each Friday the 13th |
//! | `0 0 */2 * fri` | the Fridays with an odd date |
//! | `0 0 1-7 * +mon` | the first Monday, like `0 0 * * mon#1` |
//!
//! A month without a 31st has no slot on the 31st, and none for `31W`.
//!
//! # When clocks are changed
//!
//! A schedule is a *rhythm* if `*`, `-` or `/` stands in its second, minute or hour. Otherwise it is an *appointment*.
//! [`Daily`](crate::Daily) always is an appointment. A rhythm follows the time that passes. An appointment takes place
//! once on each of its days.
//!
//! **The clocks go forward.** In Berlin, on 29 March 2026, 2:00 to 3:00 is missing. An appointment in the gap runs at
//! the first instant after the gap. Several appointments in the gap are one run.
//!
//! ```text
//! UTC           0:00      0:30      1:00      1:30      2:00
//! Berlin        1:00      1:30      3:00      3:30      4:00
//!                                   ^ the clocks go forward
//! 30 2 * * *    .         .         x         .         .      appointment: at the end of the gap
//! ```
//!
//! A rhythm leaves out what lies in the gap. Its distance from slot to slot stays.
//!
//! ```text
//! UTC           0:00      0:30      1:00      1:30      2:00
//! Berlin        1:00      1:30      3:00      3:30      4:00
//!                                   ^ the clocks go forward
//! */30 * * * *  x         x         x         x         x      rhythm: every half an hour
//! ```
//!
//! **The clocks go back.** In Berlin, on 25 October 2026, 2:00 to 3:00 comes twice. An appointment runs at its first
//! occurrence only.
//!
//! ```text
//! UTC           0:00      0:30      1:00      1:30      2:00
//! Berlin        2:00      2:30      2:00      2:30      3:00
//!                                   ^ the clocks go back
//! 30 2 * * *    .         x         .         .         .      appointment: once
//! ```
//!
//! A rhythm runs at both occurrences.
//!
//! ```text
//! UTC           0:00      0:30      1:00      1:30      2:00
//! Berlin        2:00      2:30      2:00      2:30      3:00
//!                                   ^ the clocks go back
//! */30 * * * *  x         x         x         x         x      rhythm: every half an hour
//! ```
//!
//! The example checks all four timelines:
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//! use atevery::{Calendar, Cron};
//!
//! /// The slots from 0:00 to 2:00 UTC, in minutes.
//! fn slots(text: &str, midnight: u64) -> Result<Vec<u64>, atevery::Error> {
//!     let cron = text.parse::<Cron>()?.zone("Europe/Berlin")?;
//!     let midnight = UNIX_EPOCH + Duration::from_secs(midnight);
//!     let mut slots = Vec::new();
//!     let mut after = midnight - Duration::from_nanos(1);
//!     while let Some(slot) = cron.next(after) {
//!         let minutes = slot.duration_since(midnight).unwrap().as_secs() / 60;
//!         if minutes > 120 {
//!             break;
//!         }
//!         slots.push(minutes);
//!         after = slot;
//!     }
//!     Ok(slots)
//! }
//!
//! let (forward, back) = (1_774_742_400, 1_792_886_400);
//! assert_eq!(slots("30 2 * * *", forward)?, [60]);
//! assert_eq!(slots("*/30 * * * *", forward)?, [0, 30, 60, 90, 120]);
//! assert_eq!(slots("30 2 * * *", back)?, [30]);
//! assert_eq!(slots("*/30 * * * *", back)?, [0, 30, 60, 90, 120]);
//! # Ok::<(), atevery::Error>(())
//! ```
//!
//! The same holds for changes of half an hour, for changes at midnight, and for a day that is missing: an appointment
//! on that day runs at the first instant of the next one.
//!
//! # Time zones
//!
//! A schedule is in UTC unless it is given a zone: a name of the time zone database, such as `Europe/Berlin`. A zone
//! that is unknown is an error, never UTC in secret. The rules come from the system. If the system has none, as in a
//! container without the package `tzdata`, they come from a copy in the program, which is as old as the program's
//! version of `jiff`.
//!
//! The rules are looked up for each slot. New time zone data is used without a restart, at most 5 minutes after it was
//! installed.
//!
//! # Other dialects
//!
//! | | differs here |
//! | --- | --- |
//! | Vixie cron, cronie | Six fields begin with the second. `L`, `W`, `#`, `+` and `a/n` are new. `sat-sun` is a range. There is no `@reboot`, no `CRON_TZ=`, no user and no command. Whether a schedule is a rhythm depends on `*`, `-` and `/` in the second, minute and hour; there, on a `*` at the beginning of the minute or hour |
//! | Quartz, Spring | The second may be left out, and there is no year. Monday is 1, where Quartz has 2. `?` is allowed, but never required: the day of the month and the weekday may both be given. `L` needs a weekday in the weekday field, and `L-3` can't be written. `31W` has no slot in a month of 30 days |
//! | croner | `5/10` is allowed. Any day field that begins with `*`, such as `*/2`, makes a day match by both fields. There is no year, but `@midnight`. In a fold, an appointment with a list (`15,45 1 * * *`) runs once, where croner 4 runs it at both occurrences |
//! | Kubernetes `CronJob` | `L`, `W`, `#`, `+` and a field for the second are new. The zone is not a part of the expression |

pub(crate) mod cron;
pub(crate) mod daily;
mod slots;
mod zone;
mod zone_names;
