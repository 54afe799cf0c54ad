"""Compares .audit-accepted.toml with the report of `cargo audit`, and prints the accepted ids, one per line.

Usage: accepted.py FILE REPORT. REPORT is the output of `cargo audit` without exceptions. The severity of an advisory and its date
of publication come from the report, never from the entry, because an entry must not extend its own deadline. Faults are
printed to standard error, and cause the exit status 1.
"""

import datetime
import re
import sys
import tomllib
from typing import NamedTuple

KEYS = {"id": str, "reason": str, "reachable": bool, "owner": str, "expires": datetime.date}
# The maximum number of days between the publication of an advisory and its fix, by severity (.github/SECURITY.md).
DAYS = {"critical": 2, "high": 7, "medium": 30, "low": 90}


class Advisory(NamedTuple):
    severity: str
    published: datetime.date


def advisories(report: str) -> dict[str, Advisory]:
    """Returns the advisories of the report by id, including warnings. An advisory without a severity counts as high."""
    found = {}
    for block in re.split(r"\n\s*\n", report):
        fields = dict(re.findall(r"^(ID|Date|Severity): +(.*)$", block, re.MULTILINE))
        if "ID" in fields:
            severity = re.search(r"\((\w+)\)$", fields.get("Severity", ""))
            known = severity is not None and severity[1] in DAYS
            published = datetime.date.fromisoformat(fields["Date"])
            found[fields["ID"]] = Advisory(severity[1] if known else "high", published)
    return found


def faults(document: dict, found: dict[str, Advisory], today: datetime.date) -> list[str]:
    """Returns all faults in the list of accepted advisories."""
    out = [f"unknown table {key}" for key in document.keys() - {"accepted"}]
    seen = set()
    for entry in document.get("accepted", []):
        name = entry.get("id", "an entry without an id")
        # Compare types exactly, because isinstance accepts a datetime as a date, and True as an integer.
        wrong = [key for key, kind in KEYS.items() if type(entry.get(key)) is not kind]
        wrong += [key for key, kind in KEYS.items() if kind is str and not str(entry.get(key, "")).strip()]
        wrong += sorted(entry.keys() - KEYS.keys())
        if wrong:
            out.append(f"{name}: missing, empty, of the wrong type or unknown: {', '.join(dict.fromkeys(wrong))}")
            continue
        if name in seen:
            out.append(f"{name}: listed twice")
        seen.add(name)
        if entry["expires"] < today:
            out.append(f"{name}: expired on {entry['expires']}; {entry['owner']} must decide again")
        advisory = found.get(name)
        if advisory is None:
            out.append(f"{name}: cargo audit does not find it in Cargo.lock; remove the entry")
            continue
        latest = advisory.published + datetime.timedelta(days=DAYS[advisory.severity])
        if entry["expires"] > latest:
            told = f"published on {advisory.published} with severity {advisory.severity}"
            out.append(f"{name}: {told}; it may be accepted until {latest}")
    return out


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        document = tomllib.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        found = advisories(file.read())
    wrong = faults(document, found, datetime.date.today())
    if wrong:
        sys.exit("\n".join(f"{sys.argv[1]}: {fault}" for fault in wrong))
    for entry in document.get("accepted", []):
        print(entry["id"])


if __name__ == "__main__":
    main()
