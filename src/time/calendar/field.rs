//! Reads a single field of a cron expression: `*`, `5`, `1-5`, `*/10`, `mon-fri`, `LW`, `fri#2`, and lists of these.

use super::days::{Dates, Weekdays};
use super::problem::{Part, Problem, ScheduleError};

/// Returns an error from a `const fn`, where `?` is not available.
macro_rules! or_return {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}
pub(crate) use or_return;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Second,
    Minute,
    Hour,
    Date,
    Month,
    Weekday,
}

/// What a field allows.
#[derive(Clone, Copy)]
pub(crate) struct Allowed {
    /// A bit for each number. Sunday is bit 0.
    pub(crate) values: u64,
    nearest_workday: u32,
    last: bool,
    last_workday: bool,
    nth: [u8; 5],
    last_weekday: u8,
}

impl Field {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Field::Second => "second",
            Field::Minute => "minute",
            Field::Hour => "hour",
            Field::Date => "day-of-month",
            Field::Month => "month",
            Field::Weekday => "weekday",
        }
    }

    pub(crate) const fn least(self) -> u32 {
        match self {
            Field::Date | Field::Month => 1,
            _ => 0,
        }
    }

    pub(crate) const fn most(self) -> u32 {
        match self {
            Field::Second | Field::Minute => 59,
            Field::Hour => 23,
            Field::Date => 31,
            Field::Month => 12,
            Field::Weekday => 7,
        }
    }

    /// The number of values. A longer step is a mistake. Sunday has two numbers.
    pub(crate) const fn longest_step(self) -> u32 {
        match self {
            Field::Weekday => 7,
            _ => self.most() + 1 - self.least(),
        }
    }

    const fn is_of_days(self) -> bool {
        matches!(self, Field::Date | Field::Weekday)
    }

    const fn names(self) -> &'static [[u8; 3]] {
        match self {
            Field::Month => &MONTH_NAMES,
            Field::Weekday => &WEEKDAY_NAMES,
            _ => &[],
        }
    }
}

const MONTH_NAMES: [[u8; 3]; 12] = [
    *b"jan", *b"feb", *b"mar", *b"apr", *b"may", *b"jun", *b"jul", *b"aug", *b"sep", *b"oct", *b"nov", *b"dec",
];

/// From Sunday on.
pub(crate) const WEEKDAY_NAMES: [[u8; 3]; 7] = [*b"sun", *b"mon", *b"tue", *b"wed", *b"thu", *b"fri", *b"sat"];

impl Allowed {
    const NOTHING: Allowed = Allowed {
        values: 0,
        nearest_workday: 0,
        last: false,
        last_workday: false,
        nth: [0; 5],
        last_weekday: 0,
    };

    pub(crate) const fn dates(&self) -> Dates {
        Dates {
            days: self.values as u32,
            nearest_workday: self.nearest_workday,
            last: self.last,
            last_workday: self.last_workday,
        }
    }

    pub(crate) const fn weekdays(&self) -> Weekdays {
        Weekdays {
            every: self.values as u8,
            nth: self.nth,
            last: self.last_weekday,
        }
    }

    /// The numbers from `first` to `last`, in steps.
    const fn with(mut self, field: Field, first: u32, last: u32, step: u32) -> Allowed {
        let mut value = first;
        while value <= last {
            let is_sunday = matches!(field, Field::Weekday) && value == 7;
            self.values |= 1 << if is_sunday { 0 } else { value };
            value += step;
        }
        self
    }
}

/// Reads the list of items in `part` of `text`.
pub(crate) const fn read_field(text: &[u8], field: Field, part: Part) -> Result<Allowed, ScheduleError> {
    let mut allowed = Allowed::NOTHING;
    let mut start = part.start;
    loop {
        let end = part.from(start).find(text, b',');
        let item = Item {
            text,
            field,
            part: Part { start, end }.trimmed(text),
        };
        if item.part.is_empty() {
            return Err(ScheduleError::in_field(Problem::EmptyItem, field, part));
        }
        allowed = or_return!(item.add_to(allowed));
        if end == part.end {
            return Ok(allowed);
        }
        start = end + 1;
    }
}

/// An item of a list.
#[derive(Clone, Copy)]
struct Item<'a> {
    text: &'a [u8],
    field: Field,
    part: Part,
}

