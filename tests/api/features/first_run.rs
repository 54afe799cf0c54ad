//! The first steps of a new user: `cargo run` without configuration, the printed commands, a kill, and a restart.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::json;

use crate::support::client::Client;
use crate::support::folder;
use crate::support::wait;

/// A temporary folder in place of the Git checkout. At the end, `dev reset` deletes the data in the folder.
struct Checkout(PathBuf);

impl Checkout {
    fn new() -> Self {
        Self(folder::new_path())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
        command.args(arguments).env_clear();
        for name in ["PATH", "HOME", "PG_BIN"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .env("STRONGROOM_DEV_STATE_DIR", self.0.join(".strongroom"))
            .env("STRONGROOM_HTTP_BIND", "127.0.0.1:0")
            .env("STRONGROOM_TLS_BIND", "127.0.0.1:0")
            .env("STRONGROOM_MANAGEMENT_BIND", "127.0.0.1:0");
        command
    }

    fn start(&self) -> Service {
        fs::create_dir_all(&self.0).unwrap();
        let mut process = self.command(&[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        for line in lines.by_ref() {
            output.push_str(&line.unwrap());
            output.push('\n');
            if output.ends_with("Stop with Ctrl-C.\n") {
                break;
            }
        }
        // Read the rest of the output, because a full pipe would block the service.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(output.contains("Strongroom is ready"), "{output}");
        Service { process, output }
    }

    /// Starts the service, which must fail.
    fn start_error(&self, more: &[(&str, &str)]) -> String {
        let done = self.command(&[]).envs(more.iter().copied()).output().unwrap();
        assert!(!done.status.success());
        String::from_utf8(done.stderr).unwrap().lines().last().unwrap().to_owned()
    }

    fn reset(self) {
        let done = self.command(&["dev", "reset"]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::remove_dir(&self.0).expect("the test must create nothing but .strongroom");
    }
}

struct Service {
    process: Child,
    output: String,
}

impl Service {
    /// Returns the printed commands for the user.
    fn lines(&self) -> Vec<&str> {
        self.output.lines().filter(|line| line.starts_with("TOKEN=") || line.starts_with("curl ")).collect()
    }

    fn base(&self) -> String {
        let start = self.output.find("http://127.0.0.1:").unwrap();
        self.output[start..].split('/').take(3).collect::<Vec<_>>().join("/")
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn stop(mut self) {
        self.signal("-TERM");
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[actix_web::test]
async fn printed_commands_work_and_remain_valid_after_a_restart() {
    let checkout = Checkout::new();
    let service = checkout.start();
    let [sign_in, own, foreign] = service.lines()[..] else { panic!("three lines: {}", service.output) };
    for (read, status) in [(own, "200 OK"), (foreign, "404 Not Found")] {
        let pasted = Command::new("sh").args(["-c", &format!("{sign_in}\n{read}")]).output().unwrap();
        let answer = String::from_utf8(pasted.stdout).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let second = checkout.start_error(&[]);
    assert!(second.contains("in use by process") && second.contains("stop it first"), "{second}");

    let other = Checkout::new();
    let busy = other.start_error(&[("STRONGROOM_HTTP_BIND", service.base().strip_prefix("http://").unwrap())]);
    assert!(
        busy.contains("stop the program that uses this address") && busy.contains("STRONGROOM_HTTP_BIND"),
        "{busy}"
    );
    fs::create_dir_all(&other.0).unwrap();
    other.reset();

    // After a restart, the service prints the same commands. Only the port differs.
    let commands = |service: &Service| service.lines().join("\n").replace(&service.base(), "BASE");
    let before = commands(&service);
    service.stop();
    let service = checkout.start();
    assert_eq!(commands(&service), before);

    // The service also starts while a demo user is locked.
    for _ in 0..6 {
        let body = json!({"email": "anna@demo.example", "password": "wrong horse battery 1"});
        client(&service).request(Method::POST, "/api/v1/auth/login").json(&body).send().await;
    }
    service.stop();
    let service = checkout.start();
    assert!(service.output.contains("locked"), "{}", service.output);
    service.stop();
    checkout.reset();
}

#[actix_web::test]
async fn acknowledged_writes_survive_sigkill() {
    let checkout = Checkout::new();
    let mut service = checkout.start();
    let token = sign_in(&service).await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let writers: Vec<_> = (0..6)
        .map(|writer: u8| {
            let (client, token, kept) = (client(&service), token.clone(), kept.clone());
            actix_web::rt::spawn(async move {
                for n in 0_u32.. {
                    let name = format!("{writer}-{n}");
                    let body = json!({"name": name, "default_currency": "EUR"});
                    let request = client.request(Method::POST, "/api/v1/customers").bearer(&token).json(&body);
                    match request.try_send().await {
                        Some(201) => kept.lock().unwrap().push(name),
                        _ => break,
                    }
                }
            })
        })
        .collect();
    wait::until("40 writes are acknowledged", async || kept.lock().unwrap().len() >= 40).await;
    service.signal("-KILL");
    service.process.wait().unwrap();
    for writer in writers {
        writer.await.unwrap();
    }

    let service = checkout.start();
    let (client, token) = (client(&service), sign_in(&service).await);
    let (mut names, mut path) = (Vec::new(), "/api/v1/customers?limit=100".to_owned());
    loop {
        let page = client.request(Method::GET, &path).bearer(&token).send().await.ok(200).json();
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/customers?limit=100&cursor={next}");
    }
    let kept = kept.lock().unwrap();
    let lost: Vec<&String> = kept.iter().filter(|name| !names.contains(name)).collect();
    assert_eq!(lost, Vec::<&String>::new(), "of {}", kept.len());
    service.stop();
    checkout.reset();
}

fn client(service: &Service) -> Client {
    Client::from_address(&service.base(), [127, 0, 0, 1].into())
}

async fn sign_in(service: &Service) -> String {
    let line = service.lines()[0];
    let start = line.find('{').unwrap();
    let body = serde_json::from_str(&line[start..=line.find('}').unwrap()]).unwrap();
    let reply = client(service).request(Method::POST, "/api/v1/auth/login").json(&body).send().await.ok(200);
    reply.json()["access_token"].as_str().unwrap().to_owned()
}
