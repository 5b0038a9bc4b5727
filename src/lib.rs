//! `sev1`: a terminal cockpit for the first hour of an incident on Kubernetes.
//!
//! The house, room by room. Each room has one job; the arrows of `use` between them are fixed and checked by
//! `tests/architecture.rs`.
//!
//! | room | job | may import (besides `domain`) |
//! |---|---|---|
//! | [`domain`] | the nouns: plain data and pure rules | nothing |
//! | [`files`] | opening files of this machine: nothing that hangs, floods or is another's | nothing |
//! | [`sim`] | the simulated platform behind `demo`, by wire protocols only; with the feature `demo` | nothing, not even `domain` |
//! | [`config`] | settings: shape, origin, check | `files` |
//! | [`journal`] | append-only record of what this program did | `files` |
//! | [`state`] | `State`, `Msg`, `Effect`, `update()` | `config` |
//! | [`ui`] | pure rendering of the state | `state`, `config` |
//! | [`connect`] | clients: kubeconfig, TLS, proxies; a reader and a never-retrying writer | `config`, `files` |
//! | [`sources`] | read-only tasks: wire format to observations | `connect`, `config` (the shapes of servers and indicators) |
//! | [`actions`] | the only code that writes to a cluster | `connect`, `journal`, `config` (the shape of its policy) |
//! | [`runtime`] | terminal, input, clock, the loop; runs effects | all of the above but `sim` |
//! | [`commands`] | one file per subcommand; wires rooms together | everything |
//!
//! ```text
//!  terminal ──Key──────────▶┐
//!  clock ────Tick──────────▶├─ bounded, input first ─▶ update(&mut State, Msg) ─▶ Effects ─▶ runtime ─▶ actions, clipboard
//!  sources ──Observation───▶│                              │ marks the screen dirty
//!  actions ──ActionEvent───▶┘                              ▼
//!                                               ui::render(&State) when dirty, at most 30/s ─▶ one write per frame
//! ```
//!
//! `heap.c` is no room: it tells the C library how to keep memory small before the first thread starts.

pub mod actions;
pub mod cli;
pub mod commands;
pub mod config;
pub mod connect;
pub mod domain;
pub mod files;
pub mod journal;
pub mod runtime;
#[cfg(feature = "demo")]
pub mod sim;
pub mod sources;
pub mod state;
pub mod ui;
