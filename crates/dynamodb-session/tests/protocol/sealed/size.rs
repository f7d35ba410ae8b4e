//! The size of sealed items: the limit of DynamoDB, compression, and what it saves.

use dynamodb_session::ErrorKind;
use dynamodb_session::options::EncryptionMode;
use serde_json::{Value, json};

use super::{in_mode, is_sealed};
use crate::support::{
    MINUTE, World, id, load, new_session, now, save_absent, save_unknown, saved, stored, until,
};

const LIMIT: usize = 409_600;

/// The bytes of an item by DynamoDB's rules, for the types that a sealed item has.
fn size_of(item: &Value) -> usize {
    let attributes = item.as_object().unwrap().iter();
    let size = |value: &Value| match value.as_object().unwrap().iter().next().unwrap() {
        (tag, Value::String(text)) => match tag.as_str() {
            "S" => text.len(),
            "N" => text.len().div_ceil(2) + 1,
            "B" => text.len() / 4 * 3 - text.bytes().filter(|byte| *byte == b'=').count(),
            other => panic!("{other}"),
        },
        // What stands in the place of the session: `_expire` is 1.
        (_, map) => {
            assert_eq!(map, &json!({ "_expire": { "N": "1" } }));
            3 + 1 + "_expire".len() + 2
        }
    };
    attributes
        .map(|(name, value)| name.len() + size(value))
        .sum()
}

/// Text that does not compress: hexadecimal digits of a simple generator.
fn noise(length: usize) -> String {
    let mut state: u64 = 42;
    let digits = (0..length).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from_digit(u32::try_from(state >> 60).unwrap(), 16).unwrap()
    });
    digits.collect()
}

#[tokio::test]
async fn the_size_that_counts_is_that_of_the_sealed_item() {
    for pad in [0, 1024] {
        let world = World::new();
        let encryption = in_mode(EncryptionMode::On).pad(pad);
        let store = world.open(world.builder().encryption(encryption)).await;
        // Each length has an id of its own, all of the same length.
        let session = |length: usize| {
            let data = json!({ "text": "x".repeat(length) });
            new_session(&length.to_string(), data, MINUTE)
        };
        let fits = async |length: usize| match store.create(&session(length)).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ItemTooLarge, "{error}");
                false
            }
        };
        // The longest text that is accepted.
        let (mut low, mut high) = (400_000, LIMIT);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if fits(middle).await {
                low = middle;
            } else {
                high = middle;
            }
        }
        let name = low.to_string();
        let item = world.item(&name).unwrap();
        assert!(is_sealed(&item));
        // The check leaves room for the names of states that a session can have later: it has one of four.
        let spare = LIMIT - size_of(&item);
        assert!((24..=24 + pad).contains(&spare), "{pad}: {spare} bytes");
        let loaded = load(&store, &name).await;
        assert_eq!(loaded.data["text"].as_str().unwrap().len(), low);

        // Nothing that is too large is sent.
        world.tap.calls();
        let large = session(low + 1);
        let error = store.create(&large).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ItemTooLarge);
        let options = until(now() + MINUTE);
        for result in [
            store.save(&loaded, &large.data, &options).await,
            save_unknown(&store, &loaded.with_data(large.data.clone())).await,
            save_absent(&store, &large, &super::KOA).await,
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::ItemTooLarge);
        }
        assert!(world.tap.operations().is_empty());
        assert_eq!(world.item(&name), Some(item));
    }
}

