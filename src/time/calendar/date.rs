//! The Gregorian calendar as arithmetic. A day is a number: days since 1 January 1970.

/// No schedule has a slot after this year.
pub(crate) const LAST_YEAR: i64 = 9_999;

/// The number of weekdays, from 0, which is Sunday, to 6.
pub(crate) const WEEKDAYS: u32 = 7;

/// The days of a 400-year cycle, after which the calendar repeats, weekdays included.
const DAYS_IN_CYCLE: i64 = 146_097;

/// The weekday of a day: 0 is Sunday.
pub(crate) const fn weekday(day: i64) -> u32 {
    // The epoch was a Thursday.
    (day + 4).rem_euclid(WEEKDAYS as i64) as u32
}

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month {
    pub(crate) year: i64,
    /// From 1 to 12.
    pub(crate) number: u32,
}

impl Month {
    /// The month of a day, and the day's number in the month, from 1.
    ///
    /// This is `civil_from_days` of Howard Hinnant, whose years begin in March. A leap day is then the last of its
    /// year.
    pub(crate) const fn of(day: i64) -> (Month, u32) {
        let from_march_of_year_0 = day + 719_468;
        let cycle = from_march_of_year_0.div_euclid(DAYS_IN_CYCLE);
        let of_cycle = from_march_of_year_0.rem_euclid(DAYS_IN_CYCLE);
        let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
        let of_year = of_cycle - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let date = of_year - (153 * from_march + 2) / 5 + 1;
        let number = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year + cycle * 400 + (number <= 2) as i64;
        let month = Month {
            year,
            number: number as u32,
        };
        (month, date as u32)
    }

    /// The first day of the month.
    pub(crate) const fn first_day(self) -> i64 {
        let from_march = (self.number as i64 + 9) % 12;
        let year = self.year - (self.number <= 2) as i64;
        let cycle = year.div_euclid(400);
        let of_cycle = year.rem_euclid(400);
        let of_year = (153 * from_march + 2) / 5;
        cycle * DAYS_IN_CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
    }

    /// The number of days of the month.
    pub(crate) const fn length(self) -> u32 {
        let is_leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        if self.number == 2 && is_leap {
            29
        } else {
            common_length(self.number)
        }
    }

    /// The next month whose number is in the set. The set must not be empty.
    pub(crate) const fn next_in(self, numbers: u16) -> Month {
        let later = numbers as u32 & (u32::MAX << (self.number + 1));
        if later != 0 {
            Month {
                year: self.year,
                number: later.trailing_zeros(),
            }
        } else {
            Month {
                year: self.year + 1,
                number: numbers.trailing_zeros(),
            }
        }
    }
}

/// The number of days of a month, in a year that is no leap year.
pub(crate) const fn common_length(month: u32) -> u32 {
    match month {
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        // day, year, month, date, weekday
        for (day, year, number, date, on) in [
            (0, 1970, 1, 1, 4),
            (-1, 1969, 12, 31, 3),
            (11_016, 2000, 2, 29, 2),
            (19_782, 2024, 2, 29, 4),
            (47_540, 2100, 2, 28, 0),
            (47_541, 2100, 3, 1, 1),
            (-719_528, 0, 1, 1, 6),
            (2_932_896, 9999, 12, 31, 5),
        ] {
            assert_eq!(Month::of(day), (Month { year, number }, date), "{day}");
            assert_eq!(weekday(day), on, "{day}");
        }
    }

    #[test]
    fn days_follow_each_other() {
        let mut expected = (Month { year: 1599, number: 12 }, 31);
        let first = Month { year: 1600, number: 1 }.first_day();
        for day in first..first + 2 * DAYS_IN_CYCLE {
            let (month, date) = expected;
            expected = if date < month.length() {
                (month, date + 1)
            } else {
                (month.next_in(0b1_1111_1111_1110), 1)
            };
            assert_eq!(Month::of(day), expected);
            assert_eq!(expected.0.first_day() + i64::from(expected.1) - 1, day);
        }
    }
}
