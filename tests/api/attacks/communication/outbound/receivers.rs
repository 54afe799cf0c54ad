//! Receivers that redirect, stall, send endless or malformed responses, or have the wrong certificate.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom::config::Profile;
use strongroom::security::communication::outbound::{OutboundClient, OutboundError, SystemResolver};

use super::{FakeResolver, client, deliver, post, url};
use crate::support::logs;
use crate::support::receiver::{Receiver, ReceiverBehavior};

#[actix_web::test]
async fn redirect_is_not_followed() {
    let (receiver, inside) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let before = receiver.connections();
    let mut requests = 0;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let targets =
            ["https://169.254.169.254/latest/meta-data/".to_owned(), inside.url(), receiver.url(), "/other".to_owned()];
        for target in targets {
            receiver.set_behavior(ReceiverBehavior::status(status, &format!("location: {target}\r\n"), ""));
            let code = status[..3].parse().unwrap();
            assert_eq!(deliver(&receiver).await, Err(OutboundError::Status(code)), "{status} {target}");
            requests += 1;
        }
    }
    assert_eq!((receiver.connections() - before, inside.connections()), (requests, 0));
}

#[actix_web::test]
async fn slow_receiver_times_out() {
    let (head, body) =
        (Receiver::start(ReceiverBehavior::NeverReply).await, Receiver::start(ReceiverBehavior::WithholdBody).await);
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("https://localhost:{}/hook", mute.local_addr().unwrap().port());
    let silent = client(&to, &head.authority(), Profile::Development, Arc::new(SystemResolver));
    let (of_head, of_body, of_greeting) = tokio::join!(deliver(&head), deliver(&body), post(&silent, &to));
    assert_eq!(of_head, Err(OutboundError::Timeout));
    assert_eq!(of_body, Err(OutboundError::Timeout));
    assert_eq!(of_greeting, Err(OutboundError::Timeout));
}

#[actix_web::test]
async fn huge_response_is_not_read_whole() {
    let receiver = Receiver::start(ReceiverBehavior::FloodBody).await;
    assert_eq!(deliver(&receiver).await, Ok(()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let taken = receiver.flooded.load(Ordering::SeqCst);
    assert!(taken < 32 << 20, "{taken} bytes were read or buffered by the kernel");
}

#[actix_web::test]
async fn malicious_response_is_neither_trusted_nor_logged() {
    logs::capture();
    let canary = "canary-of-a-lying-receiver";
    let receiver =
        Receiver::start(ReceiverBehavior::status("200 OK", "set-cookie: a=canary-of-a-lying-receiver\r\n", canary))
            .await;
    let to = receiver.url();
    let client = client(&to, &receiver.authority(), Profile::Development, Arc::new(SystemResolver));
    assert_eq!(post(&client, &to).await, Ok(()));
    assert_eq!(post(&client, &to).await, Ok(()));
    let heads: Vec<String> = receiver.requests().into_iter().map(|arrived| arrived.head.to_lowercase()).collect();
    assert_eq!(heads.len(), 2);
    assert!(
        heads.iter().all(|head| head.starts_with("post /hook http/1.1\r\n") && !head.contains("cookie")),
        "{heads:?}"
    );

    for status in ["400 canary-of-a-lying-receiver", "500 canary-of-a-lying-receiver"] {
        receiver.set_behavior(ReceiverBehavior::status(status, "", canary));
        let code = status[..3].parse().unwrap();
        assert_eq!(deliver(&receiver).await, Err(OutboundError::Status(code)));
    }
    receiver
        .set_behavior(ReceiverBehavior::Reply("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it".to_owned()));
    assert_eq!(deliver(&receiver).await, Err(OutboundError::Interrupted));
    for nonsense in ["HTTP/1.1 200", "canary-of-a-lying-receiver\r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n", ""] {
        receiver.set_behavior(ReceiverBehavior::Reply(nonsense.to_owned()));
        assert_eq!(deliver(&receiver).await, Err(OutboundError::Unreachable), "{nonsense}");
    }
    assert!(!logs::contains(canary));
}

#[actix_web::test]
async fn certificate_of_the_wrong_authority_or_name_is_rejected() {
    let (receiver, other) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let to = receiver.url();
    let wrong_authority = client(&to, &other.authority(), Profile::Development, Arc::new(SystemResolver));
    assert_eq!(
        post(&wrong_authority, &to).await,
        Err(OutboundError::Unreachable),
        "another authority signed the certificate"
    );
    let public_authorities =
        OutboundClient::new(vec![url(&to)], None, Profile::Development, Arc::new(SystemResolver)).unwrap();
    assert_eq!(
        post(&public_authorities, &to).await,
        Err(OutboundError::Unreachable),
        "no public authority signed the certificate"
    );
    let named = format!("https://hooks.example:{}/hook", receiver.port);
    let client =
        client(&named, &receiver.authority(), Profile::Development, FakeResolver::returning(&[&["127.0.0.1"]]));
    assert_eq!(
        post(&client, &named).await,
        Err(OutboundError::Unreachable),
        "the certificate is for another host name"
    );
    assert_eq!(receiver.requests().len(), 0, "no request is sent before the certificate is verified");
}
