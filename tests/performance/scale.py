"""Measures whether the cost of a request grows with the number of invoices.

The program measures the requests of one of 1,000 owners, who has a tenth of all invoices: 1,000,000 of 10,000,000.
Before that, it measures the same requests with 100,000 invoices in total.
"""

import json
import re
import sys
import time
import urllib.parse

from database import ROOT, Database
from fill import fill, identity
from load import INVOICE, LIST, requests_of, wrk
from servers import cpu_ms, service

OWNERS = 1000
FEW = 100_000
SECONDS = 2
PAGE = 1000
SORTS = "-created_at created_at -issue_date issue_date -due_date due_date -total total".split()
FILTERS = {
    "status": {"status": "issued"},
    "customer": {"customer_id": identity("owner0 customer5")},
    "issued on one day": {"issued_from": "2025-01-02", "issued_to": "2025-01-02"},
    "due on one day": {"due_from": "2025-01-16", "due_to": "2025-01-16"},
    "overdue": {"overdue": "true"},
    "search of a frequent name": {"search": "customer 7"},
    "search that finds nothing": {"search": "lighthouse"},
}
# auto_explain logs no plan until `plans` switches it on.
EXPLAIN = (
    "session_preload_libraries=auto_explain",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
    "max_wal_size=8GB",
    "statement_timeout=0",
)


def requests(server, token):
    """Returns the paths of the requests, by name. To get the cursor of a late page, the function reads all pages before it."""
    paths = {"one invoice": INVOICE}
    for sort in SORTS:
        query, cursor = f"{LIST}?sort={sort}", None
        paths[f"first page by {sort}"] = query
        for _ in range(PAGE - 1):
            _, body = server.call(f"{query}&limit=5" + (f"&cursor={cursor}" if cursor else ""), token=token)
            cursor = json.loads(body)["next_cursor"]
            assert cursor, f"{sort}: too few invoices for {PAGE} pages"
        paths[f"page {PAGE:,} by {sort}"] = f"{query}&cursor={cursor}"
    return paths | {name: f"{LIST}?{urllib.parse.urlencode(query)}" for name, query in FILTERS.items()}


def plans(database, server, token, paths, file):
    """Writes the plan of each request's statement into a file."""
    log = database.folder / "postgres.log"
    server.connection.close()  # The service closes this connection, because it was idle for too long.
    database.run("alter system set auto_explain.log_min_duration = 0; select pg_reload_conf()")
    time.sleep(1)
    with file.open("w") as output:
        for name, path in paths.items():
            start = log.stat().st_size
            server.call(path, token=token)
            time.sleep(0.2)
            with log.open("rb") as text:
                text.seek(start)
                said = text.read().decode()
            found = re.findall(r"(?s)plan:\n.*?(?=\n\d{4}-|\Z)", said)
            output.write(f"# {name}\n" + "\n".join(plan for plan in found if "invoices" in plan) + "\n\n")


def measure(folder, invoices):
    """Returns for each kind of request the p50 and the processor time of the database per request."""
    counts = [invoices // 10] + [invoices * 9 // 10 // (OWNERS - 1)] * (OWNERS - 1)
    folder.mkdir(mode=0o711)
    with Database(folder, EXPLAIN) as database:
        database.create()
        started = time.monotonic()
        fill(database, counts)
        print(f"{invoices:,} invoices loaded in {time.monotonic() - started:,.0f} s", file=sys.stderr)
        found = {}
        with service(database, folder) as server:
            token = server.token()
            paths = requests(server, token)
            loads = {name: (path, None) for name, path in paths.items()}
            loads["create, 3 lines"] = requests_of(folder, OWNERS, None)["create, 3 lines"]
            for name, (path, script) in loads.items():
                wrk(server.url(path), 1, token=token, script=script)
                before = cpu_ms(database.process.pid)
                total, _, p50, _ = wrk(server.url(path), SECONDS, token=token, script=script)
                found[name] = p50, (cpu_ms(database.process.pid) - before) / total
            file = ROOT / f"target/plans-{invoices}.txt"
            plans(database, server, token, paths, file)
            print(f"plans: {file}", file=sys.stderr)
    return found


def scale(folder, invoices):
    """Prints the costs with few and with many invoices, and their ratios."""
    few, many = (measure(folder / str(size), size) for size in (FEW, invoices))
    print(f"| request | p50 ms, {FEW:,} | p50 ms, {invoices:,} | times | database CPU ms | database CPU ms | times |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, (p50, cpu) in few.items():
        later, used = many[name]
        times = f"{p50:.2f} | {later:.2f} | {later / p50:.2f}"
        print(f"| {name} | {times} | {cpu:.2f} | {used:.2f} | {used / max(cpu, 0.001):.2f} |")
