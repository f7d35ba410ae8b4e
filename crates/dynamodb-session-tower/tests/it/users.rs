//! The users of sessions, over HTTP. The tests of the actix adapter are the same.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dynamodb_session::clock::SystemClock;
use dynamodb_session::options::{
    EncryptionKey, EncryptionOptions, HashIds, RetryOptions, TableOptions, UserOptions,
};
use dynamodb_session::{
    Builder, CreateOutcome, NewSession, RevokeOptions, SaveOptions, SessionId, SessionStore,
    UserId, UserSession,
};
use serde_json::{Value, json};

use crate::adapter::{Store, Users};
use crate::site::Site;
use crate::support::{self, Browser, World, block_on, spent};
use crate::users_site::new_id;

/// The tables that the tests run on: plain ones, sealed ones, and ones with hashed ids.
const TABLES: [fn(Builder) -> Builder; 3] = [plain, sealed, hashed];

fn plain(builder: Builder) -> Builder {
    builder
}

fn sealed(builder: Builder) -> Builder {
    let key = EncryptionKey::new("k1", &[7; 32]).unwrap();
    builder.encryption(EncryptionOptions::new([key]))
}

fn hashed(builder: Builder) -> Builder {
    builder.table_options(TableOptions::default().hash_ids(HashIds::On))
}

/// An application with one process.
struct App {
    world: World,
    sessions: SessionStore,
    site: Site,
    of_table: fn(Builder) -> Builder,
}

fn users() -> Users {
    Users::by_field("user_id").label_field("device")
}

fn of_users(sessions: &SessionStore) -> Store {
    Store::new(sessions.clone()).with_users(users())
}

fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

impl App {
    fn on(of_table: fn(Builder) -> Builder) -> Self {
        let world = World::new();
        let options = UserOptions::default();
        let sessions = support::open(of_table(world.builder()).users(options));
        let site = Site::of_users(of_users(&sessions));
        Self {
            world,
            sessions,
            site,
            of_table,
        }
    }

    /// A store of another process, without users.
    fn sessions_without_users(&self) -> SessionStore {
        support::open((self.of_table)(self.world.builder()))
    }

    /// A browser that has signed in. Each sign-in is later than the ones before.
    fn signed_in(&self, user: &str, device: &str) -> Browser {
        let mut browser = self.site.browser();
        self.sign_in(&mut browser, user, device);
        browser
    }

    fn sign_in(&self, browser: &mut Browser, user: &str, device: &str) {
        browser.read(&format!("/sign-in/{user}/{device}"));
        self.world.clock.advance(Duration::from_secs(1));
    }

    fn sessions_of(&self, id: &str) -> Vec<UserSession> {
        block_on(self.sessions.sessions_of(&user(id))).unwrap()
    }

    fn revoke(&self, id: &str) -> u64 {
        let options = RevokeOptions::default();
        let revoked = block_on(self.sessions.revoke_user(&user(id), &options)).unwrap();
        self.world.clock.advance(Duration::from_secs(1));
        revoked
    }

    fn live_sessions(&self) -> u64 {
        block_on(self.sessions.count()).unwrap()
    }

    /// Stores a session as a program does that knows no users.
    fn store_from_before(&self, data: &Value) -> Browser {
        let id = new_id();
        let session = NewSession::new(SessionId::new(id.as_str()).unwrap(), data);
        let created = block_on(self.sessions_without_users().create(&session)).unwrap();
        assert!(matches!(created, CreateOutcome::Created(_)));
        self.world.clock.advance(Duration::from_secs(1));
        self.site.browser_of(&id)
    }
}

#[test]
fn a_user_lists_the_devices_and_signs_them_out() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut phone = app.signed_in("alice", "phone");
        let mut laptop = app.signed_in("alice", "laptop");
        let mut tablet = app.signed_in("alice", "tablet");
        let mut other = app.signed_in("bob", "phone");
        assert_eq!(phone.read("/sessions"), "tablet,laptop,phone");

        assert_eq!(laptop.read("/revoke/tablet"), "true");
        assert_eq!(tablet.read("/me"), "nobody");
        assert_eq!(phone.read("/sessions"), "laptop,phone");

        assert_eq!(laptop.read("/revoke-others"), "1");
        assert_eq!(phone.read("/me"), "nobody");
        assert_eq!(laptop.read("/sessions"), "laptop");
        // It was not even its id that changed.
        assert_eq!(laptop.read("/write"), "1");

        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(laptop.read("/me"), "nobody");
        assert_eq!(other.read("/sessions"), "phone");
        assert_eq!(app.live_sessions(), 1);

        app.sign_in(&mut laptop, "alice", "laptop");
        assert_eq!(laptop.read("/sessions"), "laptop");
    }
}

