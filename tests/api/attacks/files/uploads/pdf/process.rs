//! Files that crash or stall a parser (CWE-674, CWE-400) end only the child process that inspects the file. The tests
//! read the state of processes from `/proc`.
#![cfg(target_os = "linux")]

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::{refusal, upload, user};
use crate::attacks::files::uploads::{assert_nothing_is_stored, wait_until_nothing_is_stored};
use crate::support::pdf_files::{PdfFile, deflated_with_zeros};
use crate::support::{Actor, Reply, TestApp, wait};

const UNREADABLE: &str = "The PDF cannot be read whole";

/// Each object is a string that contains all later objects. An object has about 14 bytes, so the parser reads
/// 40,000² / 2 × 14 bytes: 11 GB.
fn looping() -> Vec<u8> {
    const OBJECTS: usize = 40_000;
    let mut file =
        "%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Kids [] >> endobj\n".to_owned();
    let mut table = format!("xref\n0 1\n0000000000 65535 f \n1 1\n{:010} 00000 n \n2 {}\n", 9, OBJECTS + 1);
    table += &format!("{:010} 00000 n \n", file.find("2 0 obj").unwrap());
    for number in 3..OBJECTS + 3 {
        table += &format!("{:010} 00000 n \n", file.len());
        file += &format!("{number} 0 obj (");
    }
    file += &")".repeat(OBJECTS);
    let start = file.len() + 1;
    format!("{file}\n{table}trailer << /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").into_bytes()
}

/// Returns a valid object stream that decompresses to 400 MiB, nearly all NULs, which are white space in PDF.
fn bomb() -> Vec<u8> {
    let content = deflated_with_zeros(b"9 0 null", 400 << 20);
    PdfFile::default().stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", &content).plain()
}

/// Returns the processes that inspect a PDF for this service: their standard input is a file in the service's folder.
fn inspections(app: &TestApp) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let reads =
        |process: &PathBuf| fs::read_link(process.join("fd/0")).is_ok_and(|file| file.starts_with(&app.state_dir));
    processes.filter(reads).collect()
}

async fn inspection(app: &TestApp) -> PathBuf {
    wait::until_some("an inspection runs", async || inspections(app).pop()).await
}

#[actix_web::test]
async fn decompression_bomb_is_refused_and_the_service_keeps_running() {
    let (app, alice) = user().await;
    assert!(refusal(&upload(&alice, &bomb()).await, "a bomb").starts_with(UNREADABLE));
    assert_nothing_is_stored(&app).await;
    upload(&alice, &PdfFile::default().plain()).await.ok(201);
}

#[actix_web::test]
async fn looping_inspections_are_stopped_while_other_requests_are_served() {
    let (app, alice) = user().await;
    let file = looping();
    assert!(refusal(&upload(&alice, &file).await, "a loop").starts_with(UNREADABLE));
    let (ended, peak) = (Cell::new(0), Cell::new(0));
    let looped = async || {
        // On a busy machine, the upload may wait too long for its inspection to start.
        assert!([400, 503].contains(&upload(&alice, &file).await.status.as_u16()));
        ended.set(ended.get() + 1);
    };
    let watched = async {
        while ended.get() < 2 {
            peak.set(peak.get().max(inspections(&app).len()));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let served = async {
        inspection(&app).await;
        alice.get("/api/v1/documents").await.ok(200);
        assert_eq!(ended.get(), 0, "other requests must be answered while the inspections run");
    };
    tokio::join!(looped(), looped(), watched, served);
    assert_eq!(peak.get(), 1, "at most one inspection per worker runs at the same time");
    assert_nothing_is_stored(&app).await;
    upload(&alice, &PdfFile::default().plain()).await.ok(201);
}

#[actix_web::test]
async fn inspection_process_has_resource_limits_and_no_environment_or_open_files() {
    let (app, alice) = user().await;
    let file = looping();
    let watched = async {
        let process = inspection(&app).await;
        let limits = async || fs::read_to_string(process.join("limits")).unwrap();
        wait::until("the process limits itself", async || limits().await.contains("Max address space         2")).await;
        let limits = limits().await;
        let lines: Vec<_> = limits.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for limit in [
            "Max cpu time 1 2 seconds",
            "Max file size 0 0 bytes",
            "Max core file size 0 0 bytes",
            "Max open files 0 0 files",
            "Max processes 0 0 processes",
        ] {
            assert!(lines.iter().any(|line| line == limit), "{limit}: {limits}");
        }
        assert_eq!(fs::read(process.join("environ")).unwrap(), b"");
        // The process may inherit files of the test runner, but no connection and no other document of the service.
        let document = fs::read_link(process.join("fd/0")).unwrap();
        for file in fs::read_dir(process.join("fd")).unwrap().map(|file| file.unwrap()) {
            // The process may close a file meanwhile.
            let Ok(target) = fs::read_link(file.path()) else { continue };
            assert!(target == document || !target.starts_with(&app.state_dir), "{target:?}");
            assert!(!target.to_string_lossy().starts_with("socket:"), "{target:?}");
        }
        for output in ["fd/1", "fd/2"] {
            assert_eq!(fs::read_link(process.join(output)).unwrap(), PathBuf::from("/dev/null"));
        }
        let input = fs::read_to_string(process.join("fdinfo/0")).unwrap();
        let flags = input.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
        assert_eq!(flags.chars().last(), Some('0'), "the process must not be able to write to its input file");
        assert_eq!(fs::read_to_string(process.join("oom_score_adj")).unwrap().trim(), "1000");
    };
    tokio::join!(upload(&alice, &file), watched);
}

/// Uploads a file whose inspection takes long, and sends this signal to the process of the inspection.
async fn upload_with_signal(app: &TestApp, user: &Actor, signal: &str) -> Reply {
    let file = looping();
    let sent = async {
        let process = inspection(app).await;
        let id = process.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    };
    tokio::join!(upload(user, &file), sent).0
}

/// A decompression bomb aborts the parser (SIGABRT). No known file overflows the parser's stack (20,000 nested or
/// chained objects do not), so the test sends the signals.
#[actix_web::test]
async fn crashed_inspection_refuses_its_upload_and_the_service_keeps_running() {
    let (app, alice) = user().await;
    for signal in ["-ABRT", "-SEGV"] {
        let reply = upload_with_signal(&app, &alice, signal).await;
        assert!(refusal(&reply, signal).starts_with(UNREADABLE));
        assert_nothing_is_stored(&app).await;
    }
    upload(&alice, &PdfFile::default().plain()).await.ok(201);
}

#[actix_web::test]
async fn upload_whose_inspection_is_killed_returns_503() {
    let (app, alice) = user().await;
    let reply = upload_with_signal(&app, &alice, "-KILL").await;
    reply.assert_refused(503, "unavailable");
    assert_eq!(reply.header("retry-after"), Some("5"));
    wait_until_nothing_is_stored(&app).await;
    upload(&alice, &PdfFile::default().plain()).await.ok(201);
}
