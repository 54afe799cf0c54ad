//! The lifetime of one socket: authentication by ticket, messages, and the conditions that close the socket.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_ws::{AggregatedMessageStream, Session};
use chrono::{DateTime, TimeDelta, Utc};

use super::client::Client;
use super::connection::{Connection, send, with_timeout};
use super::hub::Live;
use super::views::ServerMessage;
use crate::security::sessions::caller::Caller;
use crate::security::sessions::revocations::SessionState;
use crate::security::websockets::{
    CloseReason, ConnectionPermit, IDLE_TIMEOUT, PING_INTERVAL, RENEW_NOTICE_SECONDS, SEND_TIMEOUT,
    SESSION_CHECK_INTERVAL,
};

const TICK: Duration = Duration::from_secs(1);

pub(super) async fn serve(
    live: Arc<Live>,
    permit: ConnectionPermit,
    session: Session,
    frames: AggregatedMessageStream,
) {
    let mut connection =
        Connection { session: session.clone(), frames, last_frame_at: Rc::new(Cell::new(Instant::now())) };
    let mut closing = live.closing();
    let ended = tokio::select! {
        ended = run(&live, &permit, &mut connection) => ended,
        _ = closing.wait_for(|closing| *closing) => CloseReason::GoingAway,
    };
    ended.record();
    // Limit the time, because a client that does not read must not keep this task running.
    let _ = tokio::time::timeout(SEND_TIMEOUT, session.close(Some(ended.close_frame()))).await;
}

async fn run(live: &Arc<Live>, permit: &ConnectionPermit, connection: &mut Connection) -> CloseReason {
    let caller = match connection.authenticate(live).await {
        Ok(caller) => caller,
        Err(close) => return close,
    };
    if !permit.assign_to(caller.user()) {
        return CloseReason::TooManySockets;
    }
    let until = Rc::new(Cell::new(caller.expires_at()));
    let monitor = SessionMonitor {
        live,
        caller: &caller,
        until: until.clone(),
        last_frame_at: connection.last_frame_at.clone(),
        session: connection.session.clone(),
    };
    // Run concurrently, so that neither a slow database nor a slow client can keep the socket of an ended session open.
    tokio::select! {
        close = Client::new(live, &caller, until, connection.session.clone()).run(connection) => close,
        close = monitor.session_ended() => close,
        close = monitor.session_ended_in_database() => close,
        close = monitor.timed_out() => close,
    }
}

/// Waits until the caller's login session or authentication ends, or the client has been idle for too long.
/// Runs concurrently with [`Client`], so that messages cannot delay the end of the socket.
struct SessionMonitor<'a> {
    live: &'a Live,
    caller: &'a Caller,
    /// The time at which the caller's authentication expires. A renewal sets a later time.
    until: Rc<Cell<DateTime<Utc>>>,
    last_frame_at: Rc<Cell<Instant>>,
    session: Session,
}

impl SessionMonitor<'_> {
    /// Waits until a replica announces that the login session has ended.
    async fn session_ended(&self) -> CloseReason {
        let mut ends = self.live.revocations.subscribe_to_ends();
        while !self.live.revocations.has_ended(self.caller.session()) {
            if ends.changed().await.is_err() {
                break;
            }
        }
        CloseReason::SessionEnded
    }

    /// Reads the state of the login session at intervals, because an announcement can be lost.
    /// While the database is down, the socket stays open, but receives no events. Each event needs a database read.
    async fn session_ended_in_database(&self) -> CloseReason {
        loop {
            tokio::time::sleep(SESSION_CHECK_INTERVAL).await;
            let state = self.live.revocations.look_up(self.caller.user(), self.caller.session()).await;
            if state.is_ok_and(|state| state != SessionState::Live) {
                return CloseReason::SessionEnded;
            }
        }
    }

    /// Waits until the authentication expires or the client has been idle for too long.
    /// Meanwhile, sends pings, and a reminder to renew the authentication.
    async fn timed_out(&self) -> CloseReason {
        let (mut tick, mut session) = (tokio::time::interval(TICK), self.session.clone());
        let (mut pinged, mut reminded) = (Instant::now(), None);
        loop {
            tick.tick().await;
            let (now, until) = (self.live.clock.now(), self.until.get());
            if now >= until {
                return CloseReason::Expired;
            }
            if self.last_frame_at.get().elapsed() >= IDLE_TIMEOUT {
                return CloseReason::IdleTimeout;
            }
            let mut sent = Ok(());
            if pinged.elapsed() >= PING_INTERVAL {
                pinged = Instant::now();
                sent = with_timeout(session.ping(b"")).await;
            } else if now + TimeDelta::seconds(RENEW_NOTICE_SECONDS) >= until && reminded != Some(until) {
                reminded = Some(until);
                sent = send(&mut session, &ServerMessage::RenewSoon { until }).await;
            }
            if let Err(close) = sent {
                return close;
            }
        }
    }
}
