//! The verbs of the store on the local engine: each of them, each condition, each setting.

mod beside;
mod beside_parallel;
mod cost;
mod data;
mod dropped;
mod errors;
mod events;
mod expiry;
mod guarded;
mod hashed;
mod kms;
mod late;
mod lifetime;
mod merge;
mod no_user;
mod queue;
mod reserved;
mod retries;
mod scan;
mod sealed;
mod settings;
mod unchanged;
mod update;
mod users;
mod verbs;
mod without_item;
