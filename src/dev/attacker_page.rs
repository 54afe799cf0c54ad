//! The attacker's page of the attack panel, with another origin than the service.
//! The page sends requests to the service from the visitor's browser, and shows which responses it may read.
//! So it demonstrates CSRF and CORS.

use std::io;
use std::net::Ipv4Addr;

use actix_web::dev::Server;
use actix_web::{App, HttpResponse, HttpServer, web};

/// Starts a server for the page on a free loopback port, and returns the URL of the page.
/// The page sends its requests to the URL `service`.
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
