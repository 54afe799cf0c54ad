"""The list of accepted advisories refuses what it should. Run by .ci/audit."""

import datetime
import unittest

from accepted import faults, ids_in

TODAY = datetime.date(2026, 11, 23)
POLICY = {"critical": 2, "high": 7, "medium": 30, "low": 90}
GOOD = {
    "id": "RUSTSEC-2026-0258",
    "severity": "medium",
    "reason": "no fixed version",
    "reachable": False,
    "owner": "@someone",
    "accepted": TODAY,
    "expires": TODAY + datetime.timedelta(days=30),
}
DAY = datetime.timedelta(days=1)


def said(found: frozenset[str] | None = frozenset({GOOD["id"]}), **change: object) -> str:
    entry = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    return "\n".join(faults({"policy": POLICY, "accepted": [entry]}, TODAY, found))


class AcceptedAdvisories(unittest.TestCase):
    def test_a_complete_entry_and_an_empty_list_pass(self):
        self.assertEqual(said(), "")
        self.assertEqual(faults({"policy": POLICY}, TODAY, set()), [])

    def test_an_expired_entry_is_refused(self):
        self.assertIn("expired", said(accepted=TODAY - 9 * DAY, expires=TODAY - DAY))

    def test_an_entry_for_nothing_is_refused(self):
        self.assertIn("touches nothing", said(found=frozenset()))

    def test_an_entry_without_an_owner_a_reason_or_an_expiry_is_refused(self):
        for key in GOOD:
            with self.subTest(key):
                self.assertIn(key, said(**{key: None}))
        self.assertIn("owner", said(owner=" "))

    def test_more_days_than_the_severity_gives_are_refused(self):
        self.assertIn("7 days at most", said(severity="high", expires=TODAY + 8 * DAY))
        self.assertIn("no severity", said(severity="whatever"))
        self.assertIn("in the future", said(accepted=TODAY + DAY))

    def test_a_duplicate_a_misspelt_key_and_a_strange_id_are_refused(self):
        twice = faults({"policy": POLICY, "accepted": [GOOD, GOOD]}, TODAY)
        self.assertIn("listed twice", "\n".join(twice))
        self.assertIn("expiry", said(expiry=TODAY))
        self.assertIn("not a RustSec id", said(id="CVE-2026-1"))
        self.assertEqual(len(faults({"policy": {}, "ignored": []}, TODAY)), 5)

    def test_warnings_count_as_found_and_yanked_crates_have_no_id(self):
        hit = {"advisory": {"id": "RUSTSEC-2026-0001"}}
        report = {"vulnerabilities": {"list": [hit]}, "warnings": {"unmaintained": [hit], "yanked": [{"advisory": None}]}}
        self.assertEqual(ids_in(report), {"RUSTSEC-2026-0001"})


if __name__ == "__main__":
    unittest.main()
