"""The rules of `layout.py`, each on a small tree that keeps it and on trees that break it. `layout.py --self-test` runs them."""

import re
import tempfile
from pathlib import Path

# The final layout in small: each folder imports from the next one below it.
CLEAN = {
    "DESIGN.md": "# Design\n\n" + "| a table | " + "x" * 200 + " |\n",
    "src/lib.rs": """
        //! Links such as [`crate::testing::Clock`] are no imports.
        mod error;
        mod time;
        pub use crate::control::{Builder as Scheduler, scheduler::Stop};
        pub use crate::error::Error;
        #[cfg(all(interleavings, test))]
        #[path = "../interleavings/loom/mod.rs"]
        mod interleavings;
    """,
    "src/error.rs": "pub struct Error;\n",
    "src/sync.rs": "pub(crate) mod atomic { use super::Mutex; }\npub(crate) struct Mutex;\n",
    "src/testing/mod.rs": "use crate::{Error, Scheduler};\n",
    "src/register/mod.rs": "use crate::control::scheduler::{self, Stop};\nfn f() { scheduler::stop(); }\n",
    "src/control/mod.rs": "mod builder;\npub mod scheduler;\npub use builder::Builder;\n",
    "src/control/builder.rs": "pub struct Builder;\n",
    "src/control/scheduler.rs": "use crate::exec::driver::Driver;\npub struct Stop;\npub fn stop() {}\n",
    "src/exec/mod.rs": "pub(crate) mod driver;\n",
    "src/exec/driver.rs": "use crate::engine::Engine;\npub(crate) struct Driver;\n",
    "src/engine/mod.rs": "use crate::dispatch::core::Core;\npub(crate) struct Engine;\n",
    "src/dispatch/mod.rs": "pub(crate) mod core;\n",
    "src/dispatch/core.rs": "use crate::job::{JobCell, host::Host};\npub(crate) struct Core;\n",
    "src/observe/mod.rs": "use crate::job::JobCell;\n",
    "src/park/mod.rs": "use crate::sync::{Mutex, atomic};\n",
    "src/job/mod.rs": "pub(crate) mod host;\nuse crate::clock::Clock;\npub(crate) struct JobCell;\n",
    "src/job/host.rs": "use super::JobCell;\npub(crate) trait Host { fn relist(&self, job: &JobCell); }\n",
    "src/clock/mod.rs": "use crate::runtime::traits::Timer;\npub(crate) struct Clock;\n",
    "src/runtime/mod.rs": "pub mod traits;\nmod tokio;\npub use self::tokio::Tokio;\n",
    "src/runtime/tokio.rs": "use tokio::runtime::Handle;\nuse super::traits::Timer;\npub struct Tokio;\n",
    "src/runtime/traits.rs": "use crate::time::Time;\npub trait Timer { fn now(&self) -> Time; }\n",
    "src/ledger/mod.rs": "pub struct Entry;\n",
    "src/calendar/mod.rs": "use crate::time::Time;\n",
    "src/time/mod.rs": "mod instant;\npub(crate) use self::instant::Time;\n",
    "src/time/instant.rs": "pub(crate) struct Time;\n",
}

FIVE_IN_A_CIRCLE = {
    f"src/job/part{number}.rs": f"use super::part{(number + 1) % 5}::Part{(number + 1) % 5};\npub(crate) struct Part{number};\n"
    for number in range(5)
}

ENGINE_ABOVE_ITS_TYPE = "use crate::engine::Engine;\n\nimpl Engine {\n    pub(crate) fn relist_all(&self) {}\n    fn near(&self) {}\n}\n"

