//! One file per subcommand: wires rooms together, returns an exit code.

pub mod audit;
