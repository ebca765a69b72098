//! Plots in SVG: figures by the number of jobs, both axes logarithmic, each line named at its end.

mod chart;

use crate::engines::{ALL, Kind, Known};
use crate::measurement::{Phase, Record, Scenario};
use crate::results::Results;

use self::chart::{Chart, Line};

/// The plots of a run, by file name. A plot without lines is left out.
pub fn all(results: &Results) -> Vec<(String, String)> {
    let bunched = |of| lines(results, Phase::Bunched, of);
    let spread = |of| lines(results, Phase::Spread, of);
    let charts = [
        ("cpu-bunched.svg", "CPU per run, jobs due together (ns)", bunched(cpu)),
        (
            "cpu-spread.svg",
            "CPU per run, jobs due at instants of their own (ns)",
            spread(cpu),
        ),
        ("memory.svg", "Memory per job (bytes)", bunched(memory)),
    ];
    let charts = charts
        .into_iter()
        .map(|(name, title, lines)| (name.to_owned(), Chart { title, lines }));
    charts
        .filter(|(_, chart)| !chart.lines.is_empty())
        .map(|(name, chart)| (name, chart.to_string()))
        .collect()
}

/// A figure of a measurement, by number of jobs.
type Figure = fn(&Record, usize) -> Option<f64>;

fn cpu(record: &Record, _jobs: usize) -> Option<f64> {
    record.cpu_per_run()
}

fn memory(record: &Record, jobs: usize) -> Option<f64> {
    Some(record.resident / jobs as f64)
}

fn lines(results: &Results, phase: Phase, of: Figure) -> Vec<Line> {
    let lines = ALL.iter().map(|known| Line {
        name: known.name,
        class: class(known),
        points: points(results, phase, known, of),
    });
    lines.filter(|line| !line.points.is_empty()).collect()
}

fn points(results: &Results, phase: Phase, known: &Known, of: Figure) -> Vec<(f64, f64)> {
    let jobs = results.jobs(Scenario::Load).into_iter();
    jobs.filter_map(|jobs| {
        let picked = results
            .pick(|it| (it.scenario, it.jobs, it.phase) == (Scenario::Load, jobs, phase) && it.engine == known.name);
        let value = picked.median(|record| of(record, jobs))?.value;
        (value > 0.0).then_some((jobs as f64, value))
    })
    .collect()
}

/// The hue stands for the runtime. Lines of `atevery` are bold, lines of the runtime's own loop are dashed.
fn class(known: &Known) -> String {
    let runtime = match known.name {
        name if name.ends_with("-ct") => "current-thread",
        name if name.contains("smol") => "smol",
        name if name.contains("async-std") => "async-std",
        _ => "tokio",
    };
    match known.kind {
        Kind::Atevery => format!("atevery {runtime}"),
        Kind::Loop => format!("loop {runtime}"),
        Kind::Floor => "floor".into(),
        Kind::Library | Kind::Python => "library".into(),
    }
}