# What is tried, what it adds to the clean tree, and what the findings are to say; nothing if it is allowed.
CASES = [
    ("the layout that is wanted", {}, []),
    # Imports of what stands above.
    ("an upward import", {"src/time/grid.rs": "\nuse crate::job::JobCell;\n"},
     ["src/time/grid.rs:2: time/ imports job/ (crate::job::JobCell), which stands above it"]),
    ("an upward import in nested braces", {"src/time/grid.rs": "use crate::{\n    sync::Mutex,\n    job::{\n        JobCell as Cell,\n    },\n};\n"},
     ["src/time/grid.rs:4: time/ imports job/ (crate::job::JobCell)"]),
    ("an upward import by super", {"src/time/grid.rs": "use super::super::job::{self as jobs};\n"},
     ["src/time/grid.rs:1: time/ imports job/"]),
    ("an upward path outside use", {"src/time/grid.rs": "fn f() {\n    crate::job::host::f();\n}\n"},
     ["src/time/grid.rs:2: time/ imports job/ (crate::job::host::f)"]),
    ("an upward path by super in an inner module", {"src/time/grid.rs": "mod inner {\n    fn f() { super::super::super::job::f(); }\n}\n"},
     ["src/time/grid.rs:2: time/ imports job/"]),
    ("super in an inner module", {"src/error.rs": "pub struct Error;\nmod time { pub struct Time; }\nmod inner { use super::time::Time; }\n",
                                  "src/time/mod.rs": "pub(crate) struct Time;\nmod inner { use super::super::error::Error; use super::Time; }\n"}, []),
    ("an upward re-export of lib.rs", {"src/job/run.rs": "use crate::{Error, Scheduler};\n"},
     ["src/job/run.rs:1: job/ imports control/ (crate::Scheduler)"]),
    ("an upward re-export by a glob", {"src/lib.rs": "pub use crate::control::scheduler::*;\n", "src/testing/mod.rs": "",
                                       "src/job/run.rs": "use crate::Stop;\n"},
     ["src/job/run.rs:1: job/ imports control/ (crate::Stop)"]),
    ("a file of src/ that imports a folder", {"src/error.rs": "pub struct Error(crate::time::Time);\n"},
     ["src/error.rs:1: src/ imports time/ (crate::time::Time)"]),
    ("a file beside its folder", {"src/engine/mod.rs": None, "src/engine.rs": "use crate::exec::driver::Driver;\nmod jobs;\npub(crate) struct Engine;\n",
                                  "src/engine/jobs.rs": ""},
     ["src/engine.rs:1: engine/ imports exec/"]),
    ("a folder that is not listed", {"src/misc/mod.rs": ""}, ["src/misc/mod.rs:1: misc/ has no place among the folders"]),
    ("comments, strings and characters", {"src/time/grid.rs": """
        //! See [`crate::job::JobCell`]. /*
        /* use crate::job::JobCell; /* nested */ crate::job::f() */
        const A: &str = "crate::job::f \\" crate::job::f";
        const B: &str = r#"" use crate::job::JobCell; "#;
        const C: [char; 3] = ['"', '\\'', '\\u{22}'];
        fn f<'a>(text: &'a str) -> &'a str { text }
        #[doc = "crate::job::JobCell"]
        fn g() {}
    """}, []),
    ("tests", {"src/time/grid.rs": """
        #[cfg(test)]
        use crate::job::JobCell;
        #[cfg(all(test, not(interleavings)))]
        #[allow(unused)]
        pub(crate) mod tests { fn f() { crate::job::f(); } }
        struct Grid { #[cfg(test)] cell: crate::job::JobCell, last: u8 }
        #[cfg(test)]
        fn f() -> crate::job::JobCell { todo!() }
    """, "src/time/tests.rs": "use crate::job::JobCell;\n", "src/time/tests/more.rs": "use crate::job::JobCell;\n"}, []),
    ("what is not only for tests", {"src/time/grid.rs": "#[cfg(test)]\nuse crate::error::Error;\n#[cfg(not(test))]\nuse crate::job::JobCell;\n"},
     ["src/time/grid.rs:4: time/ imports job/"]),
    # Circles.
    ("a circle of five files", FIVE_IN_A_CIRCLE,
     ["src/job/part0.rs:1: 5 files import each other in a circle", "src/job/part4.rs imports src/job/part0.rs (line 1)"]),
    ("a circle of four files", {**FIVE_IN_A_CIRCLE, "src/job/part3.rs": "use super::part0::Part0;\npub(crate) struct Part3;\n"}, []),
    ("a circle through re-exports", {
        "src/time/mod.rs": "".join(f"mod part{n};\npub(crate) use part{n}::Part{n};\n" for n in range(4)),
        "src/runtime/traits.rs": "",
        **{f"src/time/part{n}.rs": f"use super::Part{(n + 1) % 4};\npub(crate) struct Part{n};\n" for n in range(4)},
    }, ["src/time/mod.rs:2: 5 files import each other in a circle"]),
    ("re-exports of crates that are named as modules", {
        "src/time/mod.rs": "".join(f"mod part{n};\npub(crate) use ::part{n}::Part{n};\npub(crate) use ::{{part{n}::f}};\n" for n in range(4)),
        "src/runtime/traits.rs": "",
        **{f"src/time/part{n}.rs": f"use super::Part{n};\n" for n in range(4)},
    }, []),
    # Methods that stand above their type.
    ("a method of a higher folder", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/engine/mod.rs": "pub(crate) struct Engine;\n\nfn f(e: &Engine) {\n    e\n        .relist_all();\n}\n",
    }, ["src/engine/mod.rs:5: engine/ calls Engine::relist_all, which exec/ above it defines; define it beside Engine (src/exec/jobs.rs:4)"]),
    ("a method of a higher folder by its path", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/engine/mod.rs": "pub(crate) struct Engine;\nfn f(e: &Engine) { Engine::relist_all(e); }\n",
    }, ["src/engine/mod.rs:2: engine/ calls Engine::relist_all"]),
    ("a generic type", {
        "src/exec/jobs.rs": "use crate::engine::Engine;\nimpl<'a, F: Fn() -> Vec<u8>> Engine<'a, F>\nwhere\n    for<'b> F: Fn(),\n{\n    pub fn relist_all(&self) {}\n}\n",
        "src/engine/mod.rs": "pub(crate) struct Engine<'a, F>(&'a F);\nfn f(e: &Engine) { e.relist_all(); }\n",
    }, ["src/engine/mod.rs:2: engine/ calls Engine::relist_all"]),
    ("a method that is called at its height", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/exec/driver.rs": "pub(crate) struct Driver;\nfn f(e: &crate::engine::Engine) { e.relist_all(); e.near(); }\n",
    }, []),
    ("a private method of a higher folder", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/job/run.rs": "fn f(e: &Run) { e.near(); }\n",
    }, []),
    ("a method of a higher folder on what is named as its type", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/park/slot.rs": "impl Slot { fn relist_all(&self) {} }\nfn f(s: &S) { s.engine().relist_all(); }\n",
    }, ["src/park/slot.rs:2: park/ calls Engine::relist_all"]),
    ("a method of a higher folder on self", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/park/slot.rs": "fn relist_all() {}\n",
        "src/engine/mod.rs": "pub(crate) struct Engine;\nimpl Drop for Engine { fn drop(&mut self) { self.relist_all(); } }\n",
    }, ["src/engine/mod.rs:2: engine/ calls Engine::relist_all"]),
    ("a method of another self", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/job/run.rs": "impl<T> Deref for Run<T> { fn f(&self) { self.relist_all(); } }\n",
    }, []),
    ("a lower method of the same name", {
        "src/exec/jobs.rs": ENGINE_ABOVE_ITS_TYPE, "src/job/run.rs": "impl Run { fn relist_all(&self) {} }\nfn f(e: &Run) { e.relist_all(); }\n",
    }, []),
    ("a trait that a higher folder implements", {
        "src/engine/host.rs": "use crate::job::{JobCell, host::Host};\nimpl Host for super::Engine { fn relist(&self, job: &JobCell) {} }\n",
        "src/job/run.rs": "fn f(host: &dyn super::host::Host) { host.relist(job); }\n",
    }, []),
    # Sizes.
    ("ten files in src/", {f"src/flat{number}.rs": "" for number in range(7)}, ["src:1: 10 files stand directly in src/"]),
    ("nine files in src/", {f"src/flat{number}.rs": "" for number in range(6)}, []),
    ("a file of 501 lines", {"src/job/run.rs": "\n" * 501}, ["src/job/run.rs:501: 501 lines without tests"]),
    ("a file of 500 lines and its tests", {"src/job/run.rs": "\n" * 500 + "#[cfg(test)]\nmod tests {\n" + "\n" * 90 + "}"}, []),
    ("a function of 51 lines", {"src/job/run.rs": "\nimpl Run {\n    fn f(a: [u8; 2])\n    where\n        A: B,\n    {\n" + "\n" * 46 + "    }\n}\n"},
     ["src/job/run.rs:3: the function f has 51 lines"]),
    ("a function of 50 lines", {"src/job/run.rs": "fn f() {\n" + "\n" * 48 + "}\n"}, []),
    ("a wide line", {"DESIGN.md": "# Design\n" + "ä" * 120 + "\n" + "ä" * 121 + "\n"}, ["DESIGN.md:3: 121 columns"]),
]


