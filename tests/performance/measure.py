#!/usr/bin/env python3
"""Measures a release build on this machine and prints the table of docs/performance.md.

    cargo build --release && python3 tests/performance/measure.py

Needs wrk and pgbench. The service runs as with `cargo run`, with its own durable database, but on other ports. Its limits are so
high that no request reaches them. It logs as production does, into a file. The load comes from the same machine over loopback, so
the load generator uses a part of the processor time.
"""

import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = ROOT / "target/release/strongroom"
BASE = "http://127.0.0.1:18080"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = 8
CLIENTS = 16


def environment(state):
    limits = ("STANDARD", "WRITE", "EXPORT", "SIGN_IN", "REGISTRATION", "RESET", "REFRESH", "UNKNOWN_PATH")
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ["HOME"],
        "STRONGROOM_DEV_STATE_DIR": str(state),
        "STRONGROOM_HTTP_BIND": "127.0.0.1:18080",
        "STRONGROOM_TLS_BIND": "127.0.0.1:18443",
        "STRONGROOM_MANAGEMENT_BIND": "127.0.0.1:19464",
        "STRONGROOM_LOG_FORMAT": "json",
        **{f"STRONGROOM_LIMITS_{name}": "1000000000/1s" for name in limits},
    }


class Running:
    """Runs the service until the end of a `with` block."""

    def __init__(self, state):
        self.started = time.perf_counter()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([SERVICE], env=environment(state), stdout=self.log, stderr=self.log)
        while True:
            try:
                urllib.request.urlopen(BASE + "/health/ready", timeout=1)
                break
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    sys.exit(self.text())
                time.sleep(0.002)
        self.ready_ms = (time.perf_counter() - self.started) * 1000

    def text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def __enter__(self):
        while "Stop with" not in self.text():
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def call(path, body=None, token=None):
    request = urllib.request.Request(BASE + path, data=body and json.dumps(body).encode())
    request.add_header("Content-Type", "application/json") if body else None
    request.add_header("Authorization", f"Bearer {token}") if token else None
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)


def wrk(path, clients, *, script=None, token=None):
    """Returns the requests per second, and the 50th and 99th percentile in ms."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "--latency", BASE + path]
    command += ["-s", script] if script else []
    command += ["-H", f"Authorization: Bearer {token}"] if token else []
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said, said
    units = {"us": 0.001, "ms": 1, "s": 1000}

    def percentile(name):
        number, unit = re.search(rf"{name}%\s+([\d.]+)(us|ms|s)", said).groups()
        return float(number) * units[unit]

    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), percentile(50), percentile(99)


def pgbench(socket, user, sql, clients, folder):
    """Runs one script over prepared statements. Returns the transactions per second, and the 50th and 99th percentile in ms."""
    script, prefix = folder / "script.sql", folder / "log"
    script.write_text(sql)
    command = ["pgbench", "-n", "-M", "prepared", "-f", script, "-c", str(clients), "-j1", "-T", str(SECONDS), "-l"]
    command += ["--log-prefix", prefix, "-h", socket, "-U", user, "strongroom"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
    took = sorted(int(line.split()[2]) / 1000 for log in folder.glob("log.*") for line in log.open())
    for log in folder.glob("log.*"):
        log.unlink()
    return float(re.search(r"tps = ([\d.]+)", said)[1]), took[len(took) // 2], took[len(took) * 99 // 100]


def row(name, figures):
    rates = [rate for rate, _, _ in figures]
    middle = statistics.median
    spread = f"{min(rates):,.0f} to {max(rates):,.0f}"
    p50, p99 = middle(f[1] for f in figures), middle(f[2] for f in figures)
    print(f"| {name} | {middle(rates):,.0f} | {spread} | {p50:.2f} | {p99:.2f} |", flush=True)


def main():
    for needed in ("wrk", "pgbench"):
        shutil.which(needed) or sys.exit(f"{needed} is missing: apt-get install wrk postgresql-contrib")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-measure-", dir=ROOT / "target"))
    folder.chmod(0o711)
    state = folder / "state"
    with Running(state):
        pass
    starts = []
    for _ in range(ROUNDS):
        with Running(state) as running:
            starts.append(running.ready_ms)
    print(f"start to ready, existing database: {statistics.median(starts):.0f} ms ({min(starts):.0f} to {max(starts):.0f})")

    with Running(state) as running:
        time.sleep(5)
        status = pathlib.Path(f"/proc/{running.process.pid}/smaps_rollup").read_text()
        memory = {name: int(kib) / 1024 for name, kib in re.findall(r"^(Rss|Pss):\s+(\d+)", status, re.M)}
        print(f"idle memory: {memory['Rss']:.0f} MiB resident")

        lines = running.text()
        email, password = re.search(r'"email":"([^"]+)","password":"([^"]+)"', lines).groups()
        invoice = re.search(r"/api/v1/invoices/(\S+)", lines)[1]
        socket = re.search(r"database +(\S+)", lines)[1]

        def token():
            # Each round needs a new token: a user has at most ten sessions, and the logins below open more.
            return call("/api/v1/auth/login", {"email": email, "password": password})["access_token"]

        owner = call("/api/v1/me", token=token())["id"]
        source = (ROOT / "src/features/invoices/store.rs").read_text()
        statement = re.search(r'select i\.id.*?from invoices i where i\.owner_id = \$1 and i\.id = \$2', source, re.S)[0]
        statement = statement.replace('as "lines!: _"', "as lines").replace("$1", f"'{owner}'").replace("$2", f"'{invoice}'")
        login = folder / "login.lua"
        login.write_text(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\n'
            f"wrk.body = [[{json.dumps({'email': email, 'password': password})}]]\n"
        )
        print("| request | per second, median | rounds | p50 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
        statement = " ".join(statement.split()) + ";\n"
        walled = f"begin;\nset local app.owner_id = '{owner}';\n{statement}rollback;\n"
        results = {
            "read an invoice": lambda: wrk(f"/api/v1/invoices/{invoice}", CLIENTS, token=token()),
            "read a page of 20 invoices": lambda: wrk("/api/v1/invoices", CLIENTS, token=token()),
            "render the PDF of an invoice": lambda: wrk(f"/api/v1/invoices/{invoice}/pdf", CLIENTS, token=token()),
            "database: the statement that reads the invoice": lambda: pgbench(socket, "postgres", statement, CLIENTS, folder),
            "database: the same statement with row-level security": lambda: pgbench(socket, "strongroom_app", walled, CLIENTS, folder),
            "`/health/live` (no database)": lambda: wrk("/health/live", CLIENTS),
            "sign in": lambda: wrk("/api/v1/auth/login", CLIENTS, script=login),
            "sign in, one at a time": lambda: wrk("/api/v1/auth/login", 1, script=login),
        }
        figures = {name: [] for name in results}
        for _ in range(ROUNDS):
            for name, measure in results.items():
                figures[name].append(measure())
        for name, rounds in figures.items():
            row(name, rounds)
        status = pathlib.Path(f"/proc/{running.process.pid}/status").read_text()
        resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
        print(f"memory after all requests: {resident:.0f} MiB resident")
    subprocess.run([SERVICE, "dev", "reset"], env=environment(state), check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
