//! Sends all requests of `docs/requests.http` in order, and checks their replies.
//! Each request has a title (`###`) and a line `# expect` with the status and the problem code.
//! A line `# @name` lets a later request use the reply.

use std::collections::HashMap;

use reqwest::Method;

use crate::support::examples::Demo;
use crate::support::reply::Reply;

/// A request of the file, with the placeholders `{{…}}`.
#[derive(Default)]
struct Step {
    title: String,
    name: Option<String>,
    status: u16,
    code: Option<String>,
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<String>,
}

fn steps(file: &str) -> Vec<Step> {
    let blocks = file.split("\n### ").skip(1);
    blocks.map(step).collect()
}

fn step(block: &str) -> Step {
    let mut lines = block.lines();
    let mut step = Step { title: lines.next().unwrap().to_owned(), ..Step::default() };
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix("# @name ") {
            step.name = Some(name.to_owned());
        } else if let Some(expected) = line.strip_prefix("# expect ") {
            let (status, code) =
                expected.split_once(' ').map_or((expected, None), |(status, code)| (status, Some(code)));
            step.status = status.parse().unwrap();
            step.code = code.map(str::to_owned);
        } else if step.line.is_empty() {
            step.line = line.to_owned();
        } else {
            let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("not a header: {line}"));
            step.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    step.body = lines.map(str::to_owned).collect();
    assert_ne!(step.status, 0, "{}: `# expect` with the status is missing", step.title);
    step
}

/// The values of `{{name}}`: variables from the top of the file, and parts of earlier replies. `{{$guid}}` is a random
/// idempotency key.
struct Values {
    variables: HashMap<String, String>,
    replies: HashMap<String, Reply>,
}

impl Values {
    fn fill(&self, text: &str) -> String {
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once("}}").unwrap_or_else(|| panic!("not closed: {text}"));
            filled += &self.value(name);
            filled += rest;
        }
        filled
    }

    fn value(&self, name: &str) -> String {
        if name == "$guid" {
            return uuid::Uuid::new_v4().to_string();
        }
        let Some((request, part)) = name.split_once(".response.") else {
            return self.variables.get(name).unwrap_or_else(|| panic!("no variable {name}")).clone();
        };
        let reply = self.replies.get(request).unwrap_or_else(|| panic!("no earlier request has `# @name {request}`"));
        if let Some(header) = part.strip_prefix("headers.") {
            return reply.header(header).unwrap_or_else(|| panic!("{request} has no {header}")).to_owned();
        }
        let pointer = part.strip_prefix("body.$").unwrap_or_else(|| panic!("{name}: .body.$… or .headers.…"));
        let body = reply.json();
        let value = body.pointer(&pointer.replace('.', "/")).unwrap_or_else(|| panic!("{name}: not in {body}"));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
}

#[actix_web::test]
async fn all_requests_of_the_collection_work() {
    let file = include_str!("../../../docs/requests.http");
    let Demo { app, anna, root } = Demo::start().await;
    let head = file.lines().take_while(|line| !line.starts_with("### "));
    let variables = head.filter_map(|line| line.strip_prefix('@')?.split_once(" = "));
    let mut variables: HashMap<_, _> = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // Only these three variables differ from machine to machine.
    let base = app.services().settings.http.public_url.clone();
    variables.insert("base".to_owned(), base.clone());
    variables.insert("password".to_owned(), anna.password.clone());
    variables.insert("administrators_password".to_owned(), root.password.clone());
    let mut known = Values { variables, replies: HashMap::new() };
    let steps = steps(file);
    assert!(steps.len() >= 25, "{}", steps.len());
    for step in steps {
        let line = known.fill(&step.line);
        let (method, target) = line.split_once(' ').unwrap_or_else(|| panic!("{}: no request line", step.title));
        let path = target.strip_prefix(&base).unwrap_or_else(|| panic!("{}: write {{{{base}}}}", step.title));
        let mut request = app.anonymous().request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        for (name, value) in &step.headers {
            request = request.header(name, known.fill(value));
        }
        // The lines of a form must end in CRLF.
        let is_form = step.headers.iter().any(|(_, value)| value.starts_with("multipart/"));
        let body = known.fill(step.body.join(if is_form { "\r\n" } else { "\n" }).trim_start());
        let reply = if body.trim().is_empty() { request } else { request.raw(body) }.send().await;
        assert_eq!(reply.status.as_u16(), step.status, "{}: {}", step.title, reply.text());
        if step.status >= 400 {
            assert_eq!(reply.json()["code"].as_str(), step.code.as_deref(), "{}", step.title);
        }
        if let Some(name) = step.name {
            known.replies.insert(name, reply);
        }
    }
}
