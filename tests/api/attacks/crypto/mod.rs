//! API8:2023: attacks on keys (ASVS V11).

mod key_rotation;