#[test]
fn a_change_of_the_password_ends_the_other_sessions_and_renews_this_one() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut phone = app.signed_in("alice", "phone");
        let mut laptop = app.signed_in("alice", "laptop");
        let mut before = laptop.clone();
        assert_eq!(laptop.read("/change-password"), "1");
        assert_ne!(laptop.cookie, before.cookie);
        assert_eq!(before.read("/me"), "nobody");
        assert_eq!(phone.read("/me"), "nobody");
        assert_eq!(laptop.read("/me"), "alice");
        assert_eq!(laptop.read("/sessions"), "laptop");
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(laptop.read("/me"), "nobody");
    }
}

/// Revokes the sessions of a user while a request wants a new id for one of them. Returns whose that visitor is then.
fn user_after_a_late_renewal(app: &App, site: &Site) -> String {
    let mut browser = site.browser();
    app.sign_in(&mut browser, "alice", "phone");
    let slow = site.slow(&browser, "/slow/renew");
    assert_eq!(app.revoke("alice"), 1);
    slow.finish().read("/me")
}

#[test]
fn a_renewal_that_ends_after_a_revoke_gets_no_session() {
    for of_table in TABLES {
        let app = App::on(of_table);
        assert_eq!(user_after_a_late_renewal(&app, &app.site), "nobody");
        assert_eq!(app.live_sessions(), 0);
        assert_eq!(app.sessions_of("alice"), []);
    }
}

#[test]
fn a_late_sign_in_of_another_user_gets_a_session() {
    for of_table in TABLES {
        let app = App::on(of_table);
        for (path, user) in [
            ("/slow/switch/bob", "bob"),
            ("/slow/switch/alice", "nobody"),
        ] {
            let browser = app.signed_in("alice", "phone");
            let slow = app.site.slow(&browser, path);
            assert_eq!(app.revoke("alice"), 1);
            assert_eq!(slow.finish().read("/me"), user);
        }
        assert_eq!(app.revoke("bob"), 1);
        assert_eq!(app.live_sessions(), 0);
    }
}

/// Shows that the tests above can fail.
#[test]
fn without_the_layer_a_late_renewal_counts_as_a_sign_in() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let site = Site::of_users_without_layer(of_users(&app.sessions));
        assert_eq!(user_after_a_late_renewal(&app, &site), "alice");
        // The next revoke ends it.
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(app.live_sessions(), 0);
    }
}

#[test]
fn a_change_that_ends_after_a_revoke_is_dropped() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let without_layer = Site::of_users_without_layer(of_users(&app.sessions));
        for site in [&app.site, &without_layer] {
            let mut browser = site.browser();
            app.sign_in(&mut browser, "alice", "phone");
            let slow = site.slow(&browser, "/slow/write");
            assert_eq!(app.revoke("alice"), 1);
            let mut late = slow.finish();
            assert_eq!(late.cookie, browser.cookie);
            assert_eq!(late.read("/me"), "nobody");
            assert_eq!(app.live_sessions(), 0);
        }
    }
}

#[test]
fn a_renewal_keeps_the_session_in_the_list() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut browser = app.signed_in("alice", "phone");
        for _ in 0..3 {
            let before = browser.cookie.clone();
            browser.read("/renew");
            assert_ne!(browser.cookie, before);
            assert_eq!(browser.read("/sessions"), "phone");
        }
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(browser.read("/me"), "nobody");
    }
}

