//! API8: keys (ASVS V11).

mod key_rotation;
