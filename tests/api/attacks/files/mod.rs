//! API4, API8: uploads, exports and generated PDFs (ASVS V5).

mod csv_injection;
mod invoice_pdf;
mod uploads;