/// Two processes revoke the sessions of a user while 20 requests sign the user in.
#[test]
fn sign_ins_and_revokes_in_parallel_leave_only_sessions_that_are_listed() {
    const SIGN_INS: usize = 20;
    for of_table in TABLES {
        let world = World::new();
        // Their pauses are on the system's clock, and a busy machine connects slowly.
        let retries = RetryOptions::default()
            .max_attempts(5)
            .operation_timeout(support::DEADLINE);
        let builder = || {
            let builder = world.builder().clock(SystemClock::default());
            of_table(builder.retry_options(retries.clone()))
        };
        let options = UserOptions::default().max_sessions(100);
        let stores = [0, 1].map(|_| support::open(builder().users(options)));
        let sites = stores
            .each_ref()
            .map(|sessions| Site::of_users(of_users(sessions)));
        let is_done = AtomicBool::new(false);
        let revoke = |operator: &mut Browser| {
            let begin = Instant::now();
            let page = operator.get("/revoke-all/alice");
            assert_eq!(page.status, 200, "{}", page.body);
            begin
        };
        let (browsers, last_revoke) = thread::scope(|scope| {
            let revokers = sites.each_ref().map(|site| {
                let mut operator = site.browser();
                let (is_done, revoke) = (&is_done, &revoke);
                scope.spawn(move || {
                    loop {
                        let was_done = is_done.load(Ordering::SeqCst);
                        let begin = revoke(&mut operator);
                        if was_done {
                            break begin;
                        }
                        thread::sleep(Duration::from_millis(2));
                    }
                })
            });
            let sign_ins: Vec<_> = (0..SIGN_INS)
                .map(|n| {
                    let mut browser = sites[n % 2].browser();
                    scope.spawn(move || {
                        browser.read(&format!("/sign-in/alice/{n}"));
                        (n, browser, Instant::now())
                    })
                })
                .collect();
            let mut browsers = Vec::new();
            for (n, sign_in) in sign_ins.into_iter().enumerate() {
                browsers.push(sign_in.join().unwrap());
                // The last sign-ins may come after the last revoke.
                if n == SIGN_INS / 2 {
                    is_done.store(true, Ordering::SeqCst);
                }
            }
            let last = revokers.map(|revoker| revoker.join().unwrap());
            (browsers, last[0].max(last[1]))
        });
        let devices = || -> HashSet<String> {
            let listed = block_on(stores[0].sessions_of(&user("alice"))).unwrap();
            listed
                .into_iter()
                .filter_map(|session| session.label)
                .collect()
        };
        let mut accepted = HashSet::new();
        for (n, mut browser, end) in browsers.clone() {
            if browser.read("/me") == "alice" {
                accepted.insert(n.to_string());
                assert!(end > last_revoke, "{n} was there before the last revoke");
            }
        }
        assert_eq!(devices(), accepted);
        let live = block_on(stores[1].count()).unwrap();
        assert_eq!(live, accepted.len() as u64);

        revoke(&mut sites[1].browser());
        assert_eq!(devices(), HashSet::new());
        for (n, mut browser, _) in browsers {
            assert_eq!(browser.read("/me"), "nobody", "{n}");
        }
        assert_eq!(block_on(stores[0].count()).unwrap(), 0);
    }
}

#[test]
fn a_session_from_before_is_registered_when_it_is_loaded() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let data = json!({ "user_id": "alice", "device": "phone" });
        let mut browser = app.store_from_before(&data);
        let mut nobodys = app.store_from_before(&json!({ "device": "phone" }));
        assert_eq!(app.sessions_of("alice"), []);
        assert_eq!(browser.read("/me"), "alice");
        assert_eq!(nobodys.read("/me"), "nobody");
        assert_eq!(app.sessions_of("alice").len(), 1);
        assert_eq!(browser.read("/sessions"), "phone");
        let view = spent(&app.sessions, || drop(browser.read("/me")));
        assert_eq!(view.0, [("GetItem", 1)]);
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(browser.read("/me"), "nobody");
        assert_eq!(app.live_sessions(), 1);
    }
}

#[test]
fn a_session_that_a_program_without_users_gives_to_another_user_is_registered_too() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut browser = app.store_from_before(&json!({ "user_id": "alice", "device": "tv" }));
        assert_eq!(browser.read("/sessions"), "tv");
        let other = app.sessions_without_users();
        block_on(async {
            let page = other.list::<Value>(None).await.unwrap();
            let [loaded] = &page.sessions[..] else {
                panic!("there is one session");
            };
            let data = json!({ "user_id": "bob", "device": "tv" });
            let saved = other.save(loaded, &data, &SaveOptions::default()).await;
            assert!(saved.unwrap().is_saved());
        });
        assert_eq!(browser.read("/sessions"), "tv");
        assert_eq!(app.sessions_of("alice"), []);
        assert_eq!(app.revoke("bob"), 1);
        assert_eq!(browser.read("/me"), "nobody");
    }
}

