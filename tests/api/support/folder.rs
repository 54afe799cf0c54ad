//! A temporary folder for each test process. It contains keys, so it is removed however the process ends, also by Ctrl-C or
//! SIGKILL.

use std::fs::DirBuilder;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// Waits until a pipe closes that only this process holds open. A service or database that is stopping may still write into the
/// folder, so the script tries to remove it for a minute.
const REMOVE_WHEN_THE_PIPE_CLOSES: &str =
    r#"read -r _; tries=0; until rm -rf "$1" || [ $tries = 60 ]; do tries=$((tries + 1)); sleep 1; done"#;

struct ProcessFolder {
    path: PathBuf,
    /// Holds the pipe open.
    _watcher: Child,
}

static FOLDER: LazyLock<ProcessFolder> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("strongroom-test-{}", short_name()));
    // The database server runs as another user, who must be able to traverse the folder.
    DirBuilder::new().mode(0o711).create(&path).unwrap();
    let watcher = Command::new("/bin/sh")
        .args(["-c", REMOVE_WHEN_THE_PIPE_CLOSES, "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // In its own process group, Ctrl-C in the terminal does not end the watcher.
        .process_group(0)
        .spawn()
        .unwrap();
    ProcessFolder { path, _watcher: watcher }
});

/// Returns a new path in the folder. It is short, because the path of a Unix socket has a maximum length.
pub fn new_path() -> PathBuf {
    FOLDER.path.join(short_name())
}

fn short_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}

const MARK: &str = "keys are in ";

/// The test below runs this test in another process, and kills that process.
#[test]
#[ignore = "waits to be killed"]
fn holds_a_key_until_it_is_killed() {
    let path = new_path();
    std::fs::write(&path, "a key").unwrap();
    writeln!(std::io::stdout(), "{MARK}{}", path.display()).unwrap();
    std::thread::sleep(super::wait::MAX_WAIT);
}

#[tokio::test]
async fn killed_test_leaves_no_keys_behind() {
    let name = "support::folder::holds_a_key_until_it_is_killed";
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains(MARK)).expect("it prints the path");
    let key = PathBuf::from(line.split(MARK).nth(1).unwrap());
    assert!(key.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    super::wait::until("the folder is removed", async || !key.parent().unwrap().exists()).await;
}