def run(check, folders):
    failures = []
    for what, files, wanted in CASES:
        failures += [f"{what}: {failure}" for failure in differences(printed(check, files), wanted)]
    exceptions = ["src/time/grid.rs: time/ imports job/ (crate::job::JobCell), which stands above it"]
    upward = {"src/time/grid.rs": "use crate::job::JobCell;\n"}
    failures += differences(printed(check, upward, exceptions), [])
    failures += differences(printed(check, {}, exceptions), ["the exception \"src/time/grid.rs"])
    missing = [folder for folder in folders if not any(path.startswith(f"src/{folder}/") for path in CLEAN)]
    failures += [f"{folder}/ is not in the clean tree" for folder in missing]
    for failure in failures:
        print(failure)
    print(f"layout: {len(CASES) + 2} self-tests, {len(failures)} failures")
    return 1 if failures else 0


def printed(check, files, exceptions=()):
    """What the check prints about the clean tree with these files; `None` takes a file away."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, text in {**CLEAN, **files}.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
        wrong, figures = check(root, exceptions)
    assert re.search(r"\d+ files in \d+ folders", figures)
    return [f"{each.path}:{each.line}: {each.what}; {each.way_out}" for each in wrong]


def differences(findings, wanted):
    """All that is wanted is found, and nothing else."""
    text = "\n".join(findings)
    missing = [f"doesn't find: {each}" for each in wanted if each not in text]
    surplus = [f"finds: {each}" for each in findings if not any(want in each for want in wanted)]
    return missing + surplus