#[tokio::test]
async fn compression_stores_what_fits_compressed() {
    for is_encrypted in [false, true] {
        let world = World::new();
        let builder = if is_encrypted {
            world.encrypting()
        } else {
            world.builder()
        };
        let store = world.open(builder.compress(true)).await;
        let data = json!({ "text": "tea and biscuits, ".repeat(50_000) });
        let session = new_session("a", data.clone(), MINUTE);
        let _ = store.create(&session).await.unwrap();
        assert!(size_of(&world.item("a").unwrap()) < 10_000);
        let loaded = load(&store, "a").await;
        assert_eq!(loaded.data, data);
        let more = json!({ "text": data["text"], "more": noise(1000) });
        let _ = saved(store.save(&loaded, &more, &until(now() + MINUTE)).await);
        assert_eq!(load(&store, "a").await.data, more);
        // Every store of this package with the key reads it.
        let other = if is_encrypted {
            world.encrypting()
        } else {
            world.builder()
        };
        assert_eq!(load(&other.build().unwrap(), "a").await.data, more);

        // What does not fit compressed either is refused.
        world.tap.calls();
        let session = new_session("b", json!({ "noise": noise(900_000) }), MINUTE);
        let error = store.put(&session).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ItemTooLarge);
        assert!(world.tap.operations().is_empty());
    }
}

#[tokio::test]
async fn what_compression_saves_nothing_of_is_stored_as_it_is() {
    let world = World::new();
    let store = world.open(world.builder().compress(true)).await;
    for (name, data) in [
        ("small", json!({ "n": 1 })),
        ("noise", json!({ "noise": noise(800) })),
    ] {
        let _ = stored(&store, name, data.clone()).await;
        let item = world.item(name).unwrap();
        assert!(!is_sealed(&item), "{name}");
        assert_eq!(load(&store, name).await.data, data);
    }
    assert_eq!(store.stats().sealed_writes, 0);
    // It becomes so when it grows, and plain again when it shrinks.
    let small = load(&store, "small").await;
    let large = json!({ "text": "tea ".repeat(1000) });
    let options = until(now() + MINUTE);
    let stamp = saved(store.save(&small, &large, &options).await);
    assert!(is_sealed(&world.item("small").unwrap()));
    let loaded = small.with_data(large).with_stamp(stamp);
    let _ = saved(store.save(&loaded, &json!({ "n": 2 }), &options).await);
    let item = world.item("small").unwrap();
    assert!(!is_sealed(&item));
    assert_eq!(item["session"], json!({ "M": { "n": { "N": "2" } } }));
}

/// A cart as shops keep it: some 10 KB of JSON.
fn cart(quantity: u32) -> Value {
    let items: Vec<_> = (0..55)
        .map(|n| {
            json!({
                "sku": format!("TEA-{:05}", n * 7919 % 100_000), "quantity": quantity,
                "title": format!("Loose leaf tea no. {n}, 250 g tin"), "price": { "amount": 995 + n, "currency": "EUR" },
                "image": format!("https://cdn.shop.example/images/products/tea-{n}/large.webp"),
            })
        })
        .collect();
    json!({ "user": "5f3c7a51-0c1d-4c43-9b1f-8f8d1de0a2b7", "cart": { "items": items, "coupon": null } })
}

#[tokio::test]
async fn compression_at_least_halves_the_units_of_a_cart() {
    let mut units = Vec::new();
    for (is_encrypted, compress) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::new();
        let builder = if is_encrypted {
            world.encrypting()
        } else {
            world.builder()
        };
        let store = world.open(builder.compress(compress)).await;
        let text = cart(1).to_string();
        assert!((9_000..12_000).contains(&text.len()), "{}", text.len());
        let loaded = stored(&store, "a", cart(1)).await;
        world.tap.units();
        let _ = saved(store.save(&loaded, &cart(2), &until(now() + MINUTE)).await);
        let set = world.tap.units();
        let found = store.load::<Value>(&id("a")).await.unwrap().unwrap();
        assert_eq!(found.data, cart(2));
        units.push([set, world.tap.units()]);
    }
    let halves =
        |one: [f64; 2], other: [f64; 2]| one[0] * 2.0 <= other[0] && one[1] * 2.0 <= other[1];
    assert!(halves(units[1], units[0]), "{units:?}");
    assert!(halves(units[3], units[2]), "{units:?}");
    assert!(halves(units[3], units[0]), "{units:?}");
}
