//! What `#[every]` accepts, and what it says of what it doesn't.
//!
//! The `.stderr` files hold the messages of the toolchain that is pinned in CI. `TRYBUILD=overwrite cargo test --test ui`
//! writes them anew.

#[test]
fn attribute() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
