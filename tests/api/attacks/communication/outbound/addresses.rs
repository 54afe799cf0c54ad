//! SSRF by URLs in unusual spellings, by host names with private addresses, or by URLs that are not configured.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use strongroom::config::{Environment, OutboundUrl, Profile, Settings};
use strongroom::security::communication::outbound::{OutboundError, SystemResolver};

use super::{FakeResolver, client, deliver, post};
use crate::support::receiver::{Receiver, ReceiverBehavior};

#[test]
fn url_in_another_spelling_or_with_a_private_host_is_rejected() {
    let good = "https://hooks.example/services/T0/B0?x=1";
    for accepted in [good, "https://hooks.example", "https://hooks.example:8443/a", "https://xn--bcher-kva.example/"] {
        assert!(OutboundUrl::parse(accepted, Profile::Production).is_some(), "{accepted}");
    }
    let hosts = [
        "localhost",
        "LOCALHOST",
        "a.localhost",
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "0x7f000001",
        "[::1]",
        "[::]",
        "[::ffff:10.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[fd00::1]",
        "[64:ff9b::a00:1]",
        "169.254.169.254",
        "10.0.0.1",
        "8.8.8.8",
        "metadata",
        "metadata.google.internal",
        "db.local",
        "intranet",
        "hooks.example.",
        "Hooks.example",
        "HOOKS.EXAMPLE",
        "hooks..example",
        ".hooks.example",
        "hooks.example:443",
        "hooks.example:0",
        "hooks.example:99999",
        "hóoks.example",
        "hooks。example",
        "ⓗooks.example",
        "hooks%2eexample",
        "hooks.example@evil.example",
        "user:pass@hooks.example",
        "@hooks.example",
        "hooks.example#@evil.example",
        "hooks.example\\@evil.example",
        "hooks.example\t",
        "ho\noks.example",
        " hooks.example",
        "hooks_.example",
        "1.2.3.example.4",
        "",
    ];
    for host in hosts {
        for form in [format!("https://{host}/hook"), format!("https://{host}")] {
            assert!(OutboundUrl::parse(&form, Profile::Production).is_none(), "{form}");
        }
    }
    for form in [
        "http://hooks.example/a",
        "HTTPS://hooks.example/a",
        "https:\\\\hooks.example\\a",
        "https:/hooks.example/a",
        "https:hooks.example/a",
        "https:///hooks.example/a",
        "//hooks.example/a",
        "https://hooks.example/a#b",
        "https://hooks.example/../a",
        "https://hooks.example/a b",
        " https://hooks.example/a",
        "https://hooks.example/a\n",
        "https://hooks.example/a\tb",
        "ftp://hooks.example/a",
        "file:///etc/passwd",
        "gopher://hooks.example/a",
        "data:text/plain,x",
        "hooks.example",
        "",
    ] {
        assert!(OutboundUrl::parse(form, Profile::Production).is_none(), "{form:?}");
    }
    for own in ["https://localhost:9/a", "https://127.0.0.1:9/a", "https://[::1]:9/a"] {
        assert!(OutboundUrl::parse(own, Profile::Development).is_some(), "{own}");
        assert!(OutboundUrl::parse(own, Profile::Production).is_none(), "{own}");
    }
    assert!(
        OutboundUrl::parse("http://localhost:9/a", Profile::Development).is_none(),
        "plain HTTP is refused in development too"
    );
}

