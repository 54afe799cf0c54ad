//! API1, API3, API5: foreign objects, foreign properties, foreign functions (ASVS V8).

mod function_level;
mod history;
mod mass_assignment;
mod object_level;
