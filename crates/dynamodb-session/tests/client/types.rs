//! Every public type can go to another thread, and every operation can be spawned: checked by the compiler.

use std::fmt::Debug;
use std::time::SystemTime;

use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::{
    BillingMode, Builder, CallReport, Conflict, Create, DecodeSession, EncodeSession, Error,
    ErrorKind, Event, Incomplete, IncompleteReason, Layout, Listener, ManualClock, Observer,
    OperationStats, Record, Request, Response, SessionId, SessionStore, SessionText, Stamp, Stats,
    SystemClock, Table, TableDescription, TableSettings, TimeToLive, TlsRoots, TransportFuture,
    Write,
};

fn shared<T: Send + Sync + 'static>() {}
fn shown<T: Debug>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}
fn spawned<F: Future + Send>(_: &F) {}

#[test]
fn types_are_send_and_sync() {
    macro_rules! each {
        ($($name:ty),* $(,)?) => { $(shared::<$name>(); shown::<$name>();)* };
    }
    each!(
        BillingMode,
        Builder,
        CallReport,
        Conflict,
        Create,
        Error,
        ErrorKind,
        Event,
        ExpiryField,
        Framework,
        Incomplete,
        IncompleteReason,
        Layout,
        ManualClock,
        OperationStats,
        Record<String>,
        Request,
        Response,
        SessionId,
        SessionStore,
        SessionText,
        Stamp,
        Stats,
        SystemClock,
        Table,
        TableDescription,
        TableSettings,
        TimeToLive,
        TlsRoots,
        Write,
    );
    shared::<Listener>();
    shared::<Observer>();
    error::<Error>();
    error::<Incomplete>();
    // A `Result` with it stays small.
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

/// Without more of the data than that it can itself go from thread to thread.
fn futures_are_send<T>(store: &SessionStore, record: &Record<T>)
where
    T: EncodeSession + DecodeSession + Send + Sync,
{
    spawned(&store.create(record));
    let expires_at = SystemTime::UNIX_EPOCH;
    spawned(&store.save(record, &record.data, expires_at));
    spawned(&store.save_with(record, &record.data, expires_at, &Framework::new()));
    spawned(&store.replace(record));
    spawned(&store.create_or_merge(record, &Framework::new()));
    spawned(&store.put(record));
    spawned(&store.load::<T>(&record.id));
    spawned(&store.touch(record, expires_at));
    spawned(&store.touch_with(record, &record.data, expires_at, &Framework::new()));
    spawned(&store.delete(&record.id));
    let (table, settings) = (store.table(), TableSettings::default());
    spawned(&table.describe());
    spawned(&table.time_to_live());
    spawned(&table.create(&settings));
    spawned(&table.create_if_missing(&settings));
    spawned(&table.update(&settings));
    spawned(&table.set_time_to_live(true));
    spawned(&table.delete());
}

fn transports_are_spawned(future: &TransportFuture<'_>) {
    spawned(future);
}

#[test]
fn futures_can_be_spawned() {
    let store = SessionStore::builder().build().unwrap();
    let record = Record::new(SessionId::generate(), String::new(), SystemTime::now());
    futures_are_send(&store, &record);
    transports_are_spawned(&(Box::pin(std::future::pending()) as TransportFuture<'_>));
}
