//! Has the library take what threads share from `sync.rs` here.

fn main() {
    println!("cargo::rustc-cfg=interleavings");
    println!("cargo::rerun-if-changed=build.rs");
}
