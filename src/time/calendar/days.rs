//! The days on which a schedule has slots, as sets of numbers.

use super::date::{LAST_YEAR, Month, WEEKDAYS, common_length, weekday};

/// All dates of a month: the bits 1 to 31.
pub(crate) const ALL_DATES: u32 = u32::MAX << 1;

/// All weekdays: the bits 0, which is Sunday, to 6.
pub(crate) const ALL_WEEKDAYS: u8 = 0b111_1111;

/// The days of a schedule: months, dates in the month, and weekdays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    /// The bits 1 to 12.
    months: u16,
    dates: Dates,
    weekdays: Weekdays,
    /// Whether a day matches by its date alone or its weekday alone. Otherwise it has to match by both.
    either: bool,
}

/// Days by their place in the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dates {
    /// The bits 1 to 31.
    pub(crate) days: u32,
    /// `nW`: the bits 1 to 31.
    pub(crate) nearest_workday: u32,
    /// `L`.
    pub(crate) last: bool,
    /// `LW`.
    pub(crate) last_workday: bool,
}

/// Days by their weekday. In each set, bit 0 is Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weekdays {
    pub(crate) every: u8,
    /// `d#n`: the set of `n` is at `n - 1`.
    pub(crate) nth: [u8; 5],
    /// `dL`.
    pub(crate) last: u8,
}

/// A month as far as days depend on it.
#[derive(Clone, Copy)]
struct Shape {
    length: u32,
    /// The weekday of the first day.
    begins_on: u32,
}

impl Days {
    /// Equal days are equal as values, if a field that allows every day is involved.
    pub(crate) const fn new(months: u16, dates: Dates, weekdays: Weekdays, either: bool) -> Days {
        let is_every_day = either && (dates.is_every_day() || weekdays.is_every_day());
        Days {
            months,
            dates: if is_every_day { Dates::ALL } else { dates },
            weekdays: if is_every_day { Weekdays::ALL } else { weekdays },
            either: either && !is_every_day,
        }
    }

    /// The first day that is not before `day`. `None` if there is none up to the last year.
    pub(crate) fn next_from(&self, day: i64) -> Option<i64> {
        let (mut month, date) = Month::of(day);
        let mut allowed = ALL_DATES << (date - 1);
        if self.months & (1 << month.number) == 0 {
            month = month.next_in(self.months);
            allowed = ALL_DATES;
        }
        while month.year <= LAST_YEAR {
            let first = month.first_day();
            let shape = Shape {
                length: month.length(),
                begins_on: weekday(first),
            };
            let found = self.in_month(shape) & allowed;
            if found != 0 {
                return Some(first + i64::from(found.trailing_zeros()) - 1);
            }
            month = month.next_in(self.months);
            allowed = ALL_DATES;
        }
        None
    }

    /// Whether there is such a day at all. Every kind of month that is tried here comes up within 400 years.
    pub(crate) const fn ever_comes(&self) -> bool {
        let mut month = 1;
        while month <= 12 {
            if self.months & (1 << month) != 0 {
                let length = common_length(month);
                if self.comes_in(length) || (month == 2 && self.comes_in(length + 1)) {
                    return true;
                }
            }
            month += 1;
        }
        false
    }

    const fn comes_in(&self, length: u32) -> bool {
        let mut begins_on = 0;
        while begins_on < WEEKDAYS {
            if self.in_month(Shape { length, begins_on }) != 0 {
                return true;
            }
            begins_on += 1;
        }
        false
    }

    /// The dates of such a month: the bits 1 to 31.
    const fn in_month(&self, shape: Shape) -> u32 {
        if self.either {
            self.dates.in_month(shape) | self.weekdays.in_month(shape)
        } else {
            self.dates.in_month(shape) & self.weekdays.in_month(shape)
        }
    }
}

impl Dates {
    pub(crate) const ALL: Dates = Dates {
        days: ALL_DATES,
        nearest_workday: 0,
        last: false,
        last_workday: false,
    };

    const fn is_every_day(&self) -> bool {
        self.days == ALL_DATES
    }

    const fn in_month(&self, shape: Shape) -> u32 {
        let mut found = self.days & shape.dates();
        if self.last {
            found |= 1 << shape.length;
        }
        if self.last_workday {
            found |= 1 << shape.nearest_workday(shape.length);
        }
        // A month without the date has no slot for it.
        let mut nearest = self.nearest_workday & shape.dates();
        while nearest != 0 {
            found |= 1 << shape.nearest_workday(nearest.trailing_zeros());
            nearest &= nearest - 1;
        }
        found
    }
}

impl Weekdays {
    pub(crate) const ALL: Weekdays = Weekdays::every(ALL_WEEKDAYS);

    pub(crate) const fn every(weekdays: u8) -> Weekdays {
        Weekdays {
            every: weekdays,
            nth: [0; 5],
            last: 0,
        }
    }

