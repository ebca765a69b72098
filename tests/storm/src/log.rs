//! The log of a round: it checks each record as it comes, and ends the process at the first violation.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::checker::{Checker, Source};
use crate::record::Record;

/// How many lines are kept, and how many of them are printed. All are written to a file.
const KEPT: usize = 20_000;
const PRINTED: usize = 200;

/// A call that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Log {
    /// Says which round this is, and how to repeat its decisions.
    heading: String,
    seed: u64,
    begin: Instant,
    book: Mutex<Book>,
    calls: Mutex<Calls>,
}

#[derive(Debug)]
struct Book {
    checker: Checker,
    lines: VecDeque<(Duration, String, Line)>,
}

#[derive(Debug)]
enum Line {
    Record(Record),
    Remark(String),
}

/// The calls of the library that have not returned.
#[derive(Debug, Default)]
struct Calls {
    next: u64,
    open: BTreeMap<u64, (Instant, String)>,
}

impl Log {
    /// The log of a new round. A thread watches its calls as long as the log is there.
    pub(crate) fn open(heading: String, seed: u64, source: Source) -> Arc<Log> {
        let log = Arc::new(Log {
            heading,
            seed,
            begin: Instant::now(),
            book: Mutex::new(Book {
                checker: Checker::new(source),
                lines: VecDeque::new(),
            }),
            calls: Mutex::default(),
        });
        let watched = Arc::downgrade(&log);
        thread::spawn(move || {
            while let Some(log) = watched.upgrade() {
                log.look_for_hanging_calls();
                drop(log);
                thread::sleep(Duration::from_millis(250));
            }
        });
        log
    }

    pub(crate) fn note(&self, record: Record) {
        let mut book = lock(&self.book);
        let verdict = book.checker.note(&record);
        self.keep(&mut book, Line::Record(record));
        if let Err(violation) = verdict {
            self.give_up(&book, &violation);
        }
    }

    /// Writes down what helps to read the records.
    pub(crate) fn remark(&self, text: String) {
        self.keep(&mut lock(&self.book), Line::Remark(text));
    }

    /// Ends the process: something is wrong that the checker does not see.
    pub(crate) fn fail(&self, violation: &str) -> ! {
        self.give_up(&lock(&self.book), violation)
    }

    /// Until the value that this returns is dropped, a call is in progress.
    pub(crate) fn call(self: &Arc<Log>, what: String) -> Call {
        self.remark(what.clone());
        let mut calls = lock(&self.calls);
        let number = calls.next;
        calls.next += 1;
        calls.open.insert(number, (Instant::now(), what));
        Call {
            log: Arc::clone(self),
            number,
        }
    }

    pub(crate) fn with_checker<T>(&self, look: impl FnOnce(&Checker) -> T) -> T {
        look(&lock(&self.book).checker)
    }

    fn keep(&self, book: &mut Book, line: Line) {
        if book.lines.len() == KEPT {
            book.lines.pop_front();
        }
        let thread = thread::current();
        let thread = thread
            .name()
            .map_or_else(|| format!("{:?}", thread.id()), str::to_owned);
        book.lines.push_back((self.begin.elapsed(), thread, line));
    }

    fn look_for_hanging_calls(&self) {
        let calls = lock(&self.calls);
        if calls.open.values().any(|(begin, _)| begin.elapsed() > PATIENCE) {
            let open: Vec<_> = calls.open.values().collect();
            self.fail(&format!("a call hangs: {open:#?}"));
        }
    }

    fn give_up(&self, book: &Book, violation: &str) -> ! {
        let mut text = String::new();
        for (time, thread, line) in &book.lines {
            let _ = match line {
                Line::Record(record) => writeln!(text, "{time:12.6?} {thread:18} {record:?}"),
                Line::Remark(remark) => writeln!(text, "{time:12.6?} {thread:18} -- {remark}"),
            };
        }
        let skipped = book.lines.len().saturating_sub(PRINTED);
        let tail: Vec<&str> = text.lines().skip(skipped).collect();
        let path = std::env::temp_dir().join(format!("atevery-storm-{}.log", self.seed));
        let written = std::fs::write(&path, format!("{text}{}\nviolation: {violation}\n", self.heading));
        eprintln!("{}\n\n{}\nviolation: {violation}", tail.join("\n"), self.heading);
        if written.is_ok() {
            eprintln!("the last {} lines are in {}", book.lines.len(), path.display());
        }
        std::process::exit(1);
    }
}

/// A call in progress.
#[derive(Debug)]
pub(crate) struct Call {
    log: Arc<Log>,
    number: u64,
}

impl Drop for Call {
    fn drop(&mut self) {
        lock(&self.log.calls).open.remove(&self.number);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
