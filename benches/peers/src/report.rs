//! The tables of a run, as a page in Markdown with plots beside it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::Error;
use crate::builds;
use crate::engines::{ALL, Known};
use crate::measurement::{Body, Lateness, Measurement, Phase, Record, Scenario};
use crate::plot;
use crate::results::{Picked, Results};
use crate::table::{Table, count, figure};

/// Writes `report.md` and the plots for the results in `directory`.
pub fn write(directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory)?;
    let mut page = String::from("# What periodic jobs cost\n\n");
    if let Some(results) = Results::load(directory)? {
        page += &introduction(&results);
        for (name, plot) in plot::all(&results) {
            fs::write(directory.join(&name), plot)?;
            writeln!(page, "![{name}]({name})\n")?;
        }
        for section in sections(&results) {
            page += &section;
        }
    }
    if let Some(table) = builds::table(directory)? {
        page += &section("Dependencies and clean build", BUILDS, &table);
    }
    fs::write(directory.join("report.md"), page.trim_end().to_owned() + "\n")?;
    Ok(())
}

const BUILDS: &str = "Crates that come along, without the one itself; seconds of `cargo build --release` from nothing, \
    sources already downloaded.";

fn introduction(results: &Results) -> String {
    if results.short {
        return "Of the short form, whose measurements disturb each other: the figures mean nothing.\n\n".into();
    }
    let window = results.window.as_secs();
    format!(
        "{}. Jobs of 1 s, watched for {window} s; medians of up to {} runs, ± half their range. The README beside the \
         program says how each figure comes about.\n\n",
        results.machine, results.repeat
    )
}

fn sections(results: &Results) -> Vec<String> {
    let load = |phase, of: fn(&Picked<'_>) -> String| by_jobs(results, Scenario::Load, phase, of);
    let late = |phase| by_jobs(results, Scenario::Lateness, phase, lateness);
    let bunched = Phase::Bunched;
    let spread = Phase::Spread;
    let sections = [
        ("CPU, ns per run, bunched", CPU, load(bunched, cpu)),
        ("CPU, ns per run, spread", "", load(spread, cpu)),
        ("CPU against the same runtime's own loop", RATIO, ratios(results)),
        ("Runs done, of those due, bunched", "", load(bunched, done)),
        ("Runs done, of those due, spread", "", load(spread, done)),
        ("Memory, bytes per job", MEMORY, load(bunched, memory)),
        ("Memory, all in all at the peak, MB", "", load(bunched, peak)),
        (
            "Voluntary context switches per second, bunched",
            "",
            load(bunched, switches),
        ),
        (
            "Voluntary context switches per second, spread",
            "",
            load(spread, switches),
        ),
        (
            "Voluntary context switches per second, nothing due",
            IDLE,
            by_jobs(results, Scenario::Idle, bunched, switches),
        ),
        ("Lateness, ms p50 / p99 / max, bunched", LATENESS, late(bunched)),
        ("Lateness, ms p50 / p99 / max, spread", "", late(spread)),
        (
            "Drift, µs per run",
            DRIFT,
            by_jobs(results, Scenario::Lateness, bunched, drift),
        ),
        ("Register / stop, seconds", "", load(bunched, register_and_stop)),
        ("Jobs that wait, CPU, ns per run", AWAITS, awaits(results)),
        ("Resolution, CPU, ns per run", RESOLUTION, resolution(results)),
        (
            "Heartbeat of 1 ms, longest gap, ms",
            HEARTBEAT,
            by_jobs(results, Scenario::Heartbeat, bunched, gap),
        ),
        (
            "Allocations per run, bunched",
            ALLOCATIONS,
            by_jobs(results, Scenario::Allocations, bunched, allocations),
        ),
        (
            "Allocations per run, spread",
            "",
            by_jobs(results, Scenario::Allocations, spread, allocations),
        ),
    ];
    let filled = sections.into_iter().filter(|(_, _, table)| !table.is_empty());
    filled
        .map(|(title, text, table)| section(title, text, &table))
        .collect()
}

const CPU: &str = "User and system time of the whole process. In brackets the part of the due runs that was done, where \
    that isn't all.";
const RATIO: &str = "`atevery` divided by the loop that spawns a task for each job; in brackets, by the floor.";
const MEMORY: &str = "Resident memory that came with the jobs, in the steady state.";
const IDLE: &str = "Jobs of 60 s, none of them due.";
const LATENESS: &str = "After the tick for `atevery` and `limit-live`; after the scheduled instant for the loops; for the others after \
    the instant that the job's first run leads one to expect.";
const DRIFT: &str =
    "How much more than one interval lies between the beginnings of a job's runs, in the median of the jobs.";
const AWAITS: &str = "Each run sleeps for 5 ms, or yields once. Bunched.";
const RESOLUTION: &str = "Ticks of 1 ms against ticks of 50 ms.";
const HEARTBEAT: &str = "A task on the same two workers that sleeps for 1 ms again and again.";
const ALLOCATIONS: &str = "In the steady state, executor and timers included.";

fn section(title: &str, text: &str, table: &Table) -> String {
    let text = if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n\n")
    };
    format!("## {title}\n\n{text}{table}\n")
}

