"""Whether a fuzz was one: the run came to its end, no operation was left out, and each let some sound request in. Reads the JSON
report that is its argument."""

import json
import sys

# Operations that let nothing in here, and why.
NEVER_IN = {
    "POST /api/v1/auth/confirm": "its token comes by mail",
    "POST /api/v1/auth/password-reset/confirm": "its token comes by mail",
    "GET /.well-known/jwks.json": "development signs with a secret, which has no public half",
    "GET /api/v1/live": "answers a WebSocket's handshake alone",
    "DELETE /api/v1/me": "asks for the password, and would take a user of the fuzz away",
    "POST /api/v1/me/password": "asks for the password, and would change it under the fuzz",
}
# What is let in by chance alone: a made-up file is seldom one of its type. tests/api/attacks/files/uploads tries what a file can be.
SELDOM_IN = ["POST /api/v1/documents"]

report = json.load(open(sys.argv[1]))
operations, faults = report["operations"], []
if not report["complete"] or report["stop_reason"] != "completed":
    faults.append(f"it did not come to its end: {report['stop_reason']}")
if operations["tested"] != operations["selected"] or operations["errored"] or operations["skipped"] or report["errors"]:
    faults.append(f"operations were left out: {operations}")
for operation, phases in report["valid_rates"].items():
    let_in = sum(phase["accepted"] for phase in phases.values())
    if not let_in and operation not in NEVER_IN and operation not in SELDOM_IN:
        faults.append(f"{operation} let no sound request in")
    if let_in and operation in NEVER_IN:
        faults.append(f"{operation} is no exception any more")
faults += [f"{name} let nobody in" for name in report["warnings"]["missing_auth"] if name not in NEVER_IN]
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