    /// The weekdays for which it matters which one of their kind in the month they are.
    pub(crate) const fn places(&self) -> u8 {
        let [first, second, third, fourth, fifth] = self.nth;
        first | second | third | fourth | fifth | self.last
    }

    const fn is_every_day(&self) -> bool {
        self.every == ALL_WEEKDAYS
    }

    const fn in_month(&self, shape: Shape) -> u32 {
        if self.is_every_day() {
            return shape.dates();
        }
        let places = self.places();
        let mut found = 0;
        let mut left = self.every | places;
        while left != 0 {
            let weekday = left.trailing_zeros();
            left &= left - 1;
            let dates = shape.dates_of(weekday);
            if self.every & (1 << weekday) != 0 {
                found |= dates;
            } else if places & (1 << weekday) != 0 {
                found |= self.in_places(weekday, dates);
            }
        }
        found
    }

    /// The dates of a weekday that are the right ones of their kind in the month.
    const fn in_places(&self, weekday: u32, dates: u32) -> u32 {
        let mut found = 0;
        if self.last & (1 << weekday) != 0 {
            found |= 1 << dates.ilog2();
        }
        let mut n = 0;
        while n < self.nth.len() {
            if self.nth[n] & (1 << weekday) != 0 {
                found |= dates & (0b111_1111 << (7 * n + 1));
            }
            n += 1;
        }
        found
    }
}

impl Shape {
    /// The dates that the month has.
    const fn dates(self) -> u32 {
        ALL_DATES & (u32::MAX >> (31 - self.length))
    }

    /// The dates of a weekday.
    const fn dates_of(self, weekday: u32) -> u32 {
        const WEEKLY: u32 = 1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28;
        let first = 1 + (weekday + WEEKDAYS - self.begins_on) % WEEKDAYS;
        (WEEKLY << first) & self.dates()
    }

    /// The date from Monday to Friday that is nearest to `date`, in the same month.
    const fn nearest_workday(self, date: u32) -> u32 {
        match (self.begins_on + date - 1) % WEEKDAYS {
            6 if date == 1 => 3,
            6 => date - 1,
            0 if date == self.length => date - 2,
            0 => date + 1,
            _ => date,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(set: u32) -> Vec<u32> {
        (1..=31).filter(|date| set & (1 << date) != 0).collect()
    }

    #[test]
    fn workdays_stay_in_their_month() {
        // length, weekday of the first day, date => the workday
        for (length, begins_on, date, expected) in [
            (31, 6, 1, 3),   // the first is a Saturday
            (31, 0, 1, 2),   // the first is a Sunday
            (31, 5, 2, 1),   // the second is a Saturday
            (30, 6, 30, 28), // the last is a Sunday
            (30, 5, 30, 29), // the last is a Saturday
            (31, 1, 15, 15), // a Monday
        ] {
            let shape = Shape { length, begins_on };
            let nearest = shape.nearest_workday(date);
            assert_eq!(nearest, expected, "{length} {begins_on} {date}");
        }
    }

    #[test]
    fn weekdays_of_a_month() {
        // February 2024: 29 days from a Thursday.
        let shape = Shape {
            length: 29,
            begins_on: 4,
        };
        assert_eq!(dates(shape.dates_of(4)), [1, 8, 15, 22, 29]);
        assert_eq!(dates(shape.dates_of(3)), [7, 14, 21, 28]);
        let mut weekdays = Weekdays::every(0);
        weekdays.nth[4] = 1 << 4 | 1 << 3;
        weekdays.nth[0] = 1 << 0;
        weekdays.last = 1 << 3;
        assert_eq!(dates(weekdays.in_month(shape)), [4, 28, 29]);
    }

    #[test]
    fn dates_that_a_month_has_not_are_left_out() {
        let every = |days: u32, months| Days::new(months, Dates { days, ..Dates::ALL }, Weekdays::ALL, false);
        let months = |numbers: &[u32]| numbers.iter().fold(0, |set, number| set | 1 << number);
        assert!(!every(1 << 30, months(&[2])).ever_comes());
        assert!(!every(1 << 31, months(&[2, 4, 6, 9, 11])).ever_comes());
        assert!(every(1 << 29, months(&[2])).ever_comes());
        let leap_day = every(1 << 29, months(&[2]));
        let from = Month { year: 2096, number: 3 }.first_day();
        let found = leap_day.next_from(from).map(Month::of);
        assert_eq!(found, Some((Month { year: 2104, number: 2 }, 29)));
    }

    #[test]
    fn after_the_last_year_comes_nothing() {
        let every_day = Days::new(0b1_1111_1111_1110, Dates::ALL, Weekdays::ALL, false);
        let last = Month { year: 9999, number: 12 }.first_day() + 30;
        assert_eq!(every_day.next_from(last), Some(last));
        assert_eq!(every_day.next_from(last + 1), None);
    }
}
