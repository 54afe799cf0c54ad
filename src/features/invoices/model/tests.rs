use proptest::prelude::*;

use super::*;
use crate::features::invoices::decimals::UnitPrice;

fn draft(total: i64) -> Invoice {
    let price = UnitPrice::from_ten_thousandths(total * UnitPrice::STEPS_PER_MINOR_UNIT).unwrap();
    let lines = vec![Line::new("x".into(), "1".parse().unwrap(), price, None, "0".parse().unwrap()).unwrap()];
    let totals = Totals::of(&lines, None).unwrap();
    let content = Content {
        customer: CustomerId::new(),
        currency: "EUR".parse().unwrap(),
        lines,
        discount: None,
        notes: None,
        due_date: None,
    };
    Invoice::draft(content, totals, DateTime::UNIX_EPOCH)
}

fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 23).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Replace,
    Issue,
    Pay(i64),
    Credit(i64),
    Void,
}

fn take(invoice: Invoice, step: &Step) -> Result<Invoice, TransitionError> {
    let now = DateTime::UNIX_EPOCH;
    match step {
        Step::Replace => {
            let other = draft(70);
            invoice.replace(other.content, other.totals, now)
        }
        Step::Issue => invoice.issue("INV-2026-0001".into(), day(), None, now),
        Step::Pay(amount) => invoice.pay(*amount, now),
        Step::Credit(amount) => invoice.credit(*amount, now),
        Step::Void => invoice.void(now),
    }
}

#[test]
fn each_status_allows_only_its_transitions() {
    let now = DateTime::UNIX_EPOCH;
    let issued = || draft(100).issue("INV-2026-0001".into(), day(), None, now).unwrap();
    let partially_paid = || issued().pay(40, now).unwrap();
    let (paid, credited) = (partially_paid().pay(60, now).unwrap(), issued().credit(100, now).unwrap());
    let all = [draft(100), issued(), partially_paid(), paid, credited, issued().void(now).unwrap()];
    assert_eq!(all.each_ref().map(|invoice| invoice.state().status), Status::ALL);
    // Each row is a status in `Status::ALL`. Each column is a step: replace, issue, pay 10, void, credit 10.
    let allowed = [
        [true, true, false, true, false],
        [false, false, true, true, true],
        [false, false, true, false, true],
        [false, false, false, false, true],
        [false; 5],
        [false; 5],
    ];
    for (invoice, allowed) in all.iter().zip(allowed) {
        let steps = [Step::Replace, Step::Issue, Step::Pay(10), Step::Void, Step::Credit(10)];
        for (step, allowed) in steps.iter().zip(allowed) {
            assert_eq!(take(invoice.clone(), step).is_ok(), allowed, "{step:?} of {:?}", invoice.state().status);
        }
    }
}

#[test]
fn payment_above_the_amount_due_is_refused() {
    let now = DateTime::UNIX_EPOCH;
    let issued = draft(100).issue("INV-2026-0001".into(), day(), None, now).unwrap();
    for amount in [0, -1, 101, i64::MAX, i64::MIN] {
        assert_eq!(issued.clone().pay(amount, now), Err(TransitionError::PaymentExceedsBalance), "{amount}");
    }
    assert_eq!(issued.pay(100, now).unwrap().amount_due(), 0);
}

#[test]
fn credit_above_the_remaining_amount_is_refused() {
    let now = DateTime::UNIX_EPOCH;
    let issued = draft(100).issue("INV-2026-0001".into(), day(), None, now).unwrap().credit(30, now).unwrap();
    for amount in [0, -1, 71, i64::MAX, i64::MIN] {
        assert_eq!(issued.clone().credit(amount, now), Err(TransitionError::CreditExceedsInvoice), "{amount}");
    }
    assert_eq!((issued.amount_due(), issued.state().status), (70, Status::Issued));
    assert_eq!(issued.clone().pay(71, now), Err(TransitionError::PaymentExceedsBalance));
    assert_eq!(issued.clone().pay(70, now).unwrap().state().status, Status::Paid);
    assert_eq!(issued.credit(70, now).unwrap().state().status, Status::Credited);
}

#[test]
fn invoice_with_total_zero_is_paid_when_issued() {
    let now = DateTime::UNIX_EPOCH;
    let issued = draft(0).issue("INV-2026-0001".into(), day(), None, now).unwrap();
    assert_eq!((issued.state().status, issued.amount_due()), (Status::Paid, 0));
    assert_eq!(issued.clone().pay(1, now), Err(TransitionError::NotPayable));
    assert_eq!(issued.void(now).unwrap().state().status, Status::Void);
}

#[test]
fn invoice_due_before_its_issue_date_cannot_be_issued() {
    let mut early = draft(100);
    early.content.due_date = day().pred_opt();
    assert_eq!(early.amount_due(), 0, "nothing is due on a draft");
    assert_eq!(early.issue("x".into(), day(), None, DateTime::UNIX_EPOCH), Err(TransitionError::DueBeforeIssue));
}

proptest! {
    #[test]
    fn any_order_of_transitions_keeps_the_invariants(
        steps in prop::collection::vec(prop_oneof![
            Just(Step::Replace), Just(Step::Issue), (-5..150_i64).prop_map(Step::Pay),
            (-5..150_i64).prop_map(Step::Credit), Just(Step::Void)
        ], 0..20),
        total in prop_oneof![Just(0), Just(100)]
    ) {
        let mut invoice = draft(total);
        for step in &steps {
            let before = invoice.clone();
            match take(invoice.clone(), step) {
                Ok(after) => {
                    prop_assert_eq!(after.state().version, before.state().version + 1);
                    invoice = after;
                }
                Err(_) => prop_assert_eq!(&invoice, &before),
            }
            let (state, total) = (invoice.state(), invoice.totals().total);
            prop_assert!(state.paid >= 0 && state.paid <= total);
            prop_assert!(state.credited >= 0 && state.credited <= total && invoice.amount_due() >= 0);
            let valid = state.number.is_some() && state.status != Status::Void;
            let credited = valid && total > 0 && state.credited == total;
            prop_assert_eq!(state.status == Status::Credited, credited);
            prop_assert_eq!(state.status == Status::Paid, valid && !credited && state.paid + state.credited >= total);
            prop_assert!(state.status == Status::Draft || state.status == Status::Void || state.number.is_some());
        }
    }
}
