//! The attacker's page of the attack panel: a page of another origin.
//! It sends requests to the service from the visitor's browser (CORS, CSRF), and shows what the browser lets it see.

use std::io;
use std::net::Ipv4Addr;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};

/// Starts the page on a free port, reachable from this machine only.
/// The page sends requests to the URL `service` only.
/// Returns the URL of the page.
///
/// # Errors
/// Fails if there is no free port.
pub fn start(service: &str) -> io::Result<(String, Server)> {
    let page = include_str!("attacker_page.html").replace("SERVICE", service);
    let app = move || {
        let page = page.clone();
        let handler = move || {
            let page = page.clone();
            async move { HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page) }
        };
        App::new().route("/", web::get().to(handler))
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = server.addrs().first().copied().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok((format!("http://{address}/"), server.run()))
}
