//! The nouns of an incident: plain data and pure rules. No I/O, no clock, no terminal, no wire types.
//!
//! Time is always passed in as [`time::Now`]; text from a server is always a [`text::Text`], which can only be made by
//! cleaning it.

pub mod ailment;
pub mod alert;
pub mod ask;
pub mod asks;
pub mod catalogue;
pub mod change;
pub mod command;
pub mod complaint;
pub mod conceal;
pub mod episode;
pub mod escalation;
pub mod go_regex;
pub mod health;
pub mod kpi;
pub mod log;
pub mod log_pattern;
pub mod mitigation;
pub mod natural;
pub mod object;
pub mod observation;
pub mod phase;
pub mod pod;
pub mod quantity;
pub mod recorded;
pub mod requests;
pub mod revisions;
pub mod rights;
pub mod scaled;
pub mod secrecy;
pub mod shell;
pub mod silence;
pub mod standing;
pub mod suggestion;
pub mod suspect;
pub mod text;
pub mod time;
pub mod trend;
pub mod units;
pub mod verdict;
pub mod warning;
pub mod workload;
pub mod write;
