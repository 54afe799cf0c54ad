//! The content of the demo data. Ids are fixed, because the examples of the documents use them.

use crate::features::invoices::model::Status;

/// The user in the examples of user administration.
pub const BEN: &str = "a0000000-0000-4000-8000-000000000002";

/// A customer with invoices.
pub const CUSTOMER: &str = "c0000000-0000-4000-8000-000000000001";
pub const CUSTOMER_WITHOUT_INVOICES: &str = "c0000000-0000-4000-8000-000000000004";
pub const DRAFT: &str = "10000000-0000-4000-8000-000000000001";
/// An invoice that can be paid or voided.
pub const ISSUED: &str = "10000000-0000-4000-8000-000000000006";
/// An invoice of the second user.
pub const FOREIGN_INVOICE: &str = "10000000-0000-4000-8000-000000000011";

pub const CREDIT_NOTE: &str = "e0000000-0000-4000-8000-000000000001";

pub const DOCUMENT: &str = "d0000000-0000-4000-8000-000000000001";

pub struct DemoUser {
    pub id: &'static str,
    pub email: &'static str,
    pub name: &'static str,
    pub is_admin: bool,
    pub business: Option<DemoBusiness>,
    /// The id, name and currency of each customer.
    pub customers: &'static [(&'static str, &'static str, &'static str)],
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

/// An invoice. A user's invoices are ordered by issue date, because their numbers are assigned in this order.
pub struct DemoInvoice {
    pub id: &'static str,
    /// The index of the customer in the user's customers.
    pub customer: usize,
    pub final_status: Status,
    /// Days from the issue date to today.
    pub days_ago: u64,
    pub currency: &'static str,
    pub lines: &'static [DemoLine],
    /// A credit note on the first line: its id and net amount, in minor units.
    pub credited: Option<(&'static str, i64)>,
}

/// A line: description, quantity, unit price, discount in percent, tax in percent.
pub type DemoLine = (&'static str, &'static str, &'static str, &'static str, &'static str);

/// The payment terms of all demo invoices.
pub const DAYS_TO_PAY: u64 = 14;

pub const USERS: [DemoUser; 3] = [
    DemoUser {
        id: "a0000000-0000-4000-8000-000000000001",
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
        customers: &[
            (CUSTOMER, "Lighthouse Books", "EUR"),
            ("c0000000-0000-4000-8000-000000000002", "Harbour Ferries", "USD"),
            ("c0000000-0000-4000-8000-000000000003", "Kintsugi Studio", "JPY"),
            (CUSTOMER_WITHOUT_INVOICES, "Quiet Garden", "EUR"),
        ],
        invoices: &[
            DemoInvoice {
                id: DRAFT,
                customer: 0,
                final_status: Status::Draft,
                days_ago: 0,
                currency: "EUR",
                lines: &[("Catalogue, 64 pages", "1", "1800", "0", "7")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000003",
                customer: 0,
                final_status: Status::Issued,
                days_ago: 40,
                currency: "EUR",
                lines: &[("Shop window", "2", "950", "5", "19")],
                credited: Some((CREDIT_NOTE, 10_000)),
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000002",
                customer: 1,
                final_status: Status::Void,
                days_ago: 30,
                currency: "USD",
                lines: &[("Timetable", "1", "400", "0", "8.875")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000005",
                customer: 2,
                final_status: Status::Paid,
                days_ago: 20,
                currency: "JPY",
                lines: &[("Photographs", "12", "4500", "0", "10")],
                credited: None,
            },
            DemoInvoice {
                id: "10000000-0000-4000-8000-000000000004",
                customer: 1,
                final_status: Status::PartiallyPaid,
                days_ago: 9,
                currency: "USD",
                lines: &[("Deck plans", "3", "1200", "0", "8.875")],
                credited: None,
            },
            DemoInvoice {
                id: ISSUED,
                customer: 0,
                final_status: Status::Issued,
                days_ago: 2,
                currency: "EUR",
                lines: &[("Posters", "250", "3.2075", "10", "19"), ("Delivery", "1.5", "40", "0", "19")],
                credited: None,
            },
        ],
        document: Some(DemoDocument {
            id: DOCUMENT,
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
        customers: &[("c0000000-0000-4000-8000-000000000011", "Northern Mills", "GBP")],
        invoices: &[DemoInvoice {
            id: FOREIGN_INVOICE,
            customer: 0,
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
        id: "a0000000-0000-4000-8000-000000000003",
        email: "root@demo.example",
        name: "Root Demo",
        is_admin: true,
        business: None,
        customers: &[],
        invoices: &[],
        document: None,
    },
];
