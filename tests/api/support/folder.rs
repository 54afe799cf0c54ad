//! A temporary folder for each test process. It contains keys, so a shell script removes it, even after SIGKILL.

use std::fs::DirBuilder;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use super::client::Client;
use super::database::TestDatabase;
use super::program::Program;

/// The script waits for the end of the test process, which closes the pipe. Then, on Linux, the script kills the
/// programs whose environment contains the path of the folder. A stopping database may still write into the folder, so
/// the script tries for a minute to remove it.
const REMOVE_WHEN_THE_PIPE_CLOSES: &str = r#"read -r _
    for program in $(grep -alsF "=$1/" /proc/[0-9]*/environ | tr -dc '0-9\n'); do kill -9 "$program"; done
    tries=0; until rm -rf "$1" || [ $tries = 60 ]; do tries=$((tries + 1)); sleep 1; done"#;

struct ProcessFolder {
    path: PathBuf,
    /// The script's process. Its input is the pipe.
    _watcher: Child,
}

static FOLDER: LazyLock<ProcessFolder> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("strongroom-test-{}", short_name()));
    // The database server may run as another user, who must be able to traverse the folder.
    DirBuilder::new().mode(0o711).create(&path).unwrap();
    let watcher = Command::new("/bin/sh")
        .args(["-c", REMOVE_WHEN_THE_PIPE_CLOSES, "sh"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in the terminal must not end the script.
        .process_group(0)
        .spawn()
        .unwrap();
    ProcessFolder { path, _watcher: watcher }
});

/// Returns a new path in the folder. It is short: the path of a Unix socket has at most about 100 bytes.
pub fn new_path() -> PathBuf {
    FOLDER.path.join(short_name())
}

fn short_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}

const MARK: &str = "keys are in ";

/// The next test runs this test in another process and kills it.
#[tokio::test]
#[ignore = "waits to be killed"]
async fn runs_a_program_until_it_is_killed() {
    let program = Program::start(&TestDatabase::create().await);
    writeln!(std::io::stdout(), "{MARK}{} {}", program.state_dir.display(), program.base).unwrap();
    std::thread::sleep(super::wait::MAX_WAIT);
}

#[tokio::test]
async fn killed_test_leaves_no_keys_and_no_program_behind() {
    let name = "support::folder::runs_a_program_until_it_is_killed";
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains(MARK)).expect("the test in the other process prints the path");
    let (keys, base) = line.split(MARK).nth(1).unwrap().split_once(' ').unwrap();
    let (keys, client) = (Path::new(keys), Client::from_address(base, [127, 0, 0, 1].into()));
    assert!(keys.exists());
    assert!(client.try_get("/health/live").await.is_some());
    victim.kill().unwrap();
    victim.wait().unwrap();
    super::wait::until("the folder is removed", async || !keys.parent().unwrap().exists()).await;
    super::wait::until("the program ends", async || client.try_get("/health/live").await.is_none()).await;
}
