//! Random cron expressions, each with its meaning as plain conditions.

use jiff::civil::{Date, Weekday};

/// A linear congruential generator. A seed gives the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D);
        random.below(1);
        random
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = self.0 ^ (self.0 >> 29);
        (mixed >> 16) % limit
    }

    pub(crate) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first + 1) as u64) as i64
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

/// A field of plain numbers.
struct Field {
    text: String,
    values: Vec<u32>,
}

enum DateRule {
    Is(Vec<u32>),
    Last,
    LastWorkday,
    NearestWorkday(u32),
}

enum WeekdayRule {
    Is(Vec<u32>),
    Nth(u32, u32),
    Last(u32),
}

pub(crate) struct Schedule {
    pub(crate) text: String,
    pub(crate) is_rhythm: bool,
    /// For each second of a day, whether it matches.
    times: Vec<bool>,
    months: Vec<u32>,
    date: DateRule,
    weekday: WeekdayRule,
    both: bool,
}

impl Schedule {
    pub(crate) fn random(random: &mut Random) -> Schedule {
        let is_appointment = random.one_in(2);
        let has_seconds = random.one_in(4);
        let mut time = |most, early| {
            if is_appointment {
                Field::plain(random, early)
            } else {
                Field::random(random, 0, most, 3)
            }
        };
        let (seconds, minutes, hours) = (has_seconds.then(|| time(59, 59)), time(59, 59), time(23, 3));
        // Many days, so that the change of a clock lies on one of them.
        let months = if random.one_in(2) {
            Field::all(1, 12)
        } else {
            Field::random(random, 1, 12, 1)
        };
        let (date_text, date) = DateRule::random(random);
        let (mut weekday_text, weekday) = WeekdayRule::random(random);
        let has_plus = random.one_in(4);
        if has_plus {
            weekday_text.insert(0, '+');
        }
        let both = has_plus || date_text.starts_with(['*', '?']) || weekday_text.starts_with(['*', '?']);
        let mut time_text = format!("{} {}", minutes.text, hours.text);
        if let Some(seconds) = &seconds {
            time_text = format!("{} {time_text}", seconds.text);
        }
        Schedule {
            is_rhythm: time_text.contains(['*', '-', '/']),
            text: format!("{time_text} {date_text} {} {weekday_text}", months.text),
            times: times(
                &seconds.map_or(vec![0], |seconds| seconds.values),
                &minutes.values,
                &hours.values,
            ),
            months: months.values,
            date,
            weekday,
            both,
        }
    }

    pub(crate) fn has_time(&self, second: u32) -> bool {
        self.times[second as usize]
    }

    pub(crate) fn has_day(&self, date: Date) -> bool {
        if !self.months.contains(&(date.month() as u32)) {
            return false;
        }
        let by_date = self.date.has(date);
        let by_weekday = self.weekday.has(date);
        if self.both {
            by_date && by_weekday
        } else {
            by_date || by_weekday
        }
    }

    /// Whether no day of 28 years matches. Each kind of month comes up in these years.
    pub(crate) fn never_comes(&self) -> bool {
        let first = jiff::civil::date(2001, 1, 1);
        let days = first.series(jiff::Span::new().days(1)).take(28 * 366);
        !days.into_iter().any(|date| self.has_day(date))
    }
}

fn times(seconds: &[u32], minutes: &[u32], hours: &[u32]) -> Vec<bool> {
    let mut times = vec![false; 86_400];
    for hour in hours {
        for minute in minutes {
            seconds
                .iter()
                .for_each(|second| times[(hour * 3_600 + minute * 60 + second) as usize] = true);
        }
    }
    times
}

impl Field {
    fn all(least: u32, most: u32) -> Field {
        Field {
            text: "*".to_owned(),
            values: (least..=most).collect(),
        }
    }

    /// A list of numbers up to 59, or of early hours, at which most clocks are changed, and a late one.
    fn plain(random: &mut Random, most: u32) -> Field {
        let mut values: Vec<u32> = (0..random.between(1, 4))
            .map(|_| random.between(0, most.into()) as u32)
            .collect();
        if most < 23 && random.one_in(2) {
            values.push(random.between(4, 23) as u32);
        }
        let text: Vec<String> = values.iter().map(u32::to_string).collect();
        Field {
            text: text.join(","),
            values,
        }
    }

