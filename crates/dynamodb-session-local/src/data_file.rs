//! The file in which an engine keeps its tables: checks before SQLite opens it, and the lock on it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use dynoxide::Database;
use rusqlite::{Connection, OpenFlags};

use crate::error::{reason, way_out};
use crate::{Error, ErrorKind};

/// The first bytes of every SQLite file.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether there are tables, but not those of this engine.
const IS_FOREIGN: &str = "SELECT EXISTS (SELECT 1 FROM sqlite_master) \
     AND NOT EXISTS (SELECT 1 FROM pragma_table_info('_tables') WHERE name = 'key_schema')";

/// Opens the database of a data file, and creates it if it is missing. No other engine can use it while the lock lives.
pub(crate) fn open(path: &Path) -> Result<(Database, Lock), Error> {
    let fail = |reason: &dyn fmt::Display| {
        let message = format!("cannot use the data file {}: {reason}", path.display());
        Error::new(ErrorKind::DataFile, message)
    };
    let failed = |error: io::Error| fail(&explained(&error, path)).with_source(error);
    // Absolute, or SQLite would take `file:x` for a URI and `:memory:` for no file at all.
    let absolute = std::path::absolute(path).map_err(failed)?;
    let Some(name) = absolute.to_str() else {
        return Err(fail(&"its path is not valid Unicode"));
    };
    let file = create_or_open(&absolute).map_err(failed)?;
    // SQLite would fail too, but only after it has changed some kinds of file.
    if !is_sqlite_or_empty(file).map_err(failed)? {
        return Err(fail(&"it is not a SQLite database; name another file"));
    }
    let lock = Lock::take(&absolute).map_err(failed)?.ok_or_else(|| {
        fail(&"another engine has it open; use that one, or stop it, or name another file")
    })?;
    let foreign = is_foreign(name);
    if foreign.map_err(|error| fail(&with_way_out(&error)).with_source(error))? {
        return Err(fail(
            &"it is the SQLite database of another program; name another file",
        ));
    }
    let db = Database::new(name).map_err(|error| fail(&with_way_out(&error)).with_source(error))?;
    Ok((db, lock))
}

fn create_or_open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    // Sessions are secrets. SQLite gives the files beside this one the same permissions.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn is_sqlite_or_empty(file: File) -> io::Result<bool> {
    let mut start = Vec::with_capacity(SQLITE_MAGIC.len());
    file.take(SQLITE_MAGIC.len() as u64)
        .read_to_end(&mut start)?;
    Ok(start.is_empty() || start == SQLITE_MAGIC)
}

/// The engine would add its tables to any database, and switch its journal.
fn is_foreign(path: &str) -> rusqlite::Result<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)?.query_row(IS_FOREIGN, [], |row| row.get(0))
}

fn explained(error: &io::Error, path: &Path) -> String {
    match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(directory)) if !directory.as_os_str().is_empty() => {
            format!(
                "the directory {} does not exist; create it first",
                directory.display()
            )
        }
        (io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem, _) => {
            format!("{error}; the file and its directory must be writable")
        }
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _) => {
            format!("{error}; free some space, or name a file on another disk")
        }
        _ => error.to_string(),
    }
}

fn with_way_out(error: &impl fmt::Display) -> String {
    let reason = reason(error);
    match way_out(&reason) {
        Some(way_out) => format!("{reason}; {way_out}"),
        None => reason,
    }
}

/// The lock of a data file. Engines keep the list of tables in memory, so two engines on one file would not see each
/// other's changes. The lock is on a separate file, `-lock`: on some systems a lock on the database would lock out
/// SQLite too.
pub(crate) struct Lock {
    path: PathBuf,
    /// Holds the lock until it is closed, which the system does when the process dies.
    _file: File,
}

impl Lock {
    /// `None` if another engine holds it.
    fn take(data_file: &Path) -> io::Result<Option<Self>> {
        let mut path = OsString::from(data_file);
        path.push("-lock");
        let path = PathBuf::from(path);
        let file = create_or_open(&path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // Not every file system has locks. SQLite's own locks then protect the data, or fail with their reason.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(Self { path, _file: file })),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A closed data file is a single file. A leftover lock file is harmless.
        drop(fs::remove_file(&self.path));
    }
}