impl Item<'_> {
    const fn add_to(self, allowed: Allowed) -> Result<Allowed, ScheduleError> {
        match or_return!(self.special(allowed)) {
            Some(allowed) => Ok(allowed),
            None => self.add_numbers(allowed),
        }
    }

    /// `L`, `LW`, `15W`, `fri#2` and `friL`.
    const fn special(self, mut allowed: Allowed) -> Result<Option<Allowed>, ScheduleError> {
        let part = self.part;
        let ends_on = part.last(self.text).to_ascii_uppercase();
        match self.field {
            Field::Date if part.is_word(self.text, b"L") => allowed.last = true,
            Field::Date if part.is_word(self.text, b"LW") => allowed.last_workday = true,
            Field::Date if ends_on == b'W' => {
                let date = or_return!(self.number(part.without_last()));
                allowed.nearest_workday |= 1 << date;
            }
            Field::Weekday if part.find(self.text, b'#') < part.end => {
                let sign = part.find(self.text, b'#');
                let weekday = or_return!(self.number(part.until(sign))) % 7;
                let nth = match part.from(sign + 1).number(self.text) {
                    Some(nth @ 1..=5) => nth,
                    _ => return Err(self.problem(Problem::NthWeekday)),
                };
                allowed.nth[nth as usize - 1] |= 1 << weekday;
            }
            Field::Weekday if ends_on == b'L' => {
                let weekday = or_return!(self.number(part.without_last())) % 7;
                allowed.last_weekday |= 1 << weekday;
            }
            _ => return Ok(None),
        }
        Ok(Some(allowed))
    }

    /// `*`, `5`, `1-5`, each with or without a step.
    const fn add_numbers(self, allowed: Allowed) -> Result<Allowed, ScheduleError> {
        let slash = self.part.find(self.text, b'/');
        let has_step = slash < self.part.end;
        let step = if has_step { or_return!(self.step(slash)) } else { 1 };
        let base = self.part.until(slash).trimmed(self.text);
        if base.is_empty() {
            return Err(self.problem(Problem::NoStart));
        }
        if base.is_word(self.text, b"*") || (self.field.is_of_days() && base.is_word(self.text, b"?")) {
            return Ok(allowed.with(self.field, self.field.least(), self.field.most(), step));
        }
        if base.is_word(self.text, b"?") {
            return Err(self.problem(Problem::QuestionMark));
        }
        let dash = base.find(self.text, b'-');
        if dash < base.end {
            let first = or_return!(self.number(base.until(dash)));
            let last = or_return!(self.range_end(base.from(dash + 1), first));
            if first > last {
                return Err(self.problem(Problem::Backwards(first, last)));
            }
            return Ok(allowed.with(self.field, first, last, step));
        }
        let first = or_return!(self.number(base));
        Ok(allowed.with(
            self.field,
            first,
            if has_step { self.field.most() } else { first },
            step,
        ))
    }

    const fn step(self, slash: usize) -> Result<u32, ScheduleError> {
        match self.part.from(slash + 1).number(self.text) {
            Some(0) => Err(self.problem(Problem::ZeroStep)),
            Some(step) if step > self.field.longest_step() => Err(self.problem(Problem::LongStep(step))),
            Some(step) => Ok(step),
            None => Err(self.problem(Problem::NoStep)),
        }
    }

    /// The end of a range. A range that ends on a Sunday by name ends on 7: `sat-sun`.
    const fn range_end(self, part: Part, first: u32) -> Result<u32, ScheduleError> {
        match self.number(part) {
            Ok(0)
                if first > 0
                    && matches!(self.field, Field::Weekday)
                    && part.trimmed(self.text).is_word(self.text, b"SUN") =>
            {
                Ok(7)
            }
            read => read,
        }
    }

    /// A number or a name.
    const fn number(self, part: Part) -> Result<u32, ScheduleError> {
        let part = part.trimmed(self.text);
        if part.is_empty() {
            let problem = if matches!(self.field, Field::Weekday) && self.has_place() {
                Problem::OneWeekday
            } else {
                Problem::NoNumber
            };
            return Err(self.problem(problem));
        }
        if !part.is_of_digits(self.text) {
            return match self.named(part) {
                Some(number) => Ok(number),
                None => Err(self.problem(self.unreadable(part))),
            };
        }
        match part.number(self.text) {
            Some(number) if number >= self.field.least() && number <= self.field.most() => Ok(number),
            _ => Err(self.problem(Problem::OutOfRange(part))),
        }
    }

    const fn named(self, part: Part) -> Option<u32> {
        let names = self.field.names();
        let mut at = 0;
        while at < names.len() {
            if part.is_word(self.text, &names[at]) {
                return Some(at as u32 + self.field.least());
            }
            at += 1;
        }
        None
    }

    /// Why a part is neither a number nor a name.
    const fn unreadable(self, part: Part) -> Problem {
        let text = self.text;
        let whole = self.part;
        match self.field {
            Field::Date if part.is_word(text, b"L") && whole.find(text, b'-') < whole.end => Problem::BeforeLast,
            Field::Date if part.is_word(text, b"L") || part.is_word(text, b"W") || part.is_word(text, b"LW") => {
                Problem::SpecialDate
            }
            Field::Date if part.last(text).eq_ignore_ascii_case(&b'W') => Problem::SpecialDate,
            Field::Date if whole.find(text, b'#') < whole.end => Problem::WeekdayElsewhere,
            Field::Date if whole.last(text).eq_ignore_ascii_case(&b'W') => Problem::SpecialDate,
            Field::Weekday if self.has_place() => Problem::OneWeekday,
            _ if self.is_long_name(part) => Problem::LongName(part),
            _ => Problem::Unreadable(part),
        }
    }

    /// Whether the item of a weekday has a sign for one place in the month.
    const fn has_place(self) -> bool {
        self.part.find(self.text, b'#') < self.part.end || self.part.last(self.text).eq_ignore_ascii_case(&b'L')
    }

    /// Whether the part begins with one of the names: `monday`.
    const fn is_long_name(self, part: Part) -> bool {
        let short = part.until(if part.len() > 3 { part.start + 3 } else { part.end });
        part.len() > 3 && part.is_of_letters(self.text) && self.named(short).is_some()
    }

    const fn problem(self, problem: Problem) -> ScheduleError {
        ScheduleError::in_field(problem, self.field, self.part)
    }
}
