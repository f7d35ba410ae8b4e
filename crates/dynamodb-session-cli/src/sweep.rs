//! `sweep`.

use crate::cli::SweepArgs;
use crate::connection::Kept;
use crate::exit::Failure;
use crate::{connection, output, progress};

pub(crate) async fn run(args: &SweepArgs) -> Result<(), Failure> {
    // Whatever the layout, an item has expired by its expiry.
    let kept = Kept {
        prefix: &args.ids.prefix,
        ..Kept::default()
    };
    let deleted = progress::shown("Deleting expired sessions", async {
        let store = connection::store_of_table(&args.connection, &args.table, kept);
        Ok::<_, Failure>(store.await?.delete_expired().await?)
    })
    .await?;
    if args.output.json {
        return output::json(&serde_json::json!({ "deleted": deleted }));
    }
    // Sessions, and what signed-out ones have left.
    let items = if deleted == 1 { "item" } else { "items" };
    output::line(&format!("Deleted {deleted} expired {items}."))
}
