//! Makes the library take its locks, atomics and threads from `sync.rs` in this folder.

fn main() {
    println!("cargo::rustc-cfg=interleavings");
    println!("cargo::rerun-if-changed=build.rs");
}
