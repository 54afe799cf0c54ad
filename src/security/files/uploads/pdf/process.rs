//! The child process that parses a PDF. It runs the same program as the service, with the command `inspect-pdf`.
//! It reads the file from its standard input and returns the result as its exit status.
//!
//! The child process has no environment, settings, secrets, open files or async runtime.
//! It limits its own resources before it reads the first byte.
//! If a file makes the parser crash, loop or use up memory, only the upload of this file fails.
#![allow(clippy::disallowed_types, reason = "the only process that the service starts is this program")]

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
use crate::security::files::uploads::refusal::{PdfFault, UploadError};

/// The child process may use this much memory, plus four times the size of the file. Only Linux enforces this limit.
/// The parser needs 32 MiB for a valid file of 7 MB.
const MAX_ADDRESS_SPACE: u64 = 192 * 1024 * 1024;
const ADDRESS_SPACE_PER_BYTE: u64 = 4;
/// The child process may use this much CPU time, plus one second for each [`BYTES_PER_CPU_SECOND`] bytes of the file.
/// A valid file of 7 MB needs half a second.
const MAX_CPU_SECONDS: u64 = 1;
const BYTES_PER_CPU_SECOND: u64 = 2 * 1024 * 1024;
/// How long the service waits for the child process. The time is generous, because the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The exit status of the child process if it could not set its limits or read the file.
const FAILED: u8 = 1;
/// The exit status of a Rust program that panicked.
const PANICKED: i32 = 101;
/// The signals that the kernel sends to a process which crashes or exceeds a limit.
const FAULT_SIGNALS: [Signal; 7] =
    [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::ILL, Signal::FPE, Signal::SYS, Signal::XCPU];

#[derive(Clone)]
pub struct PdfInspector {
    /// The path of the strongroom program.
    pub program: PathBuf,
}

impl PdfInspector {
    /// Inspects a PDF in a child process. If the caller drops the future, the child process is killed.
    /// The caller must limit how many inspections run at the same time.
    ///
    /// # Errors
    /// [`UploadError::Pdf`] if the file is refused. [`ApiError::Unavailable`] if the inspection itself fails.
    pub async fn inspect(&self, file: File) -> ApiResult<()> {
        let mut command = Command::new(&self.program);
        command.arg("inspect-pdf").env_clear().current_dir("/").kill_on_drop(true);
        command.stdin(file).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = tokio::time::timeout(TIMEOUT, command.status()).await;
        let ended = ended.map_err(|_| ApiError::unavailable(5, "PDF inspection timed out"))?;
        let status = ended
            .map_err(|error| ApiError::unavailable(5, format_args!("failed to start the PDF inspection: {error}")))?;
        match answer(status) {
            Some(answer) => Ok(answer.map_err(UploadError::Pdf)?),
            None => Err(ApiError::unavailable(5, format_args!("PDF inspection failed: {status}"))),
        }
    }
}

/// Converts the exit status to a result. Returns `None` if the file did not cause the exit.
fn answer(status: ExitStatus) -> Option<Result<(), PdfFault>> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Some(Ok(())),
        (Some(PANICKED), _) => Some(Err(PdfFault::Unreadable)),
        (Some(code), _) => PdfFault::from_exit_status(code).map(Err),
        (None, signal) => {
            let is_fault = FAULT_SIGNALS.iter().any(|fault| Some(fault.as_raw()) == signal);
            is_fault.then_some(Err(PdfFault::Unreadable))
        }
    }
}

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
    // If memory runs out, the kernel must kill this process and not the service. Errors are ignored: only Linux
    // has `oom_score_adj`.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let limit = |resource, soft: u64, hard: u64| {
        Ok::<_, io::Error>(setrlimit(resource, Rlimit { current: Some(soft), maximum: Some(hard) })?)
    };
    // The kernel sends SIGXCPU at the soft limit and SIGKILL at the hard limit.
    let seconds = MAX_CPU_SECONDS + file_size / BYTES_PER_CPU_SECOND;
    limit(Resource::Cpu, seconds, seconds + 1)?;
    // No core dump: it would contain the user's file. The other limits forbid writing to files, opening
    // files and starting processes.
    for resource in [Resource::Core, Resource::Fsize, Resource::Nofile, Resource::Nproc] {
        limit(resource, 0, 0)?;
    }
    if cfg!(target_os = "linux") {
        let bytes = MAX_ADDRESS_SPACE.saturating_add(file_size.saturating_mul(ADDRESS_SPACE_PER_BYTE));
        limit(Resource::As, bytes, bytes)?;
    }
    Ok(())
}
