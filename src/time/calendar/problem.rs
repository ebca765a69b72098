//! Why a schedule can't be read, in words.

use super::field::Field;
use super::message::Message;

/// Why a text is no schedule. The message needs the text too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScheduleError {
    problem: Problem,
    field: Option<Field>,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    // Of a whole expression.
    Empty,
    FieldCount(u32),
    Year,
    Interval,
    TimeOfDay,
    Zone,
    Reboot,
    Every,
    Nickname,
    NotAlone,
    Command,
    NeverComes,
    // Of a field.
    EmptyItem,
    NoNumber,
    NoStart,
    Unreadable(Part),
    LongName(Part),
    OutOfRange(Part),
    Backwards(u32, u32),
    ZeroStep,
    LongStep(u32),
    NoStep,
    QuestionMark,
    BeforeLast,
    SpecialDate,
    NthWeekday,
    OneWeekday,
    WeekdayElsewhere,
    Plus,
    PlainWeekdays,
    // Of a time of the day.
    NotATime,
    OneDigit,
    TwelveHours,
    SeveralTimes,
    CronHere,
    HourOutOfRange,
    MinuteOutOfRange,
    SecondOutOfRange,
}

/// A part of a text, from `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Part {
    pub(crate) const fn all(text: &[u8]) -> Part {
        Part {
            start: 0,
            end: text.len(),
        }
    }

    pub(crate) const fn from(self, start: usize) -> Part {
        Part { start, end: self.end }
    }

    pub(crate) const fn until(self, end: usize) -> Part {
        Part { start: self.start, end }
    }

    pub(crate) const fn without_last(self) -> Part {
        self.until(self.end - 1)
    }

    pub(crate) const fn len(self) -> usize {
        self.end - self.start
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Without the white space around it.
    pub(crate) const fn trimmed(mut self, text: &[u8]) -> Part {
        while self.start < self.end && text[self.start].is_ascii_whitespace() {
            self.start += 1;
        }
        while self.start < self.end && text[self.end - 1].is_ascii_whitespace() {
            self.end -= 1;
        }
        self
    }

    /// The place of the first `byte`, or the end of the part.
    pub(crate) const fn find(self, text: &[u8], byte: u8) -> usize {
        let mut at = self.start;
        while at < self.end && text[at] != byte {
            at += 1;
        }
        at
    }

    /// The last byte. The part must not be empty.
    pub(crate) const fn last(self, text: &[u8]) -> u8 {
        text[self.end - 1]
    }

    /// Whether the part is this word, in upper or lower case.
    pub(crate) const fn is_word(self, text: &[u8], word: &[u8]) -> bool {
        self.len() == word.len() && self.begins_with(text, word)
    }

    /// Whether the part begins with this word, in upper or lower case.
    pub(crate) const fn begins_with(self, text: &[u8], word: &[u8]) -> bool {
        if self.len() < word.len() {
            return false;
        }
        let mut at = 0;
        while at < word.len() {
            if !text[self.start + at].eq_ignore_ascii_case(&word[at]) {
                return false;
            }
            at += 1;
        }
        true
    }

    pub(crate) const fn is_of_digits(self, text: &[u8]) -> bool {
        let mut at = self.start;
        while at < self.end && text[at].is_ascii_digit() {
            at += 1;
        }
        at == self.end
    }

    pub(crate) const fn is_of_letters(self, text: &[u8]) -> bool {
        let mut at = self.start;
        while at < self.end && text[at].is_ascii_alphabetic() {
            at += 1;
        }
        at == self.end
    }

    /// The number that the part is. `None` if it is no number or has more than six digits.
    pub(crate) const fn number(self, text: &[u8]) -> Option<u32> {
        if self.is_empty() || self.len() > 6 || !self.is_of_digits(text) {
            return None;
        }
        let mut number = 0;
        let mut at = self.start;
        while at < self.end {
            number = number * 10 + (text[at] - b'0') as u32;
            at += 1;
        }
        Some(number)
    }
}

/// The order of the fields, for messages.
const ORDER: &str = "minute hour day-of-month month weekday";

impl ScheduleError {
    /// A problem of the whole text.
    pub(crate) const fn new(problem: Problem, text: &[u8]) -> ScheduleError {
        ScheduleError {
            problem,
            field: None,
            part: Part::all(text),
        }
    }

