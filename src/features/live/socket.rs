//! One socket's life: a ticket, then talk until one of many reasons ends it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_ws::{AggregatedMessageStream, Session};
use chrono::{DateTime, TimeDelta, Utc};

use super::client::Client;
use super::hub::Live;
use super::views::Say;
use super::wire::{Wire, in_time, send};
use crate::security::sessions::caller::Caller;
use crate::security::sessions::revocations::Standing;
use crate::security::websockets::{
    Goodbye, PING_EVERY, Place, RECHECK_EVERY, RENEW_BEFORE_SECONDS, SILENT_AFTER, TAKEN_WITHIN,
};

/// How often a socket looks at the time.
const TICK: Duration = Duration::from_secs(1);

/// From the handshake to the close frame.
pub(super) async fn serve(live: Arc<Live>, place: Place, session: Session, frames: AggregatedMessageStream) {
    let mut wire = Wire { session: session.clone(), frames, seen: Rc::new(Cell::new(Instant::now())) };
    let mut closing = live.closing();
    let ended = tokio::select! {
        ended = life(&live, &place, &mut wire) => ended,
        _ = closing.wait_for(|closing| *closing) => Goodbye::GoingAway,
    };
    ended.record();
    // Who does not read does not get it.
    let _ = tokio::time::timeout(TAKEN_WITHIN, session.close(Some(ended.reason()))).await;
}

async fn life(live: &Arc<Live>, place: &Place, wire: &mut Wire) -> Goodbye {
    let caller = match wire.admit(live).await {
        Ok(caller) => caller,
        Err(goodbye) => return goodbye,
    };
    if !place.take(caller.user()) {
        return Goodbye::TooManySockets;
    }
    let until = Rc::new(Cell::new(caller.until()));
    let watch =
        Watch { live, caller: &caller, until: until.clone(), seen: wire.seen.clone(), session: wire.session.clone() };
    // Side by side, so that a slow database or a slow reader delays no end.
    tokio::select! {
        goodbye = Client::new(live, &caller, until, wire.session.clone()).talk(wire) => goodbye,
        goodbye = watch.the_session() => goodbye,
        goodbye = watch.the_database() => goodbye,
        goodbye = watch.the_time() => goodbye,
    }
}

/// What ends a socket from outside of the talk.
struct Watch<'a> {
    live: &'a Live,
    caller: &'a Caller,
    /// Moved by the talk, when a new ticket comes.
    until: Rc<Cell<DateTime<Utc>>>,
    seen: Rc<Cell<Instant>>,
    session: Session,
}

impl Watch<'_> {
    /// Its end is announced, here or on another replica.
    async fn the_session(&self) -> Goodbye {
        let mut ends = self.live.revocations.ends();
        while !self.live.revocations.has_ended(self.caller.session()) {
            if ends.changed().await.is_err() {
                break;
            }
        }
        Goodbye::SessionEnded
    }

    /// An announcement can be lost. If the database cannot be asked nothing is told either, since each message is read from it.
    async fn the_database(&self) -> Goodbye {
        loop {
            tokio::time::sleep(RECHECK_EVERY).await;
            let standing = self.live.revocations.look_up(self.caller.user(), self.caller.session()).await;
            if standing.is_ok_and(|standing| standing != Standing::Live) {
                return Goodbye::SessionEnded;
            }
        }
    }

    /// The access runs out; the other side is silent.
    async fn the_time(&self) -> Goodbye {
        let (mut tick, mut session) = (tokio::time::interval(TICK), self.session.clone());
        let (mut pinged, mut asked) = (Instant::now(), None);
        loop {
            tick.tick().await;
            let (now, until) = (self.live.clock.now(), self.until.get());
            if now >= until {
                return Goodbye::Expired;
            }
            if self.seen.get().elapsed() >= SILENT_AFTER {
                return Goodbye::Silent;
            }
            let mut sent = Ok(());
            if pinged.elapsed() >= PING_EVERY {
                pinged = Instant::now();
                sent = in_time(session.ping(b"")).await;
            } else if now + TimeDelta::seconds(RENEW_BEFORE_SECONDS) >= until && asked != Some(until) {
                asked = Some(until);
                sent = send(&mut session, &Say::RenewSoon { until }).await;
            }
            if let Err(goodbye) = sent {
                return goodbye;
            }
        }
    }
}
