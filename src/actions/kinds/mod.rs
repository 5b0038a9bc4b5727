//! One file for each kind of mitigation.
