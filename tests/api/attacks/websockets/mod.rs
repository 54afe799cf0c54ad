//! API1, API4, API5 on a socket: who opens it, what comes through it, and when it ends.

mod ends;
mod frames;
mod scope;
mod tickets;
