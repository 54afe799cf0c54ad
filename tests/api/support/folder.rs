//! Where tests put files: one folder for each test process. It goes when the process ends, also by a failure, Ctrl-C or SIGKILL:
//! keys must not be left in the system's temporary folder.

use std::fs::DirBuilder;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

/// Reads from a pipe whose other end only this process holds; the kernel closes it at any end. A service or a database that is
/// ending may still write, so it tries again for a minute.
const REMOVE_WHEN_THE_PIPE_CLOSES: &str =
    r#"read -r _; tries=0; until rm -rf "$1" || [ $tries = 60 ]; do tries=$((tries + 1)); sleep 1; done"#;

struct ProcessFolder {
    path: PathBuf,
    /// Holds the pipe.
    _watcher: Child,
}

static FOLDER: LazyLock<ProcessFolder> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("strongroom-test-{}", short_name()));
    // The database's own user must be able to pass through to its data.
    DirBuilder::new().mode(0o711).create(&path).unwrap();
    let watcher = Command::new("/bin/sh")
        .args(["-c", REMOVE_WHEN_THE_PIPE_CLOSES, "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the terminal is not for it.
        .process_group(0)
        .spawn()
        .unwrap();
    ProcessFolder { path, _watcher: watcher }
});

/// A name in the folder that nothing has yet. Short, since a socket's path may be below it.
pub fn new_path() -> PathBuf {
    FOLDER.path.join(short_name())
}

fn short_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}

const MARK: &str = "keys are in ";

/// Run by the test below in a process of its own, which that one kills.
#[test]
#[ignore = "waits to be killed"]
fn keeps_a_key_until_it_is_killed() {
    let path = new_path();
    std::fs::write(&path, "a key").unwrap();
    writeln!(std::io::stdout(), "{MARK}{}", path.display()).unwrap();
    std::thread::sleep(super::wait::AT_MOST);
}

#[tokio::test]
async fn killed_test_leaves_no_keys_behind() {
    let name = "support::folder::keeps_a_key_until_it_is_killed";
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains(MARK)).expect("it says where");
    let key = PathBuf::from(line.split(MARK).nth(1).unwrap());
    assert!(key.exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    super::wait::holds("the folder is gone", async || !key.parent().unwrap().exists()).await;
}
