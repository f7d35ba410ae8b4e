//! The verbs of the store on the local engine: each of them, each condition, each setting.

mod cost;
mod data;
mod dropped;
mod errors;
mod expiry;
mod guarded;
mod lifetime;
mod merge;
mod retries;
mod scan;
mod settings;
mod telling;
mod unchanged;
mod update;
mod verbs;