    /// A single star in one of `stars` fields.
    fn random(random: &mut Random, least: u32, most: u32, stars: u64) -> Field {
        let items = if random.one_in(stars + 1) {
            random.between(2, 3)
        } else {
            1
        };
        let mut field = Field {
            text: String::new(),
            values: Vec::new(),
        };
        for _ in 0..items {
            field.add(random, least, most);
        }
        field
    }

    fn add(&mut self, random: &mut Random, least: u32, most: u32) {
        let first = random.between(least.into(), most.into()) as u32;
        let last = random.between(first.into(), most.into()) as u32;
        let step = random.between(1, i64::from(most - least + 1)) as u32;
        let (text, range, step) = match random.below(8) {
            0 | 1 => ("*".to_owned(), least..=most, 1),
            2 => (format!("{first}-{last}"), first..=last, 1),
            3 => (format!("{first}-{last}/{step}"), first..=last, step),
            4 => (format!("*/{step}"), least..=most, step),
            5 => (format!("{first}/{step}"), first..=most, step),
            _ => (first.to_string(), first..=first, 1),
        };
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text += &text;
        self.values.extend(range.step_by(step as usize));
    }
}

impl DateRule {
    fn random(random: &mut Random) -> (String, DateRule) {
        match random.below(12) {
            0 => ("L".to_owned(), DateRule::Last),
            1 => ("lw".to_owned(), DateRule::LastWorkday),
            2 => {
                let date = random.between(1, 31) as u32;
                (format!("{date}W"), DateRule::NearestWorkday(date))
            }
            3..=7 => ("?".to_owned(), DateRule::Is((1..=31).collect())),
            _ => {
                let field = Field::random(random, 1, 31, 3);
                (field.text, DateRule::Is(field.values))
            }
        }
    }

    fn has(&self, date: Date) -> bool {
        let is = |other: Option<Date>| other == Some(date);
        match self {
            DateRule::Is(dates) => dates.contains(&(date.day() as u32)),
            DateRule::Last => date.day() == date.days_in_month(),
            DateRule::LastWorkday => is(workday_until(date.last_of_month())),
            DateRule::NearestWorkday(day) => match date.with().day(*day as i8).build() {
                Ok(wanted) => is(nearest_workday(wanted)),
                Err(_) => false,
            },
        }
    }
}

impl WeekdayRule {
    fn random(random: &mut Random) -> (String, WeekdayRule) {
        const NAMES: [&str; 8] = ["SUN", "mon", "Tue", "wed", "thu", "FRI", "sat", "sun"];
        let day = random.below(8) as usize;
        match random.below(12) {
            0 => {
                let nth = random.between(1, 5) as u32;
                (format!("{}#{nth}", NAMES[day]), WeekdayRule::Nth(day as u32 % 7, nth))
            }
            1 => (format!("{day}L"), WeekdayRule::Last(day as u32 % 7)),
            2 => (NAMES[day].to_owned(), WeekdayRule::Is(vec![day as u32 % 7])),
            3..=8 => ("*".to_owned(), WeekdayRule::Is((0..7).collect())),
            _ => {
                let field = Field::random(random, 0, 6, 3);
                // A start with a step ends on 7, which is Sunday.
                let steps = field.text.split(',').filter_map(|item| item.split_once('/'));
                let values = steps.filter_map(|(start, step)| {
                    let (start, step): (u32, u32) = (start.parse().ok()?, step.parse().ok()?);
                    ((7 - start) % step == 0).then_some(0)
                });
                let values = field.values.iter().copied().chain(values).collect();
                (field.text.clone(), WeekdayRule::Is(values))
            }
        }
    }

    fn has(&self, date: Date) -> bool {
        let on = date.weekday().to_sunday_zero_offset() as u32;
        match self {
            WeekdayRule::Is(weekdays) => weekdays.contains(&on),
            WeekdayRule::Nth(weekday, nth) => on == *weekday && (date.day() as u32).div_ceil(7) == *nth,
            WeekdayRule::Last(weekday) => on == *weekday && date.day() + 7 > date.days_in_month(),
        }
    }
}

fn is_workday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

fn workday_until(mut date: Date) -> Option<Date> {
    while !is_workday(date) {
        date = date.yesterday().ok()?;
    }
    Some(date)
}

/// The nearest workday in the same month: a day away if there is one, else two.
fn nearest_workday(wanted: Date) -> Option<Date> {
    let month = wanted.month();
    [0, -1, 1, -2, 2]
        .into_iter()
        .filter_map(|days| wanted.checked_add(jiff::Span::new().days(days)).ok())
        .find(|date| date.month() == month && is_workday(*date))
}
