//! Receivers that redirect, are slow, answer without end, lie, or are others than they say.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom::config::Profile;
use strongroom::security::communication::outbound::{Door, SystemLookup, Undelivered};

use super::{Liar, deliver, door, knock, url};
use crate::support::logs;
use crate::support::receiver::{Receiver, ReceiverBehavior};

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let (receiver, inside) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let before = receiver.connections();
    let mut told = 0;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let places =
            ["https://169.254.169.254/latest/meta-data/".to_owned(), inside.url(), receiver.url(), "/other".to_owned()];
        for place in places {
            receiver.set_behavior(ReceiverBehavior::status(status, &format!("location: {place}\r\n"), ""));
            let code = status[..3].parse().unwrap();
            assert_eq!(deliver(&receiver).await, Err(Undelivered::Status(code)), "{status} {place}");
            told += 1;
        }
    }
    assert_eq!((receiver.connections() - before, inside.connections()), (told, 0));
}

#[actix_web::test]
async fn a_receiver_that_is_slow_is_left() {
    let (head, body) =
        (Receiver::start(ReceiverBehavior::NeverReply).await, Receiver::start(ReceiverBehavior::WithholdBody).await);
    // One that takes the connection and never greets.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("https://localhost:{}/hook", mute.local_addr().unwrap().port());
    let silent = door(&to, &head.authority(), Profile::Development, Arc::new(SystemLookup));
    let (of_head, of_body, of_greeting) = tokio::join!(deliver(&head), deliver(&body), knock(&silent, &to));
    assert_eq!(of_head, Err(Undelivered::TooSlow));
    assert_eq!(of_body, Err(Undelivered::TooSlow));
    assert_eq!(of_greeting, Err(Undelivered::TooSlow));
}

#[actix_web::test]
async fn of_a_huge_answer_only_its_beginning_is_read() {
    let receiver = Receiver::start(ReceiverBehavior::FloodBody).await;
    assert_eq!(deliver(&receiver).await, Ok(()));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let flooded = receiver.flooded.load(Ordering::SeqCst);
    assert!(flooded < 32 << 20, "{flooded} bytes went into buffers of the kernel");
}

#[actix_web::test]
async fn a_lying_receiver_is_not_believed_and_not_repeated() {
    logs::capture();
    let canary = "canary-of-a-lying-receiver";
    let receiver =
        Receiver::start(ReceiverBehavior::status("200 OK", "set-cookie: a=canary-of-a-lying-receiver\r\n", canary))
            .await;
    let to = receiver.url();
    let door = door(&to, &receiver.authority(), Profile::Development, Arc::new(SystemLookup));
    assert_eq!(knock(&door, &to).await, Ok(()));
    assert_eq!(knock(&door, &to).await, Ok(()));
    let heads: Vec<String> = receiver.requests().into_iter().map(|arrived| arrived.head.to_lowercase()).collect();
    assert_eq!(heads.len(), 2);
    assert!(
        heads.iter().all(|head| head.starts_with("post /hook http/1.1\r\n") && !head.contains("cookie")),
        "{heads:?}"
    );

    for status in ["400 canary-of-a-lying-receiver", "500 canary-of-a-lying-receiver"] {
        receiver.set_behavior(ReceiverBehavior::status(status, "", canary));
        let code = status[..3].parse().unwrap();
        assert_eq!(deliver(&receiver).await, Err(Undelivered::Status(code)));
    }
    receiver
        .set_behavior(ReceiverBehavior::Reply("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it".to_owned()));
    assert_eq!(deliver(&receiver).await, Err(Undelivered::BrokenOff));
    for nonsense in ["HTTP/1.1 200", "canary-of-a-lying-receiver\r\n\r\n", "HTTP/1.1 999999 x\r\n\r\n", ""] {
        receiver.set_behavior(ReceiverBehavior::Reply(nonsense.to_owned()));
        assert_eq!(deliver(&receiver).await, Err(Undelivered::Unreachable), "{nonsense}");
    }
    assert!(!logs::contains(canary));
}

#[actix_web::test]
async fn a_receiver_proves_its_name_by_a_certificate_of_the_right_authority() {
    let (receiver, stranger) =
        (Receiver::start(ReceiverBehavior::ok()).await, Receiver::start(ReceiverBehavior::ok()).await);
    let to = receiver.url();
    let of_another = door(&to, &stranger.authority(), Profile::Development, Arc::new(SystemLookup));
    assert_eq!(knock(&of_another, &to).await, Err(Undelivered::Unreachable), "the wrong authority");
    let of_the_public = Door::new(vec![url(&to)], None, Profile::Development, Arc::new(SystemLookup)).unwrap();
    assert_eq!(knock(&of_the_public, &to).await, Err(Undelivered::Unreachable), "a private authority is no public one");
    let named = format!("https://hooks.example:{}/hook", receiver.port);
    let door = door(&named, &receiver.authority(), Profile::Development, Liar::saying(&[&["127.0.0.1"]]));
    assert_eq!(knock(&door, &named).await, Err(Undelivered::Unreachable), "the wrong name");
    assert_eq!(receiver.requests().len(), 0, "nothing was said before the name was proved");
}
