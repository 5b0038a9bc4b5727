//! Start: crypto provider, panic hook, parse, dispatch, exit code.

fn main() {}
