//! Clients: kubeconfig, TLS, proxies, auth; a reader client and a never-retrying writer client.
//!
//! [`kubeconfig::load`] fixes one [`Target`] at start and touches no network; [`Reader`] and [`Writer`] made from it share
//! its credentials and nothing else. Neither retries: a caller that may read again does so, a write is sent once. [`HttpReader`] and [`HttpWriter`] are the
//! same for the servers besides it.

pub mod access;
pub mod body;
mod budget;
mod credentials;
pub mod discovery;
pub mod endpoint;
pub mod error;
mod exec;
mod http_writer;
pub mod identity;
mod informational;
mod kept;
pub mod kubeconfig;
mod login;
pub(crate) mod pages;
mod path;
mod plugin;
pub mod reader;
#[cfg(test)]
pub(crate) use plugin::tests::Rig as SlowLogin;
mod refusal;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(test)]
mod tests;
mod trust;
mod wire;
pub mod writer;

pub use endpoint::{Endpoint, HttpAnswer, HttpReader};
pub use error::ConnectError;
pub use exec::{End, ExecError, Ran};
pub use http_writer::HttpWriter;
pub use kubeconfig::{KubeOptions, Target};
pub use reader::{Answer, Reader};
pub(crate) use refusal::is_from_the_future;
pub use writer::{WriteError, Writer};
