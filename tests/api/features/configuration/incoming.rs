//! Settings of incoming connections: TLS, origins and proxies.

use strongroom::config::{Network, Settings};

use super::{Base, OTHER, STRONG, THIRD};

#[test]
fn production_requires_tls_or_a_trusted_proxy() {
    let base = Base::production();
    let (certificate, key) = ("STRONGROOM_TLS_CERT_FILE", "STRONGROOM_TLS_KEY_FILE");
    let (by_proxy, proxies) = ("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "STRONGROOM_HTTP_TRUSTED_PROXIES");
    let none = [(certificate, ""), (key, "")];
    assert_eq!(base.faults(&none), [certificate]);
    assert_eq!(base.faults(&[none[0], none[1], (by_proxy, "true"), (proxies, "10.0.0.7")]), [""; 0]);
    assert_eq!(base.faults(&[none[0], none[1], (proxies, "10.0.0.7")]), [certificate]);
    assert_eq!(base.faults(&[(by_proxy, "true")]), [by_proxy]);
    assert_eq!(base.faults(&[none[0]]), [certificate]);
    assert_eq!(base.faults(&[none[1]]), [key]);
    base.refuses(by_proxy, &["yes", "1", "TRUE"]);
    let folder = base.folder.path("");
    let swapped = base.folder.path("key.pem");
    base.refuses(certificate, &["/nowhere/cert.pem", &folder, &swapped]);
    base.refuses(key, &["/nowhere/key.pem", &base.folder.path("cert.pem")]);
}

#[test]
fn overly_wide_proxy_networks_are_refused() {
    let wide = [
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0/7",
        "2000::/15",
        "::ffff:0.0.0.0/96",
        "::ffff:10.0.0.0/24",
        "10.0.0.1, 0.0.0.0/0",
    ];
    let malformed = [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/",
        "10.0.0",
        "proxy.internal",
        "fd00::1/64",
        "10.0.0.0/8/8",
    ];
    let base = Base::production();
    base.refuses("STRONGROOM_HTTP_TRUSTED_PROXIES", &wide);
    base.refuses("STRONGROOM_HTTP_TRUSTED_PROXIES", &malformed);
    let good = "10.0.0.0/8, 192.0.2.7 ,fd00::/16,::ffff:198.51.100.0/120";
    let proxies = base.with(&[("STRONGROOM_HTTP_TRUSTED_PROXIES", good)]).unwrap().http.trusted_proxies;
    let trusted = |address: &str| proxies.iter().any(|network| network.contains(address.parse().unwrap()));
    for inside in ["10.255.255.255", "::ffff:10.0.0.1", "192.0.2.7", "fd00:ffff::1", "198.51.100.200"] {
        assert!(trusted(inside), "{inside}");
    }
    for outside in ["11.0.0.0", "9.255.255.255", "192.0.2.6", "192.0.2.8", "fd01::1", "198.51.101.0", "::10.0.0.1"] {
        assert!(!trusted(outside), "{outside}");
    }
    let one: Network = "2001:db8::1".parse().unwrap();
    assert!(one.contains("2001:db8::1".parse().unwrap()) && !one.contains("2001:db8::2".parse().unwrap()));
}

/// A line break could add another field to `security.txt`.
#[test]
fn security_contact_is_one_uri() {
    let name = "STRONGROOM_HTTP_SECURITY_CONTACT";
    let base = Base::production();
    base.refuses(
        name,
        &[
            "security@example.com",
            "http://example.com/report",
            "javascript:alert(1)",
            "mailto:",
            "https://",
            "mailto:security@example.com\nContact: mailto:other@example.com",
            "mailto:security@example.com, mailto:b@example.com",
        ],
    );
    for contact in ["mailto:security@example.com", "https://example.com/report", "tel:+1-201-555-0123"] {
        assert_eq!(base.with(&[(name, contact)]).unwrap().http.security_contact, contact);
    }
}

#[test]
fn origin_must_have_the_form_of_browsers() {
    let wrong = [
        "*",
        "null",
        "https://*",
        "https://*.example/",
        "http://app.example",
        "http://localhost:3000",
        "app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?x",
        "https://app.example#x",
        "https://user@app.example",
        "https://user:password@app.example",
        "https://APP.example",
        "HTTPS://app.example",
        "https://app.example:443",
        "https://app.example:+443",
        "https://app.example:0443",
        "https://app.example:",
        "https://",
        "https:///app.example",
        "https:app.example",
        "https://\u{e4}pp.example",
        "https://app.example.:99999",
        "https://127.1",
        "https://[0::1]",
        "ftp://app.example",
        "file:///",
        "data:text/html;x",
        "ws://app.example",
        "https://app.example https://evil.example",
        "https://app.example\\@evil.example",
    ];
    let base = Base::production();
    base.refuses("STRONGROOM_CORS_ALLOWED_ORIGINS", &wrong);
    base.refuses("STRONGROOM_HTTP_PUBLIC_URL", &wrong);
    let right = ["https://app.example", "https://app.example:8443", "https://xn--pp-1ia.example", "https://[::1]:8443"];
    base.accepts("STRONGROOM_CORS_ALLOWED_ORIGINS", &right);
    base.accepts("STRONGROOM_HTTP_PUBLIC_URL", &right);
    let both = base.with(&[("STRONGROOM_CORS_ALLOWED_ORIGINS", "https://app.example, https://api.example")]).unwrap();
    assert_eq!(both.cors.allowed_origins, ["https://api.example", "https://app.example"]);

    let development = Base::development();
    let own = ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000", "https://app.example"];
    development.accepts("STRONGROOM_CORS_ALLOWED_ORIGINS", &own);
    let others = ["http://app.example", "http://localhost.evil.example", "http://192.168.0.7", "http://localhost:80"];
    development.refuses("STRONGROOM_CORS_ALLOWED_ORIGINS", &others);
}

#[test]
fn development_listens_on_loopback_only() {
    let base = Base::development();
    for name in ["STRONGROOM_HTTP_BIND", "STRONGROOM_TLS_BIND", "STRONGROOM_MANAGEMENT_BIND"] {
        base.refuses(
            name,
            &["0.0.0.0:8080", "[::]:8080", "192.168.0.7:8080", "203.0.113.7:80", "localhost", "8080", ":8080"],
        );
        base.accepts(name, &["127.0.0.1:0", "[::1]:8080", "127.0.0.53:8080"]);
    }
    Base::production().accepts("STRONGROOM_HTTP_BIND", &["0.0.0.0:8080"]);
}

#[test]
fn management_port_beyond_loopback_requires_tls_and_a_token() {
    let (bind, token) = ("STRONGROOM_MANAGEMENT_BIND", "STRONGROOM_MANAGEMENT_TOKEN");
    let production = Base::production();
    assert!(production.with(&[]).unwrap().management.bind.ip().is_loopback());
    production.accepts(bind, &["127.0.0.1:9000", "[::1]:9464"]);
    for beyond in ["0.0.0.0:9464", "[::]:9464", "10.0.0.7:9464"] {
        assert_eq!(production.faults(&[(bind, beyond)]), [token], "{beyond}");
        assert_eq!(production.faults(&[(bind, beyond), (token, THIRD)]), [""; 0], "{beyond}");
    }
    let behind_proxy = [
        (bind, "0.0.0.0:9464"),
        (token, THIRD),
        ("STRONGROOM_HTTP_TRUSTED_PROXIES", "10.0.0.1"),
        ("STRONGROOM_HTTP_TLS_TERMINATED_BY_PROXY", "true"),
        ("STRONGROOM_TLS_CERT_FILE", ""),
        ("STRONGROOM_TLS_KEY_FILE", ""),
    ];
    assert_eq!(production.faults(&behind_proxy), ["STRONGROOM_TLS_CERT_FILE"]);
    // Even on loopback, the token of the management port must be strong and differ from other secrets.
    production.refuses(token, &["short", "password-password-password-password", STRONG, OTHER]);
    Base::development().refuses(token, &["short"]);
}

#[test]
fn api_reference_is_off_in_production_by_default() {
    let production = Base::production();
    assert!(!production.with(&[]).unwrap().http.docs);
    assert!(production.with(&[("STRONGROOM_HTTP_DOCS", "true")]).unwrap().http.docs);
    production.refuses("STRONGROOM_HTTP_DOCS", &["yes", "1", "TRUE"]);
    let development = Base::development();
    assert!(development.with(&[]).unwrap().http.docs);
    assert!(!development.with(&[("STRONGROOM_HTTP_DOCS", "false")]).unwrap().http.docs);
}

/// The attack panel creates accounts. So production needs two settings: one for the console, and one for the panel.
#[test]
fn attack_panel_needs_two_settings_in_production() {
    let (console, panel) = (("STRONGROOM_HTTP_CONSOLE", "true"), ("STRONGROOM_HTTP_ATTACK_PANEL", "true"));
    let is_on = |base: &Base, changed: &[(&str, &str)]| base.with(changed).unwrap().http.attack_panel;
    let production = Base::production();
    for changed in [&[][..], &[console], &[panel]] {
        assert!(!is_on(&production, changed), "{changed:?}");
    }
    assert!(is_on(&production, &[console, panel]));
    production.refuses(panel.0, &["yes", "1", "TRUE"]);
    let development = Base::development();
    assert!(is_on(&development, &[]));
    assert!(!is_on(&development, &[("STRONGROOM_HTTP_CONSOLE", "false")]));
}

/// In development, `/docs` is open at every address of the listeners, so each address is an allowed origin.
#[test]
fn only_development_allows_the_listeners_as_origins() {
    let own = ["http://127.0.0.1:8080", "http://localhost:8080", "https://127.0.0.1:8443", "https://localhost:8443"];
    let origins = |settings: Settings| settings.cors.allowed_origins;
    let development = origins(Base::development().with(&[]).unwrap());
    assert!(own.iter().all(|origin| development.contains(&(*origin).to_owned())), "{development:?}");
    assert!(development.iter().all(|origin| own.contains(&origin.as_str())), "{development:?}");
    assert_eq!(origins(Base::production().with(&[]).unwrap()), ["https://api.example"]);
}
