"""Reads .audit-accepted.toml and says what is wrong with it.

`accepted.py` FILE prints the accepted ids, one a line; `accepted.py` FILE FOUND also takes what `cargo audit --json`
found without any exception, and refuses an entry for nothing. Faults go to standard error, all at once, with exit 1.
"""

import datetime
import json
import re
import sys
import tomllib

KEYS = {
    "id": str,
    "severity": str,
    "reason": str,
    "reachable": bool,
    "owner": str,
    "accepted": datetime.date,
    "expires": datetime.date,
}


def faults(document: dict, today: datetime.date, found: set[str] | None = None) -> list[str]:
    """What keeps the list from being one that can be relied on."""
    policy = document.get("policy", {})
    entries = document.get("accepted", [])
    out = [f"policy: {key} is missing" for key in ("critical", "high", "medium", "low") if key not in policy]
    out += [f"unknown table {key}" for key in document.keys() - {"policy", "accepted"}]
    seen = set()
    for entry in entries:
        name = entry.get("id", "an entry without an id")
        # `type(..) is`, because a date with a time is a date too, and True is an integer.
        wrong = [key for key, kind in KEYS.items() if type(entry.get(key)) is not kind]
        wrong += [key for key, kind in KEYS.items() if kind is str and not str(entry.get(key, "")).strip()]
        wrong += sorted(entry.keys() - KEYS.keys())
        if wrong:
            out.append(f"{name}: missing, empty, of the wrong type or unknown: {', '.join(dict.fromkeys(wrong))}")
            continue
        if not re.fullmatch(r"RUSTSEC-\d{4}-\d{4}", name):
            out.append(f"{name}: not a RustSec id")
        if name in seen:
            out.append(f"{name}: listed twice")
        seen.add(name)
        if entry["accepted"] > today:
            out.append(f"{name}: accepted in the future, {entry['accepted']}")
        if entry["expires"] < today:
            out.append(f"{name}: expired on {entry['expires']}; {entry['owner']} decides again")
        days = policy.get(entry["severity"])
        if days is None:
            out.append(f"{name}: {entry['severity']} is no severity of the policy")
        elif (entry["expires"] - entry["accepted"]).days > days:
            out.append(f"{name}: {entry['severity']} may be accepted for {days} days at most")
        if found is not None and name not in found:
            out.append(f"{name}: touches nothing in Cargo.lock any more: take the entry out")
    return out


def ids_in(report: dict) -> set[str]:
    """Every advisory that `cargo audit --json` names, warnings too."""
    warnings = [one for kind in report["warnings"].values() for one in kind]
    hits = report["vulnerabilities"]["list"] + warnings
    return {hit["advisory"]["id"] for hit in hits if hit.get("advisory")}


def main() -> None:
    with open(sys.argv[1], "rb") as file:
        document = tomllib.load(file)
    found = None
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            found = ids_in(json.load(file))
    wrong = faults(document, datetime.date.today(), found)
    if wrong:
        sys.exit("\n".join(f"{sys.argv[1]}: {fault}" for fault in wrong))
    for entry in document.get("accepted", []):
        print(entry["id"])


if __name__ == "__main__":
    main()
