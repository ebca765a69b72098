//! The results of a run.

use std::fmt;

/// The cells of a line, and the violations.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    cells: Vec<String>,
    violations: Vec<String>,
}

impl Findings {
    pub(crate) fn report(&mut self, cell: impl Into<String>) {
        self.cells.push(cell.into());
    }

    /// Demands that `holds`. If not, notes `violation`.
    pub(crate) fn demand(&mut self, holds: bool, violation: impl Into<String>) {
        if !holds {
            self.violations.push(violation.into());
        }
    }

    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.violations.len() {
            0 => "ok".to_owned(),
            count => format!("**{count} violations**"),
        };
        write!(f, "| {} | {verdict} |", self.cells.join(" | "))
    }
}
