//! Append-only hash-chained record of what this program did.
