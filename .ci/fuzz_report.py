"""Checks the JSON report of a fuzz run: the run is complete, no operation was left out, and each operation accepted at least one
valid request. Usage: fuzz_report.py REPORT"""

import json
import sys

# Operations that cannot accept any request during the fuzz, each with the reason.
NEVER_ACCEPTS = {
    "POST /api/v1/auth/confirm": "the token is in a mail",
    "POST /api/v1/auth/password-reset/confirm": "the token is in a mail",
    "GET /.well-known/jwks.json": "development signs with a shared secret, so there is no public key",
    "GET /api/v1/live": "it accepts only the handshake of a WebSocket",
    "GET /console/{version}/style.css": "the version is the hash of the console's files",
    "GET /console/{version}/attacks/{file}": "the version is the hash of the console's files",
    "GET /console/{version}/{file}": "the version is the hash of the console's files",
    "DELETE /api/v1/me": "it requires the password, and would delete a user that the fuzz needs",
    "POST /api/v1/me/password": "it requires the password, and would change a password that the fuzz needs",
}
# A generated file rarely has the format of its type. tests/api/attacks/files/uploads covers the file types.
SELDOM_ACCEPTS = ["POST /api/v1/documents"]

report = json.load(open(sys.argv[1]))
operations, faults = report["operations"], []
if not report["complete"] or report["stop_reason"] != "completed":
    faults.append(f"the run is incomplete: {report['stop_reason']}")
if operations["tested"] != operations["selected"] or operations["errored"] or operations["skipped"] or report["errors"]:
    faults.append(f"operations were left out: {operations}")
for operation, phases in report["valid_rates"].items():
    accepted = sum(phase["accepted"] for phase in phases.values())
    if not accepted and operation not in NEVER_ACCEPTS and operation not in SELDOM_ACCEPTS:
        faults.append(f"{operation} accepted no valid request")
    if accepted and operation in NEVER_ACCEPTS:
        faults.append(f"{operation} accepted a request: remove it from NEVER_ACCEPTS")
faults += [f"{name} refused all credentials" for name in report["warnings"]["missing_auth"] if name not in NEVER_ACCEPTS]
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
