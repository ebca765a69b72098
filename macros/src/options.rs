//! The table of the options. To add an option for a method of `JobBuilder`, add one line.

use crate::kind::Kind;

/// The effect of an option on the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// `key = value`: calls the method of `JobBuilder` of that name with the value.
    Method,
    /// Calls the method with a length of time, also in a form such as `"2s"`.
    Duration,
    /// A bare word: calls the method of `JobBuilder` of that name.
    Switch,
    /// `key = "..."`: a constant of the schedule, which is checked at compile time.
    Schedule,
    /// A bare word: a property of the schedule.
    ScheduleSwitch,
    /// `tag = "..."`: a constant of the registration, by which a program can choose jobs. May be given several times.
    Tag,
    /// `crate = path`: the path of the crate `atevery`.
    Crate,
    /// `blocking`: the job runs on the blocking pool.
    Blocking,
}

const ALL: &[Kind] = &[Kind::Every, Kind::Cron, Kind::Daily];
const CALENDAR: &[Kind] = &[Kind::Cron, Kind::Daily];

const OPTIONS: &[(&str, Effect, &[Kind])] = &[
    ("zone", Effect::Schedule, CALENDAR),
    ("local_zone", Effect::ScheduleSwitch, CALENDAR),
    ("on", Effect::Schedule, &[Kind::Daily]),
    ("aligned", Effect::ScheduleSwitch, &[Kind::Every]),
    ("name", Effect::Method, ALL),
    ("missed_ticks", Effect::Method, ALL),
    ("first_run", Effect::Method, ALL),
    ("jitter", Effect::Duration, ALL),
    ("times", Effect::Method, ALL),
    ("until", Effect::Method, ALL),
    ("fixed_delay", Effect::Switch, &[Kind::Every]),
    ("late_at_most", Effect::Duration, ALL),
    ("timeout", Effect::Duration, ALL),
    ("attempt_timeout", Effect::Duration, ALL),
    ("retry", Effect::Method, ALL),
    ("on_overlap", Effect::Method, ALL),
    ("group", Effect::Method, ALL),
    ("blocking", Effect::Blocking, ALL),
    ("tag", Effect::Tag, ALL),
    ("crate", Effect::Crate, ALL),
];

pub(crate) fn find(kind: Kind, name: &str) -> Option<Effect> {
    let option = OPTIONS.iter().find(|(known, ..)| *known == name)?;
    option.2.contains(&kind).then_some(option.1)
}

/// Returns the form of the option for messages.
pub(crate) fn usage(name: &str, effect: Effect) -> String {
    match effect {
        Effect::Switch | Effect::ScheduleSwitch | Effect::Blocking => format!("`{name}`"),
        Effect::Tag | Effect::Duration | Effect::Schedule => format!("`{name} = \"...\"`"),
        Effect::Crate => format!("`{name} = path`"),
        Effect::Method => format!("`{name} = ...`"),
    }
}

/// Returns the message `unknown option ...: the options are ...`, or says for which attributes the option is.
pub(crate) fn unknown(kind: Kind, name: &str) -> String {
    if let Some((_, _, kinds)) = OPTIONS.iter().find(|(known, ..)| *known == name) {
        let others: Vec<_> = kinds.iter().map(|kind| format!("`#[{}]`", kind.name())).collect();
        return format!(
            "`{name}` is for {}, not for `#[{}]`: remove it",
            others.join(" and "),
            kind.name()
        );
    }
    let of_kind = OPTIONS.iter().filter(|(_, _, kinds)| kinds.contains(&kind));
    let known: Vec<_> = of_kind.map(|&(name, effect, _)| usage(name, effect)).collect();
    format!("unknown option `{name}`: the options are {}", known.join(", "))
}
