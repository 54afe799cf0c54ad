//! The content of the demo data. The ids are fixed, because examples in the documentation contain them.

use crate::features::invoices::model::Status;
use crate::features::{customers, documents, invoices};

const ROOT: &str = "a0000000-0000-4000-8000-000000000003";
const ANNA: &str = "a0000000-0000-4000-8000-000000000001";
/// The second user. The examples of user administration contain this id.
pub const BEN: &str = "a0000000-0000-4000-8000-000000000002";

const CUSTOMER: &str = customers::docs::REGISTRATION.example.0;
pub const CUSTOMER_WITHOUT_INVOICES: &str = "c0000000-0000-4000-8000-000000000004";
const FERRIES: &str = "c0000000-0000-4000-8000-000000000002";
const STUDIO: &str = "c0000000-0000-4000-8000-000000000003";
pub const DRAFT: &str = "10000000-0000-4000-8000-000000000001";
/// An invoice that can be paid or voided.
pub const ISSUED: &str = invoices::docs::REGISTRATION.example.0;
/// An invoice of the second user.
pub const FOREIGN_INVOICE: &str = "10000000-0000-4000-8000-000000000011";

pub struct DemoUser {
    pub id: &'static str,
    pub email: &'static str,
    pub name: &'static str,
    pub is_admin: bool,
    pub business: Option<DemoBusiness>,
    pub invoices: &'static [DemoInvoice],
    /// A text file that is attached to an invoice.
    pub document: Option<DemoDocument>,
}

pub struct DemoBusiness {
    pub name: &'static str,
    pub address: &'static str,
    pub country: &'static str,
    pub vat_id: &'static str,
    pub registration: &'static str,
    pub iban: &'static str,
    pub bic: &'static str,
    pub time_zone: &'static str,
}

pub struct DemoDocument {
    pub id: &'static str,
    pub invoice: &'static str,
    pub title: &'static str,
    pub file_name: &'static str,
    pub text: &'static str,
}

/// The invoices of a user must be sorted by issue date, because numbers are assigned in this order.
pub struct DemoInvoice {
    pub id: &'static str,
    pub customer: &'static str,
    pub final_status: Status,
    /// The number of days from the issue date to today.
    pub days_ago: u64,
    pub currency: &'static str,
    pub lines: &'static [DemoLine],
    /// A credit note on the first line: its id, and its net amount in minor units.
    pub credited: Option<(&'static str, i64)>,
}

/// The id of the owner, the id of the object, and the request body that creates the object.
pub type DemoObject = (&'static str, &'static str, &'static str);

/// Description, quantity, unit price, discount in percent, tax in percent.
pub type DemoLine = (&'static str, &'static str, &'static str, &'static str, &'static str);

pub const DAYS_TO_PAY: u64 = 14;

pub const CUSTOMERS: &[DemoObject] = &[
    (ANNA, CUSTOMER, r#"{"name": "Lighthouse Books", "default_currency": "EUR"}"#),
    (ANNA, FERRIES, r#"{"name": "Harbour Ferries", "default_currency": "USD"}"#),
    (ANNA, STUDIO, r#"{"name": "Kintsugi Studio", "default_currency": "JPY"}"#),
    (ANNA, CUSTOMER_WITHOUT_INVOICES, r#"{"name": "Quiet Garden", "default_currency": "EUR"}"#),
    (BEN, "c0000000-0000-4000-8000-000000000011", r#"{"name": "Northern Mills", "default_currency": "GBP"}"#),
    (ROOT, "c0000000-0000-4000-8000-000000000021", r#"{"name": "Evening Press", "default_currency": "EUR"}"#),
];

pub const USERS: [DemoUser; 3] = [
    DemoUser {
        id: ANNA,
        email: "anna@demo.example",
        name: "Anna Demo",
        is_admin: false,
        business: Some(DemoBusiness {
            name: "Anna Demo Design",
            address: "1 Canal\n1011 AB Amsterdam",
            country: "NL",
            vat_id: "NL001234567B01",
            registration: "KvK 12345678",
            iban: "NL91ABNA0417164300",
            bic: "ABNANL2A",
            time_zone: "Europe/Amsterdam",
        }),
        invoices: &[
            DemoInvoice {
                id: DRAFT,
                customer: CUSTOMER,
                final_status: Status::Draft,
                days_ago: 0,
                currency: "EUR",
                lines: &[("Catalogue, 64 pages", "1", "1800", "0", "7")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000003",
                customer: CUSTOMER,
                final_status: Status::Issued,
                days_ago: 40,
                currency: "EUR",
                lines: &[("Shop window", "2", "950", "5", "19")],
                credited: Some((invoices::credit_notes::docs::REGISTRATION.example.0, 10_000)),
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000002",
                customer: FERRIES,
                final_status: Status::Void,
                days_ago: 30,
                currency: "USD",
                lines: &[("Timetable", "1", "400", "0", "8.875")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000005",
                customer: STUDIO,
                final_status: Status::Paid,
                days_ago: 20,
                currency: "JPY",
                lines: &[("Photographs", "12", "4500", "0", "10")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000004",
                customer: FERRIES,
                final_status: Status::PartiallyPaid,
                days_ago: 9,
                currency: "USD",
                lines: &[("Deck plans", "3", "1200", "0", "8.875")],
                credited: None,
            },
            DemoInvoice {
                id: ISSUED,
                customer: CUSTOMER,
                final_status: Status::Issued,
                days_ago: 2,
                currency: "EUR",
                lines: &[("Posters", "250", "3.2075", "10", "19"), ("Delivery", "1.5", "40", "0", "19")],
                credited: None,
            },
        ],
        document: Some(DemoDocument {
            id: documents::docs::REGISTRATION.example.0,
            invoice: ISSUED,
            title: "Terms of delivery",
            file_name: "terms.txt",
            text: "Posters are delivered rolled, within three days.\n",
        }),
    },
    DemoUser {
        id: BEN,
        email: "ben@demo.example",
        name: "Ben Demo",
        is_admin: false,
        business: None,
        invoices: &[DemoInvoice {
            id: FOREIGN_INVOICE,
            customer: "c0000000-0000-4000-8000-000000000011",
            final_status: Status::Issued,
            days_ago: 3,
            currency: "GBP",
            lines: &[("Repair of a loom", "7.25", "68", "0", "20")],
            credited: None,
        }],
        document: Some(DemoDocument {
            id: "d0000000-0000-4000-8000-000000000011",
            invoice: FOREIGN_INVOICE,
            title: "Estimate",
            file_name: "estimate.txt",
            text: "A loom, seven hours and a quarter.\n",
        }),
    },
    DemoUser {
        id: ROOT,
        email: "root@demo.example",
        name: "Root Demo",
        is_admin: true,
        business: None,
        invoices: &[],
        document: None,
    },
];
