#!/usr/bin/env python3
"""Measures the service and small servers that lack its practices, and prints the tables of docs/performance.md.

    cargo build --release && python3 tests/performance/run.py

It starts its own durable PostgreSQL, fills the database, and sends requests with wrk (`apt-get install wrk
postgresql`). Server, database and wrk share this machine. So compare the servers with each other, and not with figures of another machine.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

from database import ROOT, SERVICE, Database
from fill import fill
from load import CONNECTIONS, measure, requests_of
from quick import quick
from scale import scale
from servers import SERVICE_NAME, build_peers, peers, service

COMMITTED = ROOT / "docs/performance.md"
PAGE = """| request | server | per second | rounds | p50 ms | p99 ms | CPU | database CPU |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
OWNERS, INVOICES = 1000, 100


def upload(server, content):
    """Uploads the document of the first owner and returns the path of its bytes."""
    field = "--x\r\nContent-Disposition: form-data; name={}\r\n{}\r\n".format
    form = field('"title"', "") + "Terms\r\n" + field('"file"; filename="terms.txt"', "Content-Type: text/plain\r\n")
    form = form.encode() + content + b"\r\n--x--\r\n"
    status, body = server.call("/api/v1/documents", form, server.token(), content="multipart/form-data; boundary=x")
    assert status == 201, (status, body)
    return f"/api/v1/documents/{json.loads(body)['id']}/content"


def committed():
    """Returns the rates (requests per second) in the committed table of docs/performance.md, by request and server."""
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([\d,]+) \| [\d,]+ to ", COMMITTED.read_text(), re.M)
    return {(name, server): int(rate.replace(",", "")) for name, server, rate in rows}


def print_rows(results):
    """Prints the medians of the rounds, the spread of the rates, and the change since the committed table."""
    before, changes = committed(), []
    print(f"\n{CONNECTIONS} connections. CPU: ms of processor time per 1,000 requests.\n\n{PAGE}")
    for name in results[SERVICE_NAME][0]:
        for server, rounds in results.items():
            figures = [found[name] for found in rounds]
            rate, p50, p99, *cpu = (statistics.median(column) for column in zip(*figures, strict=True))
            rates = sorted(figure[0] for figure in figures)
            spread, times = f"{rates[0]:,.0f} to {rates[-1]:,.0f}", f"{p50:.1f} | {p99:.0f}"
            print(f"| {name} | {server} | {rate:,.0f} | {spread} | {times} | {cpu[0]:,.0f} | {cpu[1]:,.0f} |")
            if (name, server) in before:
                changes.append(f"{name}, {server}: {rate / before[name, server]:.2f} times the committed rate")
    print("\n" + "\n".join(changes))


def compare(database, folder, content, document, rounds, seconds):
    """Measures all servers in interleaved rounds. Only one server runs at a time, and each round begins with another server."""
    build_peers()
    documents = folder / "documents"
    documents.mkdir()
    (documents / document.split("/")[-2]).write_bytes(content)
    documents.chmod(0o755)
    database.run((pathlib.Path(__file__).parent / "peers/schema.sql").read_text())
    servers = [service(database, folder), *peers(database, folder, documents)]
    requests = requests_of(folder, OWNERS, document)
    results, states = {server.name: [] for server in servers}, {server.name: [] for server in servers}
    for turn in range(rounds):
        for server in servers[turn % len(servers) :] + servers[: turn % len(servers)]:
            print(f"round {turn + 1} of {rounds}: {server.name}", file=sys.stderr)
            with server:
                found, memory = measure(server, database, seconds, requests)
            results[server.name].append(found)
            states[server.name].append({"start": server.ready_ms, **memory})
    print_rows(results)
    print("\n| server | start to ready, ms | idle, MiB | peak, MiB | binary, MiB |\n| --- | --- | --- | --- | --- |")
    for server in servers:
        parts = ([state[part] for state in states[server.name]] for part in ("start", "idle", "peak"))
        figures = [f"{statistics.median(part):,.0f}" for part in parts]
        binary = server.binary_mib()
        print(f"| {server.name} | {' | '.join(figures)} | {f'{binary:.1f}' if binary else '–'} |")


def main():
    """Prepares the database and runs the measurements that the arguments select."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="duration of each request in each round")
    parser.add_argument("--quick", action="store_true", help="only check the answers and counts.json")
    parser.add_argument("--write", action="store_true", help="with --quick: write the counts to counts.json")
    parser.add_argument(
        "--scale", type=int, metavar="INVOICES", help="compare the costs with those of 100,000 invoices"
    )
    chosen = parser.parse_args()
    needed = ["valgrind"] if chosen.quick else ["wrk", "cargo"]
    missing = [name for name in needed if not shutil.which(name)]
    if missing or not SERVICE.exists():
        sys.exit(f"missing: {', '.join(missing) or 'target/release/strongroom, from cargo build --release'}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-performance-", dir="/var/tmp"))
    folder.chmod(0o711)  # PostgreSQL may run as another user.
    try:
        if chosen.scale:
            return scale(folder, chosen.scale)
        with Database(folder) as database:
            database.create()
            fill(database, [INVOICES] * (20 if chosen.quick else OWNERS))
            content = b"Posters are delivered rolled.\n" * 273 + b"\n\n"
            with service(database, folder) as server:
                document = upload(server, content)
            if chosen.quick:
                faults = quick(database, folder, document, content, chosen.write)
                sys.exit("\n".join(["", *faults]) if faults else 0)
            compare(database, folder, content, document, chosen.rounds, chosen.seconds)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