    pub(crate) const fn in_field(problem: Problem, field: Field, part: Part) -> ScheduleError {
        ScheduleError {
            problem,
            field: Some(field),
            part,
        }
    }

    /// The message about a cron expression: names the field, its text, and the way out.
    pub(crate) const fn about_cron(self, text: &str) -> Message {
        let message = Message::new().text("cron expression ").quote_all(text).text(": ");
        match self.field {
            Some(field) => {
                let message = message.text("the ").text(field.name()).text(" field has ");
                self.explain(
                    message
                        .quote(text.as_bytes(), self.part.start, self.part.end)
                        .text(": "),
                    text,
                )
            }
            None => self.explain(message, text),
        }
    }

    /// The message about weekdays, such as `mon-fri`.
    pub(crate) const fn about_weekdays(self, text: &str) -> Message {
        let message = Message::new().text("weekdays ").quote_all(text).text(": ");
        self.explain(message, text)
    }

    /// The message about a time of the day, such as `03:00`.
    pub(crate) const fn about_time(self, text: &str) -> Message {
        let message = Message::new().text("time of day ").quote_all(text).text(": ");
        self.explain(message, text)
    }

    const fn explain(self, message: Message, text: &str) -> Message {
        match self.field {
            Some(field) => self.explain_field(message, field, text.as_bytes()),
            None => self.explain_whole(message),
        }
    }

    const fn explain_whole(self, message: Message) -> Message {
        match self.problem {
            Problem::Empty => message
                .text("it is empty; write five fields, ")
                .text(ORDER)
                .text(", such as \"0 3 * * *\""),
            Problem::FieldCount(count) => message
                .text("it has ")
                .number(count)
                .text(if count == 1 { " field" } else { " fields" })
                .text("; write five, ")
                .text(ORDER)
                .text(", or six with the second before them"),
            Problem::Year => message.text(
                "it has seven fields, and the last one is a year as in Quartz; leave the year out, six fields are \
                 second minute hour day-of-month month weekday",
            ),
            Problem::Interval => message.text("it is an interval; write it with `every`, or `#[every(\"..\")]`"),
            Problem::TimeOfDay => message.text("it is a time of day; write it with `daily`, or `#[daily(\"..\")]`"),
            Problem::Zone => message.text("a time zone does not belong into it; give the zone with `zone`"),
            Problem::Reboot => message.text(
                "`@reboot` is no time; register the job with `every`, `first_run(FirstRun::Now)` and `times(1)` \
                 instead",
            ),
            Problem::Every => message.text("it is an interval; write it with `every`, such as `#[every(\"5m\")]`"),
            Problem::Nickname => message.text(
                "there is no such name; write @yearly, @annually, @monthly, @weekly, @daily, @midnight or @hourly",
            ),
            Problem::NeverComes => message
                .text("no year has such a day, so the date never comes; ")
                .text("check the day-of-month, month and weekday fields"),
            Problem::NotAlone => message.text("a name such as @daily stands alone; leave the rest out"),
            Problem::Command => {
                message.text("a crontab's user and command don't belong into it; leave them out, the job is a function")
            }
            problem => explain_time(message, problem),
        }
    }

    const fn explain_field(self, message: Message, field: Field, text: &[u8]) -> Message {
        match self.problem {
            Problem::EmptyItem => {
                message.text("an item of the list is empty; write the items with one comma between them")
            }
            Problem::NoNumber => message.text("a number is missing; write ").values(field),
            Problem::Unreadable(part) => message
                .quote(text, part.start, part.end)
                .text(" can't be read; write ")
                .values(field),
            Problem::LongName(part) => message
                .text("write \"")
                .slice(text, part.start, part.start + 3)
                .text("\"; names have three letters"),
            Problem::OutOfRange(part) => message
                .slice(text, part.start, part.end)
                .text(" is out of range; write ")
                .values(field),
            Problem::Backwards(first, last) => message
                .text("the range runs backwards; write the smaller value first, or \"")
                .range(first, field.most())
                .text(if last == 0 && field.most() == 7 { "\"" } else { "," })
                .rest_of_range(field, last)
                .text(" if it goes over the end"),
            Problem::ZeroStep => message.text("a step of 0 never ends; write a step of 1 or more"),
            Problem::LongStep(step) => message
                .text("a step of ")
                .number(step)
                .text(" is longer than the field; write at most ")
                .number(field.longest_step())
                .text(", or register the job with an interval"),
            Problem::NoStep => message.text("after \"/\" comes a number; write a step such as \"*/5\""),
            Problem::NoStart => {
                message.text("before \"/\" comes \"*\", a value or a range; write a step such as \"*/5\"")
            }
            problem => explain_sign(message, problem),
        }
    }
}