#[test]
fn a_thousand_sessions_from_before_are_revoked() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let before = app.sessions_without_users();
        let data = json!({ "user_id": "alice", "device": "phone" });
        let ids: Vec<_> = (0..1000).map(|_| new_id()).collect();
        block_on(async {
            for id in &ids {
                let id = SessionId::new(id.as_str()).unwrap();
                let created = before.create(&NewSession::new(id, &data)).await;
                assert!(matches!(created, Ok(CreateOutcome::Created(_))));
            }
        });
        assert_eq!(app.live_sessions(), 1000);
        app.world.clock.advance(Duration::from_secs(1));
        // None is registered, so none is counted.
        assert_eq!(app.revoke("alice"), 0);
        thread::scope(|scope| {
            for ids in ids.chunks(125) {
                let site = &app.site;
                let browsers: Vec<_> = ids.iter().map(|id| site.browser_of(id)).collect();
                scope.spawn(move || {
                    for mut browser in browsers {
                        assert_eq!(browser.read("/me"), "nobody");
                    }
                });
            }
        });
        assert_eq!(app.live_sessions(), 0);
        assert_eq!(app.sessions_of("alice"), []);
    }
}

#[test]
fn a_sign_in_with_the_cookie_of_a_revoked_session_gets_a_new_one() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut browser = app.store_from_before(&json!({ "user_id": "alice" }));
        let before = browser.cookie.clone();
        app.revoke("alice");
        app.sign_in(&mut browser, "alice", "phone");
        assert_ne!(browser.cookie, before);
        assert_eq!(browser.read("/sessions"), "phone");
    }
}

#[test]
fn two_processes_keep_the_limit_of_sessions() {
    for of_table in TABLES {
        let world = World::new();
        let options = UserOptions::default().max_sessions(3);
        let stores = [0, 1].map(|_| support::open(of_table(world.builder()).users(options)));
        let sites = stores
            .each_ref()
            .map(|sessions| Site::of_users(of_users(sessions)));
        let mut browsers = Vec::new();
        for n in 0..7 {
            let mut browser = sites[n % 2].browser();
            browser.read(&format!("/sign-in/alice/{n}"));
            world.clock.advance(Duration::from_secs(1));
            browsers.push(browser);
        }
        assert_eq!(browsers[6].read("/sessions"), "6,5,4");
        for (n, browser) in browsers.iter_mut().enumerate() {
            let expected = if n < 4 { "nobody" } else { "alice" };
            assert_eq!(browser.read("/me"), expected, "{n}");
        }
        assert_eq!(block_on(stores[0].count()).unwrap(), 3);
    }
}

#[test]
fn a_user_whose_item_was_deleted_by_hand_signs_in_again() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut phone = app.signed_in("alice", "phone");
        let mut laptop = app.signed_in("alice", "laptop");
        let items = app.world.items().into_iter();
        let keys = items.map(|item| item["sessionId"].clone());
        let is_users = |key: &Value| {
            let key = key["S"].as_str().unwrap();
            key.starts_with("u1.") && key != "u1.key"
        };
        let keys: Vec<_> = keys.filter(is_users).collect();
        assert_eq!(keys.len(), 1);
        let key = json!({ "TableName": "sessions", "Key": { "sessionId": keys[0] } });
        app.world.call("DeleteItem", &key);

        // The sessions from before are accepted, and not known.
        assert_eq!(phone.read("/write"), "1");
        assert_eq!(laptop.read("/sessions"), "");
        let mut tablet = app.signed_in("alice", "tablet");
        assert_eq!(tablet.read("/sessions"), "tablet");
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(tablet.read("/me"), "nobody");
        assert_eq!(laptop.read("/me"), "alice");
        // A new id has to be that of a session that is known.
        laptop.read("/renew");
        assert_eq!(laptop.read("/me"), "nobody");
        app.sign_in(&mut laptop, "alice", "laptop");
        assert_eq!(laptop.read("/sessions"), "laptop");
        assert_eq!(phone.read("/me"), "alice");
    }
}