#[test]
fn invalid_url_setting_is_reported_without_its_value() {
    let bad = concat!("https://user:", "hunter2", "@10.0.0.1/hook");
    let faults = |pairs: &[(&'static str, &'static str)]| match Settings::load(&Environment::from_pairs(
        [("STRONGROOM_PROFILE", "production")].into_iter().chain(pairs.iter().copied()),
    )) {
        Ok(_) => panic!("production must not start without its required settings"),
        Err(faults) => faults.to_string(),
    };
    for setting in ["STRONGROOM_ALERTS_SLACK_URL", "STRONGROOM_ALERTS_WEBHOOK_URL", "STRONGROOM_PASSWORD_BREACH_URL"] {
        let message = faults(&[(setting, bad)]);
        assert!(message.contains(&format!("{setting} is not a URL such as https://host.example/path")), "{message}");
        assert!(!message.contains("hunter2") && !message.contains("10.0.0.1"), "{message}");
    }
    let mailed = ("STRONGROOM_ALERTS_MAIL_TO", "oncall@api.example");
    let missing = "STRONGROOM_ALERTS_RUNBOOKS is missing";
    assert!(
        faults(&[mailed]).contains(missing),
        "production needs an absolute URL of the runbooks for the links in mails"
    );
    let absolute = ("STRONGROOM_ALERTS_RUNBOOKS", "https://wiki.example/runbooks");
    assert!(!faults(&[mailed, absolute]).contains(missing) && !faults(&[]).contains(missing));
    let unsigned = faults(&[("STRONGROOM_ALERTS_WEBHOOK_URL", "https://hooks.example/a")]);
    assert!(unsigned.contains("STRONGROOM_ALERTS_WEBHOOK_KEY is missing"), "{unsigned}");
    let weak = faults(&[
        ("STRONGROOM_ALERTS_WEBHOOK_URL", "https://hooks.example/a"),
        ("STRONGROOM_ALERTS_WEBHOOK_KEY", "hunter2hunter2"),
    ]);
    assert!(weak.contains("STRONGROOM_ALERTS_WEBHOOK_KEY") && !weak.contains("hunter2"), "{weak}");
    let unused = faults(&[("STRONGROOM_ALERTS_WEBHOOK_KEY", "bT9Zq3xJ0uN5yRk1GvW7sPd2HcLfE8aMoI6tVzXwQ4nBeKjU")]);
    assert!(unused.contains("STRONGROOM_ALERTS_WEBHOOK_KEY is not used"), "{unused}");
    for (setting, value) in [
        ("STRONGROOM_ALERTS_MAIL_TO", "a@b.example, c@d.example"),
        ("STRONGROOM_ALERTS_RUNBOOKS", "http://wiki.example/runbooks"),
        ("STRONGROOM_ALERTS_RUNBOOKS", "https://wiki.other/"),
        ("STRONGROOM_ALERTS_CA_FILE", "/nowhere/ca.pem"),
        ("STRONGROOM_ALERTS_SHOW_ADDRESSES", "mail,log"),
    ] {
        let message = faults(&[(setting, value)]);
        assert!(message.contains(&format!("  {setting} ")) && !message.contains(value), "{message}");
    }
}

#[actix_web::test]
async fn host_that_resolves_to_a_private_address_is_not_called() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let to = format!("https://hooks.example:{}/hook", receiver.port);
    for answer in [
        &["127.0.0.1"][..],
        &["127.0.0.2"],
        &["::1"],
        &["0.0.0.0"],
        &["::"],
        &["::ffff:127.0.0.1"],
        &["::127.0.0.1"],
        &["10.0.0.1"],
        &["172.16.0.1"],
        &["192.168.0.1"],
        &["100.64.0.1"],
        &["169.254.169.254"],
        &["fe80::1"],
        &["fd00:ec2::254"],
        &["224.0.0.1"],
        &["ff02::1"],
        &["255.255.255.255"],
        &["192.0.2.1"],
        &["2001:db8::1"],
        &["2002:7f00:1::"],
        &["64:ff9b::7f00:1"],
        &["2001:0:7f00:1::"],
        // One private address is enough to refuse the host.
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
        &["2606:4700::1111", "::1"],
    ] {
        let client = client(&to, &receiver.authority(), Profile::Production, FakeResolver::returning(&[answer]));
        assert_eq!(post(&client, &to).await, Err(OutboundError::NotPublic), "{answer:?}");
    }
    let client = client(&to, &receiver.authority(), Profile::Production, FakeResolver::returning(&[&[]]));
    assert_eq!(post(&client, &to).await, Err(OutboundError::Unreachable), "the host has no address");
    assert_eq!(receiver.connections(), 0);
}

#[actix_web::test]
async fn development_allows_loopback_only() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let to = receiver.url();
    for answer in ["10.0.0.1", "192.168.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"] {
        let client = client(&to, &receiver.authority(), Profile::Development, FakeResolver::returning(&[&[answer]]));
        assert_eq!(post(&client, &to).await, Err(OutboundError::NotPublic), "{answer}");
    }
    assert_eq!(receiver.connections(), 0);
    assert_eq!(deliver(&receiver).await, Ok(()));
}

#[actix_web::test]
async fn host_is_resolved_once_to_prevent_dns_rebinding() {
    let receiver = Receiver::start(ReceiverBehavior::ok()).await;
    let to = receiver.url();
    let resolver = FakeResolver::returning(&[&["127.0.0.1"], &["169.254.169.254"]]);
    let client = client(&to, &receiver.authority(), Profile::Development, resolver.clone());
    assert_eq!(post(&client, &to).await, Ok(()), "the client connects to the address that was checked");
    assert_eq!((resolver.lookups.load(Ordering::SeqCst), receiver.requests().len()), (1, 1));
    // The first connection is closed, so the host is resolved again, now to a private address.
    assert_eq!(post(&client, &to).await, Err(OutboundError::NotPublic));
    assert_eq!((resolver.lookups.load(Ordering::SeqCst), receiver.requests().len()), (2, 1));
}

#[actix_web::test]
async fn unconfigured_url_is_not_called() {
    let (receiver, other) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let client = client(&receiver.url(), &receiver.authority(), Profile::Development, Arc::new(SystemResolver));
    for unconfigured in [other.url(), format!("https://localhost:{}/other", receiver.port)] {
        assert_eq!(post(&client, &unconfigured).await, Err(OutboundError::NotConfigured), "{unconfigured}");
    }
    assert_eq!((receiver.connections(), other.connections()), (0, 0));
}
