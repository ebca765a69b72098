//! One chart as SVG, written by hand, so that no crate is needed.

use std::fmt::{self, Formatter};

pub struct Chart {
    pub title: &'static str,
    pub lines: Vec<Line>,
}

pub struct Line {
    pub name: &'static str,
    /// Classes of the style sheet.
    pub class: String,
    /// All coordinates are above zero. Points are in the order of the first coordinate.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 560.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 660.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 510.0;
/// The distance between the names at the ends of lines.
const LINE_HEIGHT: f64 = 17.0;

const STYLE: &str = "
    text { font: 13px system-ui, sans-serif; fill: #24292f; }
    .paper { fill: #ffffff; }
    .title { font-size: 16px; font-weight: 600; }
    .quiet { fill: #57606a; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .leader { stroke: currentColor; stroke-width: 0.7; fill: none; }
    .line { stroke: currentColor; stroke-width: 1.3; stroke-linejoin: round; fill: none; }
    .name { fill: currentColor; }
    .line.atevery { stroke-width: 3; }
    .line.loop { stroke-dasharray: 6 4; stroke-width: 1.8; }
    .line.floor { stroke-dasharray: 2 3; stroke-width: 1.8; }
    .name.atevery { font-weight: 600; }
    .library { color: #6e7781; }
    .floor { color: #24292f; }
    .tokio { color: #0969da; }
    .current-thread { color: #8250df; }
    .smol { color: #1a7f37; }
    .async-std { color: #bc4c00; }
    @media (prefers-color-scheme: dark) {
        text { fill: #e6edf3; }
        .paper { fill: #0d1117; }
        .quiet { fill: #9198a1; }
        .grid { stroke: #2a313c; }
        .name { fill: currentColor; }
        .library { color: #9198a1; }
        .floor { color: #e6edf3; }
        .tokio { color: #58a6ff; }
        .current-thread { color: #bc8cff; }
        .smol { color: #3fb950; }
        .async-std { color: #f0883e; }
    }
";

const KEY: &str = "bold: atevery · dashed: the same runtime's own interval, a task for each job · thin: libraries · dotted: the floor";

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">"#
        )?;
        writeln!(f, "<title>{}</title>\n<style>{STYLE}</style>", self.title)?;
        writeln!(f, r#"<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>"#)?;
        writeln!(f, r#"<text class="title" x="20" y="28">{}</text>"#, self.title)?;
        writeln!(f, r#"<text class="quiet" x="20" y="50">{KEY}</text>"#)?;
        let axes = Axes::around(&self.lines);
        axes.write(f)?;
        self.write_lines(f, &axes)?;
        writeln!(f, "</svg>")
    }
}

impl Chart {
    fn write_lines(&self, f: &mut Formatter<'_>, axes: &Axes) -> fmt::Result {
        let mut ends: Vec<End> = self.lines.iter().map(|line| End::of(line, axes)).collect();
        ends.sort_unstable_by(|one, other| one.y.total_cmp(&other.y));
        move_apart(&mut ends);
        for End { line, x, y, label } in &ends {
            let class = &line.class;
            let (bend, edge) = (RIGHT + 8.0, RIGHT + 20.0);
            writeln!(
                f,
                r#"<path class="leader {class}" d="M{x:.1} {y:.1}H{bend}L{edge} {label:.1}"/>"#
            )?;
        }
        for line in &self.lines {
            let points: Vec<String> = line.points.iter().map(|point| axes.place(*point)).collect();
            let class = &line.class;
            writeln!(f, r#"<polyline class="line {class}" points="{}"/>"#, points.join(" "))?;
        }
        for End { line, label, .. } in &ends {
            let (x, y) = (RIGHT + 25.0, label + 4.5);
            writeln!(
                f,
                r#"<text class="name {}" x="{x}" y="{y:.1}">{}</text>"#,
                line.class, line.name
            )?;
        }
        Ok(())
    }
}

/// The end of a line, and the position of its name.
struct End<'a> {
    line: &'a Line,
    x: f64,
    y: f64,
    label: f64,
}

impl<'a> End<'a> {
    fn of(line: &'a Line, axes: &Axes) -> End<'a> {
        let (x, y) = line
            .points
            .last()
            .map_or((RIGHT, BOTTOM), |point| (axes.x(point.0), axes.y(point.1)));
        End { line, x, y, label: y }
    }
}

/// Names must not overlap. Names that would overlap are stacked, and the stack lies at the average of their wanted
/// positions.
fn move_apart(ends: &mut [End<'_>]) {
    let mut stacks: Vec<Stack> = Vec::new();
    for end in ends.iter() {
        let mut stack = Stack { top: end.y, names: 1.0 };
        while let Some(above) = stacks.pop_if(|above| above.bottom() > stack.top) {
            stack = above.joined_by(stack);
        }
        stacks.push(stack);
    }
    let places = stacks
        .iter()
        .flat_map(|stack| (0..stack.names as u32).map(|at| stack.top + f64::from(at) * LINE_HEIGHT));
    for (end, place) in ends.iter_mut().zip(places) {
        end.label = place;
    }
}

struct Stack {
    /// The position of the first name.
    top: f64,
    names: f64,
}

impl Stack {
    fn bottom(&self) -> f64 {
        self.top + self.names * LINE_HEIGHT
    }

    fn joined_by(self, below: Stack) -> Stack {
        let names = self.names + below.names;
        let wanted = below.top - self.names * LINE_HEIGHT;
        Stack {
            top: (self.top * self.names + wanted * below.names) / names,
            names,
        }
    }
}

/// The powers of ten at the ends of the axes.
struct Axes {
    horizontal: (i32, i32),
    vertical: (i32, i32),
}

impl Axes {
    fn around(lines: &[Line]) -> Axes {
        let points = || lines.iter().flat_map(|line| &line.points);
        Axes {
            horizontal: powers(points().map(|point| point.0)),
            vertical: powers(points().map(|point| point.1)),
        }
    }

    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for power in self.horizontal.0..=self.horizontal.1 {
            let x = self.x(10_f64.powi(power));
            writeln!(f, r#"<path class="grid" d="M{x:.1} {TOP}V{BOTTOM}"/>"#)?;
            let y = BOTTOM + 18.0;
            writeln!(
                f,
                r#"<text class="quiet" x="{x:.1}" y="{y}" text-anchor="middle">{}</text>"#,
                label(power)
            )?;
        }
        for power in self.vertical.0..=self.vertical.1 {
            let y = self.y(10_f64.powi(power));
            writeln!(f, r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/>"#)?;
            let (x, y) = (LEFT - 8.0, y + 4.5);
            writeln!(
                f,
                r#"<text class="quiet" x="{x}" y="{y:.1}" text-anchor="end">{}</text>"#,
                label(power)
            )?;
        }
        let (x, y) = (f64::midpoint(LEFT, RIGHT), BOTTOM + 38.0);
        writeln!(
            f,
            r#"<text class="quiet" x="{x}" y="{y}" text-anchor="middle">jobs of 1 s</text>"#
        )
    }

    fn place(&self, point: (f64, f64)) -> String {
        format!("{:.1},{:.1}", self.x(point.0), self.y(point.1))
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + along(value, self.horizontal) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - along(value, self.vertical) * (BOTTOM - TOP)
    }
}

/// The position of a value on an axis: 0 at the beginning, 1 at the end.
fn along(value: f64, (from, to): (i32, i32)) -> f64 {
    (value.log10() - f64::from(from)) / f64::from(to - from)
}

fn powers(values: impl Iterator<Item = f64>) -> (i32, i32) {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| {
        (least.min(value), most.max(value))
    });
    let from = least.log10().floor() as i32;
    (from, (most.log10().ceil() as i32).max(from + 1))
}

fn label(power: i32) -> String {
    const NAMES: [&str; 10] = ["1", "10", "100", "1k", "10k", "100k", "1M", "10M", "100M", "1G"];
    let name = usize::try_from(power).ok().and_then(|power| NAMES.get(power));
    name.map_or_else(|| format!("1e{power}"), |name| (*name).to_owned())
}
