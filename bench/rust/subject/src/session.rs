//! The session as a type of an application. `../../session.js` makes its data.

use serde::{Deserialize, Serialize};

use crate::Result;

pub const ID: &str = "0123456789abcdef0123456789abcdef";

#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    user: User,
    pub views: u32,
    theme: String,
    remember: bool,
    referrer: Option<String>,
    cart: Vec<Line>,
    note: String,
    #[serde(rename = "_expire")]
    expire: u64,
    #[serde(rename = "_maxAge")]
    max_age: u64,
}

#[derive(Clone, Serialize, Deserialize)]
struct User {
    id: String,
    name: String,
    roles: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Line {
    sku: String,
    quantity: u32,
    price: f64,
    gift: bool,
}

pub fn read(file: &str) -> Result<Session> {
    Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
}
