//! Replays recorded scenarios of the Python package on virtual time, through the public API, and compares the traces.
//!
//! The records are the `*.jsonl` files in this folder. README.md describes them.

mod compare;
mod player;
mod record;

use std::fs;
use std::path::Path;

use record::Record;

/// The number of records that a file must hold. A file that is not named here must hold at least one record.
const COUNTS: [(&str, usize); 1] = [("python.jsonl", 66)];

#[test]
fn every_trace_matches() {
    let records = all_records();
    let differences: Vec<String> = records
        .iter()
        .filter_map(|record| {
            let trace = player::play(&record.scenario);
            let difference = compare::compare(record, &trace).err()?;
            Some(format!("{} ({})\n{difference}", record.name, record.note))
        })
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} traces differ:\n\n{}",
        differences.len(),
        records.len(),
        differences.join("\n")
    );
}

/// The records of all files. Panics if a file has too few records.
fn all_records() -> Vec<Record> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of the records can be read")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    for (name, _) in COUNTS {
        assert!(files.contains(&folder.join(name)), "{name} is missing");
    }
    files.iter().flat_map(|file| records_of(file)).collect()
}

fn records_of(file: &Path) -> Vec<Record> {
    let text = fs::read_to_string(file).expect("a file of records can be read");
    let records: Vec<Record> = text
        .lines()
        .enumerate()
        .map(|(index, line)| match serde_json::from_str(line) {
            Ok(record) => record,
            Err(error) => panic!("{}, line {}: {error}", file.display(), index + 1),
        })
        .collect();
    assert!(!records.is_empty(), "{} is empty", file.display());
    for (name, count) in COUNTS {
        assert!(
            !file.ends_with(name) || records.len() == count,
            "{name} holds {} records, not {count}",
            records.len()
        );
    }
    records
}
