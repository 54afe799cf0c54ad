//! API8:2023: keys (ASVS V11).

mod key_rotation;
