//! Runs the example as a program.

use crate::support::{Browser, Example};

#[test]
fn the_counter_counts_until_the_logout() {
    let (_program, addr) = Example::start("counter");
    let mut browser = Browser::new(addr);
    for views in 1..=3 {
        let shown = browser.read("/");
        assert!(shown.starts_with(&format!("Views: {views}.")), "{shown}");
    }
    let mut other = Browser::new(addr);
    assert!(other.read("/").starts_with("Views: 1."));
    assert_eq!(browser.get("/logout").status, 303);
    assert_eq!(browser.cookie, None);
    assert!(browser.read("/").starts_with("Views: 1."));
    assert!(other.read("/").starts_with("Views: 2."));
}
