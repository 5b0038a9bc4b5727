//! Compiles the one file that is not Rust: what it tells the C library must be told before the first thread starts, and without `unsafe`
//! only C can.

fn main() {
    println!("cargo::rerun-if-changed=src/heap.c");
    cc::Build::new().file("src/heap.c").warnings_into_errors(true).link_lib_modifier("+whole-archive").compile("heap");
}
