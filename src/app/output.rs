//! Prints the output of commands.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::failure::Failure;

/// Prints a line to standard output.
/// The line is dropped without an error if the reader has closed the pipe (`strongroom openapi | head`). `println!`
/// would panic in this case.
///
/// # Errors
/// [`Failure::Output`] if the line cannot be written, for example because the disk is full.
pub fn print_line(line: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Prints a line to standard error and ignores errors.
pub fn print_note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
