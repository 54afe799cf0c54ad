//! What commands print.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::failure::Failure;

/// Prints a line to standard output. A reader that has left (`strongroom openapi | head`) is no failure: the command ends as it
/// would have. `println!` would panic.
///
/// # Errors
/// [`Failure::Output`]: the line cannot be written, because a disk is full for example.
pub fn print_line(line: impl Display) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. A closed pipe is no failure.
pub fn print_note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
