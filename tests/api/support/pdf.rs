//! Reads PDFs with the programs of poppler.

use std::io::Write;
use std::ops::RangeInclusive;
use std::process::{Command, Stdio};

fn run(program: &str, arguments: &[&str], pdf: &[u8]) -> String {
    String::from_utf8(seen(program, arguments, pdf)).unwrap()
}

fn seen(program: &str, arguments: &[&str], pdf: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // poppler wrongly warns about a boolean that the PDF standard requires.
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}: apt-get install poppler-utils"));
    let mut input = child.stdin.take().unwrap();
    let pdf = pdf.to_vec();
    let fed = std::thread::spawn(move || input.write_all(&pdf));
    let output = child.wait_with_output().unwrap();
    let _ = fed.join().unwrap();
    assert!(output.status.success(), "{program} cannot read the PDF");
    output.stdout
}

/// Returns the text of each page in reading order, without directional marks.
pub fn pages(pdf: &[u8]) -> Vec<String> {
    split(&run("pdftotext", &["-", "-"], pdf))
}

pub fn text(pdf: &[u8]) -> String {
    pages(pdf).join("\n")
}

/// Returns the text of each page by table rows. Right-to-left text is not in reading order.
pub fn rows(pdf: &[u8]) -> Vec<String> {
    split(&run("pdftotext", &["-raw", "-", "-"], pdf))
}

fn split(text: &str) -> Vec<String> {
    let text: String = text.chars().filter(|c| !('\u{202a}'..='\u{202e}').contains(c)).collect();
    text.trim_end_matches('\u{c}').split('\u{c}').map(|page| page.trim().to_owned()).collect()
}

/// Counts the pixels of the first page with one of these shades of gray, at 20 dpi.
pub fn count_pixels(pdf: &[u8], greys: RangeInclusive<u8>) -> usize {
    // PGM: a head of three lines, then one byte per pixel.
    let picture = seen("pdftoppm", &["-gray", "-r", "20", "-singlefile", "-"], pdf);
    picture.iter().filter(|dot| greys.contains(dot)).count()
}

/// Returns a property such as `Pages`, `JavaScript` or `Title`.
pub fn info(pdf: &[u8], name: &str) -> String {
    let info = run("pdfinfo", &["-"], pdf);
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}
