//! Prints the output of commands.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::failure::Failure;

/// Prints a line to standard output. If the reader has closed the pipe, drops the line (`println!` would panic).
///
/// # Errors
/// [`Failure::Output`] if the line cannot be written, for example because the disk is full.
pub fn print_line(line: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. A failure is ignored, because there is no other place to report it.
pub fn print_note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
