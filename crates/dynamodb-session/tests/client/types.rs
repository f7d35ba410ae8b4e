//! The compiler checks that every public type can move to another thread, and that every operation can be spawned.

use std::fmt::Debug;

use dynamodb_session::clock::{ManualClock, SystemClock};
use dynamodb_session::framework::{ExpiryField, Framework};
use dynamodb_session::observe::{CallReport, Event, Listener, Observer, OperationStats, Stats};
use dynamodb_session::options::{Layout, ParallelChanges, TlsRoots};
use dynamodb_session::table::{BillingMode, Table, TableDescription, TableSettings, TimeToLive};
use dynamodb_session::transport::{
    Incomplete, IncompleteReason, Request, Response, TransportFuture,
};
use dynamodb_session::{
    Base, Builder, CreateOutcome, DecodeSession, EncodeSession, Error, ErrorKind, Loaded,
    NewSession, SaveOptions, SaveOutcome, SessionId, SessionStore, SessionText, Stamp,
    TouchOptions,
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
        ParallelChanges,
        Base<'static, String>,
        CreateOutcome,
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
        Loaded<String>,
        NewSession<String>,
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
        SaveOptions<'static>,
        SaveOutcome,
        TouchOptions<'static, String>,
    );
    shared::<Listener>();
    shared::<Observer>();
    error::<Error>();
    error::<Incomplete>();
    // The error is small, so that a `Result` with it stays small.
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

/// The only requirement for the data is that they can move between threads themselves.
fn futures_are_send<T>(store: &SessionStore, session: &NewSession<T>, loaded: &Loaded<T>)
where
    T: EncodeSession + DecodeSession + Send + Sync,
{
    let (options, framework) = (SaveOptions::default(), Framework::new());
    let (id, data) = (&loaded.id, &loaded.data);
    spawned(&store.create(session));
    spawned(&store.save(loaded, data, &options));
    spawned(&store.save(
        Base::<T>::Absent(id),
        data,
        &options.clone().framework(&framework),
    ));
    spawned(&store.save(Base::unknown(id, None), data, &options));
    spawned(&store.put(session));
    spawned(&store.load::<T>(id));
    spawned(&store.touch(loaded, &TouchOptions::default()));
    let touch = TouchOptions::default().framework(&framework, data);
    spawned(&store.touch(loaded, &touch));
    spawned(&store.delete(id));
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
    let session = NewSession::new(SessionId::generate(), String::new());
    let loaded = Loaded::new(session.id.clone(), String::new());
    futures_are_send(&store, &session, &loaded);
    transports_are_spawned(&(Box::pin(std::future::pending()) as TransportFuture<'_>));
}
