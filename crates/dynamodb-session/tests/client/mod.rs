//! The settings and types of a store, its credentials and connections, and the time it uses: without an engine.

mod aws;
mod credentials;
mod first_call;
mod lambda;
mod proxy;
mod rotation;
mod sdk_config;
mod server;
mod settings;
mod shown;
mod time;
mod types;
