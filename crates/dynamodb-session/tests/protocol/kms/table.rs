//! No verb takes the item of a data key for a session.

use dynamodb_session::options::Layout;
use serde_json::Value;

use super::{DAY, NEXT, NOW, Scene, create, opens};

#[tokio::test]
async fn no_verb_over_the_table_lists_counts_or_deletes_data_keys() {
    let names = [
        "session",
        "connect-dynamodb",
        "dynamodb-store",
        "tower-sessions-dynamodb-store",
    ];
    for layout in names.map(|name| name.parse::<Layout>().unwrap()) {
        let scene = Scene::new();
        scene.world.store().await;
        let (store, _) = scene.process_with(scene.builder().layout(layout));
        create(&store, "a").await.unwrap();
        scene.world.clock.advance(30 * DAY);
        create(&store, "b").await.unwrap();
        let keys = [NOW, NEXT].map(|key| scene.world.item(key).unwrap());

        let page = store.list::<Value>(None).await.unwrap();
        assert_eq!((page.sessions.len(), page.unreadable), (2, 0), "{layout:?}");
        assert_eq!(store.count().await.unwrap(), 2);
        scene.world.clock.advance(365 * DAY);
        assert_eq!(store.count().await.unwrap(), 0);
        assert_eq!(store.delete_expired().await.unwrap(), 2);
        create(&store, "c").await.unwrap();
        assert_eq!(store.clear().await.unwrap(), 1);
        assert_eq!(store.clear_with_tombstones().await.unwrap(), 1);
        let after = [NOW, NEXT].map(|key| scene.world.item(key).unwrap());
        assert_eq!(after, keys, "{layout:?}");
        // And the new one, whose period it is.
        create(&store, "d").await.unwrap();
        opens(&store, "d").await;
    }
}
