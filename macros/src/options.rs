//! The table of the options. To add an option for a method of `JobBuilder`, add one line.

/// The effect of an option on the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// `key = value`: calls the method of `JobBuilder` of that name with the value.
    Method,
    /// Calls the method with a length of time, also in a form such as `"2s"`.
    Duration,
    /// A bare word: calls the method of `JobBuilder` of that name.
    Switch,
    /// `tag = "..."`: a constant of the registration, by which a program can choose jobs. May be given several times.
    Tag,
    /// `crate = path`: the path of the crate `atevery`.
    Crate,
    /// `blocking`: the job runs on the blocking pool.
    Blocking,
}

const OPTIONS: &[(&str, Effect)] = &[
    ("name", Effect::Method),
    ("missed_ticks", Effect::Method),
    ("first_run", Effect::Method),
    ("jitter", Effect::Duration),
    ("times", Effect::Method),
    ("until", Effect::Method),
    ("fixed_delay", Effect::Switch),
    ("timeout", Effect::Duration),
    ("attempt_timeout", Effect::Duration),
    ("retry", Effect::Method),
    ("on_overlap", Effect::Method),
    ("group", Effect::Method),
    ("blocking", Effect::Blocking),
    ("tag", Effect::Tag),
    ("crate", Effect::Crate),
];

pub(crate) fn find(name: &str) -> Option<Effect> {
    OPTIONS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, effect)| *effect)
}

/// Returns the form of the option for messages.
pub(crate) fn usage(name: &str, effect: Effect) -> String {
    match effect {
        Effect::Switch | Effect::Blocking => format!("`{name}`"),
        Effect::Tag => format!("`{name} = \"...\"`"),
        Effect::Crate => format!("`{name} = path`"),
        Effect::Method => format!("`{name} = ...`"),
        Effect::Duration => format!("`{name} = \"...\"`"),
    }
}

/// Returns the message `unknown option ...: the options are ...`
pub(crate) fn unknown(name: &str) -> String {
    let known: Vec<_> = OPTIONS.iter().map(|&(name, effect)| usage(name, effect)).collect();
    format!("unknown option `{name}`: the options are {}", known.join(", "))
}