/// Problems with `?`, `L`, `W`, `#` and `+`.
const fn explain_sign(message: Message, problem: Problem) -> Message {
    message.text(match problem {
        Problem::QuestionMark => "\"?\" is for the day-of-month and weekday fields; write \"*\"",
        Problem::BeforeLast => {
            "days before the last one can't be written; write \"L\" for the last day, \"LW\" for the last workday, or \
             a list of days such as \"28-31\""
        }
        Problem::SpecialDate => {
            "\"L\", \"LW\" and \"W\" don't combine with ranges and steps, and \"W\" needs a day; write \"L\", \"LW\", \
             or a day such as \"15W\", with commas between them"
        }
        Problem::NthWeekday => {
            "after \"#\" comes a number from 1 to 5; write \"fri#2\" for the second Friday of the month"
        }
        Problem::OneWeekday => {
            "\"#\" and \"L\" need one weekday before them; write \"fri#2\" for the second Friday of the month, \
             \"friL\" for the last, with commas between several"
        }
        Problem::WeekdayElsewhere => "\"#\" belongs into the weekday field; write \"fri#2\" there",
        Problem::Plus => "\"+\" stands once, before the weekdays; write \"+mon-fri\"",
        Problem::PlainWeekdays => {
            "\"#\" and \"L\" are for cron expressions; write weekdays such as \"mon-fri\" or \"sat,sun\""
        }
        _ => "it can't be read",
    })
}

/// Problems with a time of the day.
const fn explain_time(message: Message, problem: Problem) -> Message {
    message.text(match problem {
        Problem::OneDigit => "hours, minutes and seconds have two digits; write \"03:00\" or \"03:00:00\"",
        Problem::TwelveHours => {
            "the clock has 24 hours; write \"03:00\" for three in the morning, \"15:00\" for three in the afternoon"
        }
        Problem::SeveralTimes => "write several times as a list, such as [\"09:00\", \"17:30\"]",
        Problem::CronHere => "it is a cron expression; write it with `cron`, or `#[cron(\"..\")]`",
        Problem::HourOutOfRange => "hours are 00 to 23; midnight is \"00:00\"",
        Problem::MinuteOutOfRange => "minutes are 00 to 59",
        Problem::SecondOutOfRange => "seconds are 00 to 59",
        _ => "write hours and minutes, such as \"03:00\", or with seconds \"03:00:00\"",
    })
}

impl Message {
    const fn quote_all(self, text: &str) -> Message {
        self.quote(text.as_bytes(), 0, text.len())
    }

    const fn slice(self, text: &[u8], start: usize, end: usize) -> Message {
        let mut message = self;
        let mut at = start;
        while at < end && at < start + 12 {
            message = message.byte(text[at]);
            at += 1;
        }
        message.text(if at < end { "..." } else { "" })
    }

    const fn range(self, first: u32, last: u32) -> Message {
        if first == last {
            self.number(first)
        } else {
            self.number(first).text("-").number(last)
        }
    }

    /// The part of a backward range after the end of the field. The week of a range begins on Monday.
    const fn rest_of_range(self, field: Field, last: u32) -> Message {
        match field {
            Field::Weekday if last == 0 => self,
            Field::Weekday => self.range(1, last).text("\""),
            _ => self.range(field.least(), last).text("\""),
        }
    }

    /// What a field allows.
    const fn values(self, field: Field) -> Message {
        let message = self.number(field.least()).text(" to ").number(field.most());
        message.text(match field {
            Field::Second | Field::Minute => "",
            Field::Hour => ", midnight is 0",
            Field::Date => ", L, LW, or a workday such as 15W",
            Field::Month => " or jan to dec",
            Field::Weekday => " or sun to sat, where 0 and 7 are Sunday",
        })
    }
}
