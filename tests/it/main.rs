//! One binary for all integration tests: a file per RFC or subject, through the public interface only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]

#[path = "../support/mod.rs"]
mod support;

mod auth0;
mod backup;
#[cfg(target_os = "linux")]
mod c_store;
mod clock;
mod concurrency;
mod config;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod disk;
mod durable;
mod events;
mod flows;
mod form_post;
mod history;
mod http;
mod jose_algs;
mod kill;
mod linearizable;
mod oidc_core;
mod refresh;
mod registry;
mod rfc6749_authorize;
mod rfc6749_client_auth;
mod rfc6749_token;
mod rfc6750;
mod rfc7009;
mod rfc7515;
mod rfc7636;
mod rfc7662;
mod rfc8252;
mod rfc8414;
mod rfc8707;
mod rfc9068;
mod rfc9207;
mod rfc9700;
mod sealing;
mod sqlite;
mod store_contract;
mod story;
mod verdict;
