//! The functions that `#[every]` accepts, and its messages for those that it refuses.
//!
//! The `.stderr` files hold the messages of Rust 1.95. `TRYBUILD=overwrite cargo test -p atevery-macros --test ui`
//! writes them anew.

#[test]
fn attribute() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
