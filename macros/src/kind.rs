//! The three attributes.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Every,
    Cron,
    Daily,
}

impl Kind {
    /// Returns the name of the attribute.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Every => "every",
            Kind::Cron => "cron",
            Kind::Daily => "daily",
        }
    }

    /// Returns what the first argument is.
    pub(crate) fn first(self) -> &'static str {
        match self {
            Kind::Every => "interval",
            Kind::Cron => "expression",
            Kind::Daily => "time",
        }
    }
}
