"""Tests that an entry cannot accept an advisory for longer than its severity allows. `.ci/audit` runs this file."""

import datetime
import unittest

from accepted import DAYS, Advisory, advisories, faults

REPORT = """\
      Loaded 1225 security advisories
Crate:     lz4_flex
Version:   0.11.3
Title:     ID: RUSTSEC-2026-9999
Date:      2026-11-20
ID:        RUSTSEC-2026-0041
URL:       https://rustsec.org/advisories/RUSTSEC-2026-0041
Severity:  5.2 (medium)
Solution:  Upgrade to >=0.11.6

Crate:     h2
Version:   0.3.26
Date:      2026-11-20
ID:        RUSTSEC-2026-0258

Crate:     ansi_term
Version:   0.12.1
Warning:   unmaintained
Date:      2021-08-18
ID:        RUSTSEC-2021-0139

Crate:     pulled
Version:   0.1.0
Warning:   yanked

error: 2 vulnerabilities found!
"""
TODAY = datetime.date(2026, 11, 23)
DAY = datetime.timedelta(days=1)
GOOD = {
    "id": "RUSTSEC-2026-0041",
    "reason": "no fixed version",
    "reachable": False,
    "owner": "@someone",
    "expires": datetime.date(2026, 12, 20),
}


def said(**change: object) -> str:
    entry = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    return "\n".join(faults({"accepted": [entry]}, advisories(REPORT), TODAY))


class AcceptedAdvisories(unittest.TestCase):
    def test_severity_and_date_come_from_the_report(self):
        published = datetime.date(2026, 11, 20)
        expected = {
            "RUSTSEC-2026-0041": Advisory("medium", published),
            "RUSTSEC-2026-0258": Advisory("high", published),
            "RUSTSEC-2021-0139": Advisory("high", datetime.date(2021, 8, 18)),
        }
        self.assertEqual(advisories(REPORT), expected)

    def test_complete_entry_and_empty_list_pass(self):
        self.assertEqual(said(), "")
        self.assertEqual(faults({}, {}, TODAY), [])

    def test_entry_cannot_state_a_milder_severity(self):
        self.assertIn("unknown: severity", said(severity="low"))
        self.assertIn("may be accepted until 2026-11-27", said(id="RUSTSEC-2026-0258", expires=TODAY + 5 * DAY))

    def test_entry_cannot_state_a_later_start(self):
        self.assertIn("unknown: accepted", said(accepted=TODAY))
        self.assertIn("published on 2021-08-18", said(id="RUSTSEC-2021-0139", expires=TODAY + DAY))

    def test_renewed_entry_gets_no_further_days(self):
        self.assertEqual(said(expires=datetime.date(2026, 11, 20) + DAYS["medium"] * DAY), "")
        self.assertIn("until 2026-12-20", said(expires=datetime.date(2026, 12, 21)))

    def test_file_cannot_carry_its_own_policy(self):
        document = {"accepted": [GOOD], "policy": {"medium": 9999}}
        self.assertEqual(faults(document, advisories(REPORT), TODAY), ["unknown table policy"])

    def test_expired_entry_is_refused(self):
        self.assertIn("expired", said(expires=TODAY - DAY))

    def test_entry_for_an_advisory_that_was_not_found_is_refused(self):
        for absent in ["RUSTSEC-2026-0001", "RUSTSEC-2026-9999", "CVE-2026-1"]:
            self.assertIn("does not find it", said(id=absent))

    def test_entry_without_an_owner_a_reason_or_an_expiry_is_refused(self):
        for key in GOOD:
            with self.subTest(key):
                self.assertIn(key, said(**{key: None}))
        self.assertIn("owner", said(owner=" "))

    def test_duplicate_and_misspelt_key_are_refused(self):
        twice = faults({"accepted": [GOOD, GOOD]}, advisories(REPORT), TODAY)
        self.assertEqual(twice, ["RUSTSEC-2026-0041: listed twice"])
        self.assertIn("expiry", said(expiry=TODAY))


if __name__ == "__main__":
    unittest.main()
