"""The requests that are measured, and `wrk`, which sends them."""

import json
import re
import subprocess
import time

from fill import PASSWORD, identity
from servers import cpu_ms, memory_mib

CONNECTIONS = 32
INVOICE = f"/api/v1/invoices/{identity('owner0 invoice77')}"
LIST = "/api/v1/invoices"
LOGIN = "/api/v1/auth/login"
DRAFT = {
    "customer_id": identity("owner0 customer1"),
    "currency": "EUR",
    "due_date": "2030-12-31",
    "notes": "Thank you.",
    "lines": [
        {"description": f"Consulting, part {n}", "quantity": "1.5", "unit_price": "100.00", "tax_rate": "21"}
        for n in (1, 2, 3)
    ],
}
# Each request of `create` has a new idempotency key. The logins use the users in turn, because a user may have at most
# ten sessions.
CREATE = """local n, run = 0, os.time()
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
wrk.body = [[%s]]
request = function()
    n = n + 1
    wrk.headers["Idempotency-Key"] = run .. "-" .. n
    return wrk.format()
end
"""
LOGINS = """local n = 0
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
request = function()
    n = n %% %d + 1
    return wrk.format(nil, nil, nil, '{"email":"owner' .. n - 1 .. '@example.com","password":"%s"}')
end
"""


def requests_of(folder, owners, document):
    """Writes the scripts for wrk. Returns a path and a script for each request, by name. `document` is the path of a document."""
    (folder / "create.lua").write_text(CREATE % json.dumps(DRAFT))
    (folder / "login.lua").write_text(LOGINS % (owners, PASSWORD))
    return {
        "one invoice": (INVOICE, None),
        "newest 20": (LIST, None),
        "create, 3 lines": (LIST, folder / "create.lua"),
        "document, 8 KiB": (document, None),
        "login": (LOGIN, folder / "login.lua"),
    }


def wrk(url, seconds, *, token=None, script=None):
    """Sends requests from one thread over 32 connections. Returns their number, the rate per second, and p50 and p99 in ms."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "--latency", url]
    command += ["-s", script] if script else []
    command += ["-H", f"Authorization: Bearer {token}"] if token else []
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    units = {"us": 0.001, "ms": 1, "s": 1000}

    def percentile(name):
        number, unit = re.search(rf" {name}%\s+([\d.]+)(us|ms|s)", said).groups()
        return float(number) * units[unit]

    requests = int(re.search(r"(\d+) requests in", said)[1])
    return requests, float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), percentile(50), percentile(99)


def measure(server, database, seconds, requests):
    """Measures every request once. Returns for each name (rate, p50, p99, server CPU, database CPU), and the memory of the server."""
    time.sleep(2)
    memory = {"idle": memory_mib(server.process.pid, "VmRSS")}
    token, found = server.token(), {}
    wrk(server.url(INVOICE), 1, token=token)  # Opens connections and fills the caches.
    for name, (path, script) in requests.items():
        before = cpu_ms(server.process.pid), cpu_ms(database.process.pid)
        total, rate, p50, p99 = wrk(server.url(path), seconds, token=token, script=script)
        after = cpu_ms(server.process.pid), cpu_ms(database.process.pid)
        found[name] = rate, p50, p99, *((end - start) * 1000 / total for start, end in zip(before, after, strict=True))
    memory["peak"] = memory_mib(server.process.pid, "VmHWM")
    return found, memory
