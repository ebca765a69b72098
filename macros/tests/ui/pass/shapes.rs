//! Every kind of function that can be registered.
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use atevery::{FirstRun, MissedTicks, Run, every};

const INTERVAL: Duration = Duration::from_millis(50);
const NAMES: &[&str] = &["a", "b"];
static TEXT: String = String::new();

#[every("50ms")]
fn plain() {}

#[every("1m 30s")]
fn fallible() -> Result<(), io::Error> {
    Ok(())
}

#[every(INTERVAL)]
async fn asynchronous() {}

#[every(Duration::from_secs(60).saturating_mul(2))]
async fn asynchronous_and_fallible() -> io::Result<()> {
    Ok(())
}

#[every("2h")]
fn future() -> impl Future<Output = Result<(), String>> + Send {
    async { Ok(()) }
}

#[every("1d")]
fn with_run(run: Run) {
    assert_eq!(run.number(), 0);
}

#[every("1d", 3)]
fn with_a_borrow_of_the_run(run: &Run, count: u64) {
    assert_eq!(run.number(), count);
}

#[every("1d", "fast", 3)]
async fn with_run_and_arguments(_run: atevery::Run, _name: &str, _count: u64) {}

#[every("2s", String::from("x"), Arc::from("y"), Cow::Borrowed("z"), NAMES, Some(5))]
fn owned(_a: String, _b: Arc<str>, _c: Cow<'_, str>, _d: &[&str], _e: Option<u8>) {}

#[every("2s", &TEXT, &[1, 2], &Some(5), "é")]
fn borrowed<'a>(_text: &'a str, _list: &'a [u8], _option: &Option<u8>, r#type: &'static str) {
    let _ = r#type;
}

#[every("2s", callback, |_text| (), Arc::new(|_| ()))]
fn called(_function: fn(), _closure: fn(&str), _object: Arc<dyn Fn(&str) + Send + Sync>) {}

fn callback() {}

#[every("2s", "text", 5)]
fn of_any_type(_name: impl Into<String>, _count: impl Copy) {}

#[every("2s", (1, "a"), [0; 4])]
fn patterns((_number, _text): (u8, &str), [_first, ..]: [u8; 4]) {}

#[every("1m", blocking)]
fn blocks() {}

#[every("1m", blocking)]
fn blocks_with_run(run: Run) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    assert!(!run.is_cancelled());
    Ok(())
}

#[every("1m", name = "first", missed_ticks = MissedTicks::Skip, first_run = FirstRun::AfterInterval, tag = "tag",)]
#[every(name = format!("second {}", 1 + 1), first_run = FirstRun::After(Duration::from_secs(5)), "1m")]
pub fn several() {}

#[every("1m")]
fn r#loop() {}

#[every("1m")]
pub(crate) const fn constant() {}

#[every("1m")]
#[cfg(any())]
fn never(_: Missing) {}

mod inner {
    #[atevery::every("1m")]
    pub(super) fn private() {}
}

macro_rules! job {
    ($interval:literal, $name:ident, $argument:expr) => {
        #[every($interval, $argument)]
        fn $name(_value: u8) {}
    };
}

job!("2s", first_of_macro, 1 + 1);
job!("2s", second_of_macro, 2);

fn main() {
    #[every("1m")]
    fn local() {}

    plain();
    local();
    inner::private();
    several();
}
