//! Broken authorization (ASVS V8) of objects (API1:2023), properties (API3:2023) and functions (API5:2023).

mod function_level;
mod history;
mod mass_assignment;
mod object_level;
