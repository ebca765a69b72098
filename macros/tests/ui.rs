//! What `#[every]` accepts, and what it says of what it doesn't.
//!
//! The `.stderr` files hold the messages of Rust 1.95. `TRYBUILD=overwrite cargo test -p atevery-macros --test ui`
//! writes them anew.

#[test]
fn attribute() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