/// A row for each engine, a column for each number of jobs.
fn by_jobs(results: &Results, scenario: Scenario, phase: Phase, cell: impl Fn(&Picked<'_>) -> String) -> Table {
    let jobs = results.jobs(scenario);
    let mut table = table_by(&jobs);
    for known in ALL {
        let cells = jobs
            .iter()
            .map(|jobs| cell(&results.pick(|it| is(it, scenario, known, *jobs) && it.phase == phase)));
        table.row(known.name, cells.collect());
    }
    table
}

fn table_by(jobs: &[usize]) -> Table {
    Table::new(std::iter::once("engine".to_owned()).chain(jobs.iter().map(|jobs| count(*jobs))))
}

fn is(measurement: &Measurement, scenario: Scenario, known: &Known, jobs: usize) -> bool {
    measurement.scenario == scenario && measurement.engine == known.name && measurement.jobs == jobs
}

fn cpu(picked: &Picked<'_>) -> String {
    let Some(cpu) = picked.median(Record::cpu_per_run) else {
        return picked.excuse().into();
    };
    let mut cell = figure(cpu.value);
    if cpu.spread > 0.0 {
        cell += &format!(" ±{:.0}%", cpu.spread * 100.0);
    }
    if let Some(done) = picked.median(Record::done).filter(|done| done.value < 0.995) {
        cell += &format!(" ({:.0}%)", done.value * 100.0);
    }
    cell
}

fn ratios(results: &Results) -> Table {
    let jobs = results.jobs(Scenario::Load);
    let mut table = table_by(&jobs);
    for known in ALL {
        let Some(rival) = known.rival else { continue };
        for phase in [Phase::Bunched, Phase::Spread] {
            let cpu = |engine: &str, jobs: usize| {
                let wanted = |it: &Measurement| (it.scenario, it.jobs, it.phase) == (Scenario::Load, jobs, phase);
                let picked = results.pick(|it| wanted(it) && it.engine == engine);
                picked.median(Record::cpu_per_run).map(|cpu| cpu.value)
            };
            let cells = jobs.iter().map(|jobs| {
                let own = cpu(known.name, *jobs);
                let to = |other| Some(figure(own? / cpu(other, *jobs)?));
                match (to(rival), to("limit-live")) {
                    (Some(rival), Some(floor)) => format!("{rival} ({floor})"),
                    (rival, floor) => rival.or(floor.map(|floor| format!("({floor})"))).unwrap_or_default(),
                }
            });
            let name = format!("{} : {rival}, {phase:?}", known.name).to_lowercase();
            table.row(&name, cells.collect());
        }
    }
    table
}

fn done(picked: &Picked<'_>) -> String {
    median(picked, Record::done, |done| format!("{:.1}%", done * 100.0))
}

fn memory(picked: &Picked<'_>) -> String {
    let jobs = picked.jobs();
    median(picked, |record| Some(record.resident / jobs as f64), figure)
}

fn peak(picked: &Picked<'_>) -> String {
    median(picked, |record| Some(record.peak), |bytes| figure(bytes / 1e6))
}

fn switches(picked: &Picked<'_>) -> String {
    median(picked, |record| Some(record.switches), figure)
}

fn lateness(picked: &Picked<'_>) -> String {
    let part = |of: fn(&Lateness) -> f64| {
        median(
            picked,
            |record| record.lateness.as_ref().map(of),
            |nanos| figure(nanos / 1e6),
        )
    };
    let parts = [part(|late| late.p50), part(|late| late.p99), part(|late| late.max)];
    if parts[0] == picked.excuse() {
        return parts[0].clone();
    }
    parts.join(" / ")
}

fn drift(picked: &Picked<'_>) -> String {
    median(
        picked,
        |record| Some(record.lateness?.drift),
        |nanos| figure(nanos / 1e3),
    )
}

fn register_and_stop(picked: &Picked<'_>) -> String {
    let register = median(picked, |record| Some(record.register), seconds);
    let stop = median(picked, |record| Some(record.stop), seconds);
    if register == picked.excuse() {
        return register;
    }
    format!("{register} / {stop}")
}

fn seconds(value: f64) -> String {
    format!("{value:.4}")
}

fn awaits(results: &Results) -> Table {
    let jobs = results.jobs(Scenario::Awaits);
    let mut table = table_by(&jobs);
    for body in [Body::Sleep, Body::Yield] {
        for known in ALL {
            let cells = jobs
                .iter()
                .map(|jobs| cpu(&results.pick(|it| is(it, Scenario::Awaits, known, *jobs) && it.body == body)));
            let name = format!("{}, {}", known.name, format!("{body:?}").to_lowercase());
            table.row(&name, cells.collect());
        }
    }
    table
}

fn resolution(results: &Results) -> Table {
    let mut table = Table::new(["engine", "jobs", "1 ms", "50 ms", "ratio"]);
    for jobs in results.jobs(Scenario::Resolution) {
        for known in ALL {
            for phase in [Phase::Bunched, Phase::Spread] {
                let with = |tick: u128| {
                    results.pick(|it| {
                        let ticks = it.resolution.is_some_and(|resolution| resolution.as_millis() == tick);
                        is(it, Scenario::Resolution, known, jobs) && it.phase == phase && ticks
                    })
                };
                let (fine, usual) = (with(1), with(50));
                let medians = fine.median(Record::cpu_per_run).zip(usual.median(Record::cpu_per_run));
                let ratio = medians
                    .map(|(fine, usual)| figure(fine.value / usual.value))
                    .unwrap_or_default();
                let jobs = if fine.is_empty() { String::new() } else { count(jobs) };
                let name = format!("{}, {phase:?}", known.name).to_lowercase();
                table.row(&name, vec![jobs, cpu(&fine), cpu(&usual), ratio]);
            }
        }
    }
    table
}

fn gap(picked: &Picked<'_>) -> String {
    median(picked, |record| record.gap, |nanos| figure(nanos / 1e6))
}

fn allocations(picked: &Picked<'_>) -> String {
    let per_run = |record: &Record| Some(record.allocations? as f64 / record.runs as f64);
    median(picked, per_run, |allocations| format!("{allocations:.3}"))
}

fn median(picked: &Picked<'_>, of: impl Fn(&Record) -> Option<f64>, show: impl Fn(f64) -> String) -> String {
    picked
        .median(of)
        .map_or_else(|| picked.excuse().into(), |median| show(median.value))
}
