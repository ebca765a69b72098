//! The status as a table.

use super::*;

#[test]
fn as_a_person_reads_it() {
    let world = World::new();
    world.every(1_000).name("beat").run(|| Err("no pulse")).unwrap();
    world.taking("sweep", 60_000, 1_500);
    world
        .every(5_000)
        .name("upload")
        .run(std::future::pending::<()>)
        .unwrap();
    world.noting("later", 100).pause();
    world.start();
    world.advance(2_500);
    let expected = "\
job     state    schedule  runs  failed  panicked  timed out  retries  missed  held   last run  took  mean  late   next  last error
beat    waiting  1s           3       3         0          0        0       0     0  500ms ago   0ns   0ns   0ns  500ms  no pulse
sweep   waiting  1m           1       0         0          0        0       0     0   2.5s ago  1.5s  1.5s   0ns  57.5s
upload  running  5s           1       0         0          0        0       0     0   2.5s ago     -     -     -   2.5s
later   paused   100ms        0       0         0          0        0       0     0          -     -     -     -      -
running: 4 jobs, 1 of them running; 5 runs, 3 of them failed";
    assert_eq!(world.scheduler.status().to_string(), expected);
}

#[test]
fn of_a_scheduler_that_never_ran() {
    let world = World::new();
    world.noting("beat", 1_000);
    world.scheduler.every(Duration::MAX).name("once").run(|| ()).unwrap();
    let first = world.every(1_000).first_run(FirstRun::AfterInterval);
    first.name("later").run(|| ()).unwrap();
    let expected = "\
job    state    schedule  runs  failed  panicked  timed out  retries  missed  held  last run  took  mean  late  next  last error
beat   waiting  1s           0       0         0          0        0       0     0         -     -     -     -   now
once   waiting  never        0       0         0          0        0       0     0         -     -     -     -   now
later  waiting  1s           0       0         0          0        0       0     0         -     -     -     -    1s
stopped: 3 jobs, 0 of them running; 0 runs, 0 of them failed";
    assert_eq!(world.scheduler.status().to_string(), expected);
    world.start();
    let text = world.scheduler.status().to_string();
    let once: Vec<_> = text.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(
        (once[0], once[2], *once.last().unwrap()),
        ("once", "never", "-"),
        "{text}"
    );
}

#[test]
fn a_run_that_is_tried_again_is_counted_beside_its_error() {
    let world = World::new();
    let mut attempts = 0;
    let target = move || {
        attempts += 1;
        if attempts < 3 { Err("no pulse") } else { Ok(()) }
    };
    let builder = world.every(1_000).name("a").retry(|| [ms(1), ms(1)]);
    builder.run(target).unwrap();
    world.start();
    world.advance(10);
    let text = world.scheduler.status().to_string();
    let (titles, row) = (text.lines().next().unwrap(), text.lines().nth(1).unwrap());
    let end = titles.find("retries").unwrap() + "retries".len();
    assert_eq!(&row[end - 2..end], " 2", "{text}");
    assert!(row.ends_with("  no pulse"), "{text}");
}

#[test]
fn columns_are_those_of_a_terminal() {
    let names = [
        ("beat", 4),
        ("日本", 4),
        ("ｱｲｳ", 3),
        ("한국어", 6),
        ("한", 2),
        ("e\u{301}te\u{301}", 3),
        ("กำลัง", 4),
        ("✓ ok", 4),
        ("⏰ alarm", 8),
        ("👍🏽", 2),
        ("❤\u{fe0f}", 2),
        ("👩\u{200d}👩\u{200d}👧", 2),
        ("🇩🇪🇫🇷", 4),
        ("Ｆｕｌｌ", 8),
        ("no\u{200b}thing", 15),
    ];
    let world = World::new();
    for (name, _) in names {
        world.every(100).name(name).run(|| ()).unwrap();
    }
    let text = world.scheduler.status().to_string();
    let widest = names.iter().map(|(_, columns)| *columns).max().unwrap();
    for ((name, columns), line) in names.iter().zip(text.lines().skip(1)) {
        let (shown, _) = line.split_once("waiting").unwrap();
        let spaces = shown.len() - shown.trim_end().len();
        assert_eq!(spaces, widest - columns + 2, "{name:?}\n{text}");
    }
}

#[test]
fn what_nobody_can_see_is_escaped() {
    let unseen = [
        '\u{ad}',
        '\u{34f}',
        '\u{115f}',
        '\u{180e}',
        '\u{200b}',
        '\u{2060}',
        '\u{2064}',
        '\u{2800}',
        '\u{3164}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0041}',
    ];
    for unseen in unseen {
        let world = World::new();
        let name = format!("a{unseen}b");
        world.every(100).name(name).run(|| ()).unwrap();
        let text = world.scheduler.status().to_string();
        let row = text.lines().nth(1).unwrap();
        assert!(row.starts_with(&format!("a{}b ", unseen.escape_unicode())), "{text}");
    }
}

#[test]
fn of_one_job() {
    let world = World::new();
    let job = world.noting("a", 100);
    world.start();
    let text = job.status().to_string();
    assert_eq!(text.lines().count(), 2);
    assert!(
        !text.ends_with('\n') && text.lines().nth(1).unwrap().starts_with("a    waiting  100ms"),
        "{text}"
    );
}

#[test]
fn columns_are_aligned_whatever_is_in_names_and_errors() {
    let world = World::new();
    let names = [
        "a",
        "",
        "a name that is much longer than all the others",
        "Zoë",
        "two\nlines",
        "tab\tand \u{1b}[31mred",
        "it's \"quoted\"",
    ];
    for (number, name) in names.into_iter().enumerate() {
        let job = world.every(100 * 7_u64.pow(u32::try_from(number).unwrap()));
        job.name(name).run(move || Err(name)).unwrap();
    }
    world.start();
    world.advance(123_456);
    let text = world.scheduler.status().to_string();
    let padded = |line: &str| format!("{line:<200}").chars().collect();
    let lines: Vec<Vec<char>> = text.lines().map(padded).collect();
    assert_eq!(lines.len(), names.len() + 2, "{text}");
    let titles: String = lines[0].iter().collect();
    for line in &lines[1..=names.len()] {
        assert!(!line.iter().any(|c| c.is_control()), "{text}");
        for title in ["state", "schedule", "last error"] {
            let begin = titles.find(title).unwrap();
            assert_eq!(line[begin - 2..begin], [' '; 2], "{title}\n{text}");
            let is_empty = line[begin..].iter().all(|c| *c == ' ');
            assert!(is_empty || line[begin] != ' ', "{title}\n{text}");
        }
        for title in [
            "runs",
            "failed",
            "panicked",
            "timed out",
            "retries",
            "missed",
            "held",
            "last run",
            "took",
            "mean",
            "late",
            "next",
        ] {
            let end = titles.find(title).unwrap() + title.len();
            assert_eq!(line[end..end + 2], [' '; 2], "{title}\n{text}");
            assert!(line[end - 1] != ' ', "{title}\n{text}");
        }
    }
    for shown in ["\ntwo\\nlines ", "\ntab\\tand \\u{1b}[31mred ", "\nit's \"quoted\" "] {
        assert!(text.contains(shown), "{shown}\n{text}");
    }
}

#[test]
fn states_can_be_padded() {
    assert_eq!(
        format!("{:>8}|{:<8}", JobState::Paused, SchedulerState::Stopped),
        "  paused|stopped "
    );
}