#[test]
fn a_session_can_become_another_users_and_nobodys() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let without_layer = Site::of_users_without_layer(of_users(&app.sessions));
        for site in [&app.site, &without_layer] {
            let mut browser = site.browser();
            assert_eq!(browser.read("/write"), "1");
            let id = browser.cookie.clone();
            app.sign_in(&mut browser, "alice", "phone");
            assert_eq!(browser.cookie, id);
            assert_eq!(browser.read("/sessions"), "phone");
            browser.read("/become/bob");
            assert_eq!(app.sessions_of("alice"), []);
            assert_eq!(browser.read("/sessions"), "phone");
            browser.read("/leave");
            assert_eq!(app.sessions_of("bob"), []);
            assert_eq!(browser.read("/write"), "2");
            browser.read("/become/bob");
            assert_eq!(browser.cookie, id);
            assert_eq!(browser.read("/sessions"), "phone");
            assert_eq!(app.revoke("bob"), 1);
            assert_eq!(browser.read("/me"), "nobody");
            assert_eq!(app.live_sessions(), 0);
        }
    }
}

/// A request that is late could still make it the first user's again.
#[test]
fn a_session_that_has_become_another_users_ends_with_those_of_both() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let mut browser = app.signed_in("alice", "phone");
        browser.read("/become/bob");
        assert_eq!(app.revoke("alice"), 1);
        assert_eq!(browser.read("/me"), "nobody");
        assert_eq!(app.sessions_of("bob"), []);
    }
}

#[test]
fn data_that_name_no_valid_user_are_refused() {
    for of_table in TABLES {
        let app = App::on(of_table);
        let without_layer = Site::of_users_without_layer(of_users(&app.sessions));
        for site in [&app.site, &without_layer] {
            let mut browser = site.browser();
            app.sign_in(&mut browser, "alice", "phone");
            for mut browser in [browser.clone(), site.browser()] {
                let page = browser.get("/bad");
                assert_eq!((page.status, page.body.as_str()), (500, ""));
            }
            assert_eq!(browser.read("/me"), "alice");
            assert_eq!(app.live_sessions(), 1);
            assert_eq!(app.revoke("alice"), 1);
        }
        // tower-sessions fails, and actix-session begins anew.
        let mut browser = app.store_from_before(&json!({ "user_id": {} }));
        let page = browser.get("/me");
        assert!(page.status == 500 || page.body == "nobody", "{page:?}");
    }
}

#[test]
fn a_store_that_keeps_no_track_of_users_refuses_them() {
    let world = World::new();
    let site = Site::of_users(of_users(&world.sessions()));
    let mut browser = site.browser();
    assert_eq!(browser.read("/write"), "1");
    assert_eq!(browser.get("/sign-in/alice/phone").status, 500);
    assert_eq!(browser.read("/write"), "2");
}

/// Checks the section "Users" in the crate's documentation.
#[test]
fn the_cost_of_users() {
    let world = World::new();
    let sessions = support::open(world.builder().users(UserOptions::default()));
    let site = Site::of_users(of_users(&sessions));
    let mut browser = site.browser();
    let mut costs = |path, expected: &[(&str, u64)]| {
        let view = || assert_eq!(browser.get(path).status, 200);
        assert_eq!(spent(&sessions, view).0, expected, "{path}");
    };
    // The first session of a user takes one request more.
    costs(
        "/sign-in/alice/phone",
        &[("GetItem", 1), ("PutItem", 1), ("UpdateItem", 2)],
    );
    costs("/me", &[("GetItem", 1)]);
    costs("/write", &[("GetItem", 1), ("UpdateItem", 1)]);
    costs(
        "/renew",
        &[("GetItem", 2), ("PutItem", 2), ("UpdateItem", 1)],
    );
    costs("/become/bob", &[("GetItem", 2), ("UpdateItem", 3)]);
    costs("/become/alice", &[("GetItem", 2), ("UpdateItem", 2)]);
    costs("/leave", &[("GetItem", 1), ("UpdateItem", 1)]);

    let id = new_id();
    let data = json!({ "user_id": "alice" });
    let session = NewSession::new(SessionId::new(id.as_str()).unwrap(), &data);
    let created = block_on(support::open(world.builder()).create(&session)).unwrap();
    assert!(matches!(created, CreateOutcome::Created(_)));
    let mut browser = site.browser_of(&id);
    let mut view = || spent(&sessions, || drop(browser.read("/me"))).0;
    assert_eq!(view(), [("GetItem", 2), ("UpdateItem", 2)]);
    assert_eq!(view(), [("GetItem", 1)]);

    let site = Site::of_users_without_layer(of_users(&sessions));
    let mut browser = site.browser();
    browser.read("/sign-in/alice/laptop");
    let write = spent(&sessions, || drop(browser.read("/write")));
    assert_eq!(write.0, [("GetItem", 2), ("UpdateItem", 2)]);
}
