//! File handling (ASVS V5): inspection of uploads, and CSV exports without formulas.
//!
//! Attacks: unrestricted upload, polyglots, active content in PDFs, CSV injection (API8:2023, CWE-434, CWE-1236).

pub mod csv_injection;
pub mod uploads;
