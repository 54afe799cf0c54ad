//! The program in a separate process, to kill it or to measure its memory.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use sqlx::ConnectOptions;

use super::app::LONG_TIMEOUTS;
use super::database::{Role, TestDatabase};
use super::folder;
use super::wait;

pub struct Program {
    process: Child,
    pub base: String,
    pub state_dir: PathBuf,
    is_kept: bool,
    log: Arc<Mutex<String>>,
}

impl Program {
    pub fn start(database: &TestDatabase) -> Self {
        let state_dir = folder::new_path();
        Self::start_in(database, &state_dir, &[])
    }

    pub fn start_in(database: &TestDatabase, state_dir: &Path, changed: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_strongroom"))
            .env_clear()
            .env("STRONGROOM_DEV_STATE_DIR", state_dir)
            .env("STRONGROOM_HTTP_BIND", "127.0.0.1:0")
            .env("STRONGROOM_TLS_BIND", "127.0.0.1:0")
            .env("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:0")
            .envs(LONG_TIMEOUTS)
            .env("DATABASE_URL", database.options(Role::App).to_url_lossy().as_str())
            .envs(changed.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.find(|line| line.starts_with("  API ")).expect("it starts");
        let log = Arc::<Mutex<String>>::default();
        std::thread::spawn({
            let log = log.clone();
            move || lines.for_each(|line| *log.lock().unwrap() += &format!("{line}\n"))
        });
        let base = address.split_whitespace().nth(1).unwrap().strip_suffix("/docs").unwrap().to_owned();
        Self { process, base, state_dir: state_dir.to_owned(), is_kept: false, log }
    }

    /// Kills the program (SIGKILL). Its folder remains.
    pub fn kill(mut self) {
        self.is_kept = true;
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops the program (SIGTERM), and returns its log. Its folder remains.
    pub async fn terminate(mut self) -> String {
        self.is_kept = true;
        self.signal("-TERM");
        let ended = wait::until_some("the program ends", async || self.process.try_wait().unwrap()).await;
        assert!(ended.success(), "{ended}");
        // The thread that reads the log drops its clone of the `Arc` at the end of the log.
        wait::until("the log is read", async || Arc::strong_count(&self.log) == 1).await;
        self.log.lock().unwrap().clone()
    }

    /// Returns the resident memory in KiB.
    pub fn resident(&self) -> u64 {
        let id = self.process.id();
        if let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) {
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
            return line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        }
        let output = Command::new("ps").args(["-o", "rss=", "-p", &id.to_string()]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.state_dir);
        }
    }
}
