//! Random cron expressions.

/// A linear congruential generator. A seed gives the same numbers on every machine.
pub(crate) struct Random(u64);

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// An expression of five fields whose date comes.
    pub(crate) fn expression(&mut self) -> String {
        let (minute, hour) = (self.numbers(0, 59, true), self.numbers(0, 23, true));
        let month = match self.below(4) {
            0 => self.numbers(1, 12, true),
            1 => MONTHS[self.below(12) as usize].to_owned(),
            _ => String::from("*"),
        };
        format!("{minute} {hour} {} {month} {}", self.date(), self.weekday())
    }

    /// At most the 28th, so that each month has the date.
    fn date(&mut self) -> String {
        match self.below(8) {
            0 => String::from("L"),
            1 => format!("{}W", self.between(1, 28)),
            2..5 => self.numbers(1, 28, false),
            _ => String::from("*"),
        }
    }

    fn weekday(&mut self) -> String {
        let weekday = self.below(7);
        match self.below(8) {
            0 => format!("{weekday}#{}", self.between(1, 4)),
            1 => format!("{weekday}L"),
            2 => WEEKDAYS[weekday as usize].to_owned(),
            3 => self.numbers(0, 6, false),
            _ => String::from("*"),
        }
    }

    /// `*`, `*/n`, or a list of numbers, ranges and steps.
    fn numbers(&mut self, first: u64, last: u64, may_be_all: bool) -> String {
        if may_be_all && self.one_in(3) {
            return match self.below(3) {
                0 => format!("*/{}", self.between(1, last - first)),
                _ => String::from("*"),
            };
        }
        let items = self.between(1, 3);
        let items: Vec<String> = (0..items).map(|_| self.item(first, last)).collect();
        items.join(",")
    }

    fn item(&mut self, first: u64, last: u64) -> String {
        let begin = self.between(first, last - 1);
        let end = self.between(begin + 1, last);
        match self.below(4) {
            0 => format!("{begin}-{end}"),
            1 => format!("{begin}-{end}/{}", self.between(1, end - begin)),
            _ => begin.to_string(),
        }
    }
}
