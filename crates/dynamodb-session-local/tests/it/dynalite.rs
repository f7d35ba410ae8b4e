//! dynalite, the second opinion: an independent engine in a Node process.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running dynalite, stopped when dropped. Its tables take 100 ms to become active.
pub(crate) struct Dynalite {
    process: Child,
    port: u16,
}

const LAUNCHER: &str = "
    const server = require('dynalite')({ createTableMs: 100, deleteTableMs: 100 });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));
    process.stdin.on('end', () => process.exit()).resume();
";

impl Dynalite {
    pub(crate) fn start() -> Self {
        let package = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../node");
        assert!(
            package.join("node_modules/dynalite").exists(),
            "dynalite is not installed: run `npm ci` in the folder `node`, or `make test`, which does"
        );
        let mut process = Command::new("node")
            .args(["--eval", LAUNCHER])
            .current_dir(package)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .unwrap();
        Self {
            process,
            port: line.trim().parse().expect("dynalite prints its port"),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Dynalite {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
