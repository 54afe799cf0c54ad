//! The process that parses a PDF: this program again (`strongroom inspect-pdf`), the file on its standard input, its answer the
//! exit status. It has no environment, no settings, no secrets, no open files and no runtime. It limits itself before it reads
//! the first byte, so a file that makes the parser crash, loop or eat memory costs its own upload and nothing else.
#![allow(clippy::disallowed_types, reason = "the one process that the service starts is this program")]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::process::Command;

use super::structure;
use crate::http::error::{ApiError, ApiResult};
use crate::security::files::uploads::refusal::{PdfFault, Refused};

/// Memory: this much, and four times the file. Of a sound file of 7 MB the parser takes 32 MiB. Linux alone enforces it.
const MAX_ADDRESS_SPACE: u64 = 192 * 1024 * 1024;
const ADDRESS_SPACE_PER_BYTE: u64 = 4;
/// CPU time in seconds: this much, and one for so many bytes. A sound file of 7 MB takes half a second.
const MAX_CPU_SECONDS: u64 = 1;
const BYTES_PER_CPU_SECOND: u64 = 2 * 1024 * 1024;
/// In which the answer must come, on a machine that is busy with other work too.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Exit status: the limits could not be set, or the file could not be read. Not the file's fault.
const FAILED: u8 = 1;
/// Exit status of Rust after a panic.
const PANICKED: i32 = 101;
/// Signals that end a process which crashed or exceeded its limits.
const FAULT_SIGNALS: [Signal; 7] =
    [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::ILL, Signal::FPE, Signal::SYS, Signal::XCPU];

/// Has PDFs inspected in processes of their own.
#[derive(Clone)]
pub struct PdfInspector {
    /// The path of this program.
    pub program: PathBuf,
}

impl PdfInspector {
    /// Inspects a PDF. The process is killed when this future is dropped. The caller limits how many run at once.
    ///
    /// # Errors
    /// [`Refused::Pdf`] with the fault of the file; [`ApiError::Unavailable`] if no answer came and the file is not the reason.
    pub async fn inspect(&self, file: File) -> ApiResult<()> {
        let mut command = Command::new(&self.program);
        command.arg("inspect-pdf").env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(file).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = tokio::time::timeout(TIMEOUT, command.status()).await;
        let ended = ended.map_err(|_| ApiError::unavailable(5, "a PDF was not inspected in time"))?;
        let status =
            ended.map_err(|error| ApiError::unavailable(5, format_args!("failed to inspect a PDF: {error}")))?;
        match answer(status) {
            Some(answer) => Ok(answer.map_err(Refused::Pdf)?),
            None => Err(ApiError::unavailable(5, format_args!("a PDF was not inspected: {status}"))),
        }
    }
}

/// What the process found. None if it ended for a reason that is not in the file, for example by a kill from outside.
fn answer(status: ExitStatus) -> Option<Result<(), PdfFault>> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Some(Ok(())),
        (Some(PANICKED), _) => Some(Err(PdfFault::Unreadable)),
        (Some(code), _) => PdfFault::of_exit_status(code).map(Err),
        (None, signal) => {
            let is_fault = FAULT_SIGNALS.iter().any(|fault| Some(fault.as_raw()) == signal);
            is_fault.then_some(Err(PdfFault::Unreadable))
        }
    }
}

/// The command `inspect-pdf`.
pub fn inspect_standard_input() -> ExitCode {
    match read_limited().map(|file| structure::inspect(&file)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(fault)) => ExitCode::from(fault as u8),
        Err(_) => ExitCode::from(FAILED),
    }
}

fn read_limited() -> io::Result<Vec<u8>> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let size = input.metadata()?.len();
    limit_this_process(size)?;
    let mut file = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    input.read_to_end(&mut file)?;
    Ok(file)
}

fn limit_this_process(file_size: u64) -> io::Result<()> {
    // A kernel that is short of memory ends this process rather than the service. Elsewhere than on Linux there is no such file.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let limit = |resource, soft: u64, hard: u64| {
        Ok::<_, io::Error>(setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })?)
    };
    // At the soft limit the kernel sends SIGXCPU, at the hard one SIGKILL.
    let seconds = MAX_CPU_SECONDS + file_size / BYTES_PER_CPU_SECOND;
    limit(Resource::Cpu, seconds, seconds + 1)?;
    // No core dump with the user's file in it, no file written or opened, no process started.
    for resource in [Resource::Core, Resource::Fsize, Resource::Nofile, Resource::Nproc] {
        limit(resource, 0, 0)?;
    }
    if cfg!(target_os = "linux") {
        let bytes = MAX_ADDRESS_SPACE.saturating_add(file_size.saturating_mul(ADDRESS_SPACE_PER_BYTE));
        limit(Resource::As, bytes, bytes)?;
    }
    Ok(())
}
