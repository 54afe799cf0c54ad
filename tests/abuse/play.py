#!/usr/bin/env python3
"""Plays attacks that the service must detect, distinguish, stop and report, against two replicas of a release build.

    cargo build --release && python3 tests/abuse/play.py

The attacks are brute force (one account, many addresses), password spraying (many accounts, one network) and id enumeration.
A fake receiver gets the alerts over TLS. The script prints the results, and exits with 1 at the first wrong result. If Prometheus
is installed, it also scrapes both replicas and sends every query of the dashboard. All processes use loopback only, and end with
the script.
"""

import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = pathlib.Path(os.environ.get("SERVICE", ROOT / "target/release/strongroom"))
KEY = hashlib.sha256(os.urandom(32)).hexdigest()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def must(holds, what):
    print(("  ok: " if holds else "  FAILED: ") + what, flush=True)
    if not holds:
        sys.exit(1)


def until(found, what, seconds=30):
    """Waits until `found` returns a true value, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = found()
        if result:
            return result
        time.sleep(0.1)
    must(False, what)


class Replica:
    """One process of the service."""

    def __init__(self, name, state, more):
        self.port, self.management = free_port(), free_port()
        self.said = tempfile.TemporaryFile()
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "STRONGROOM_REPLICA": name,
            "STRONGROOM_DEV_STATE_DIR": str(state),
            "STRONGROOM_HTTP_BIND": f"127.0.0.1:{self.port}",
            "STRONGROOM_TLS_BIND": "127.0.0.1:0",
            "STRONGROOM_MANAGEMENT_BIND": f"127.0.0.1:{self.management}",
            "STRONGROOM_LOG_FILTER": "warn,strongroom=info,security=info,alert=info",
            **more,
        }
        self.process = subprocess.Popen([SERVICE], env=environment, stdout=self.said, stderr=self.said)
        self.environment = environment

    def text(self):
        self.said.seek(0)
        return self.said.read().decode()

    def started(self):
        def ready():
            if self.process.poll() is not None:
                sys.exit(self.text())
            return "Stop with Ctrl-C" in self.text()

        until(ready, "a replica starts", 60)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def call(self, method, path, body=None, token=None, address="127.0.0.1", cookie=None):
        """Sends one request from this address. Returns status, headers and text of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(address, 0))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if cookie:
            headers["Cookie"] = cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, body and json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read().decode()

    def sign_in(self, email, password, address="127.0.0.1", cookie=None, **more):
        return self.call("POST", "/api/v1/auth/login", {"email": email, "password": password, **more}, None, address, cookie)


class Receiver(http.server.BaseHTTPRequestHandler):
    """Receives alerts. It verifies the signature of each alert, as a real receiver must."""

    taken = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stamp = self.headers["strongroom-timestamp"]
        mac = hmac.new(KEY.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        if self.headers["strongroom-signature"] == f"v1={mac}" and abs(time.time() - int(stamp)) < 300:
            Receiver.taken.append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def receive(state):
    """Starts a receiver with the certificate of the development profile."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(state / "tls/localhost.pem", state / "tls/localhost.key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class Database:
    """Reads the database as superuser, to print stored data."""

    def __init__(self, folder):
        self.folder = folder

    def rows(self, sql):
        command = ["psql", "-XAt", "-F", " | ", "-h", self.folder, "-U", "postgres", "-d", "strongroom", "-c", sql]
        return [line for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines() if line]

    def show(self, title, sql):
        print(f"  {title}")
        for row in self.rows(sql):
            print(f"    {row}")


def alerts(rule, kind="opened"):
    return [one for one in Receiver.taken if one["alert"]["rule"] == rule and one["kind"] == kind]


def documented(page):
    """Runs the Python code on a page of docs/, and returns the names that it defines."""
    names = {}
    exec(re.search(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.S)[1], names)
    return names


def device(headers):
    return next(line.split(";")[0] for line in headers.get_all("Set-Cookie") if line.startswith("__Host-device="))


def brute_force(replicas, email, password, known):
    print("\nBrute force: one account from many addresses, at both replicas in turn")
    answers = set()
    for guess in range(40):
        replica = replicas[guess % 2]
        status, _, text = replica.sign_in(email, f"wrong password {guess}", f"127.0.10.{guess + 1}")
        answers.add((status, json.loads(text)["code"]))
    must(answers == {(401, "invalid_credentials")}, f"every guess gets the same response: {answers}")
    status, _, text = replicas[1].sign_in(email, password, "127.0.10.200")
    must(status == 401, "the correct password is refused to an unknown client during the lockout, with the same response")
    status, _, _ = replicas[0].sign_in(email, password, "127.0.10.201", known)
    must(status == 200, "the owner can log in from a known device")
    until(lambda: alerts("account_brute_force"), "an account_brute_force alert")
    must(len(alerts("account_brute_force")) == 1, "the attack raises one alert: " + alerts("account_brute_force")[0]["text"])
    until(lambda: alerts("correct_password_while_locked"), "a correct_password_while_locked alert")


def password_spraying(replicas, email, password, known, newcomer):
    print("\nPassword spraying: many accounts from four addresses of one network")
    answers = []
    for guess in range(60):
        status, headers, _ = replicas[guess % 2].sign_in(f"somebody{guess}@example.com", "Spring2026!Spring", f"127.0.20.{guess % 4 + 1}")
        answers.append(status)
    must(answers == [401] * 30 + [429] * 30, "thirty accounts were tried, then the network needs a challenge")
    status, _, _ = replicas[0].sign_in(email, password, "127.0.20.1", known)
    must(status == 200, "a known device at the same address can log in")
    status, _, text = replicas[1].sign_in(*newcomer, "127.0.20.1")
    must(status == 429, "an unknown client there needs a challenge")
    solution = documented("limits.md")["solve"](json.loads(text)["challenge"])
    status, _, _ = replicas[0].sign_in(*newcomer, "127.0.20.1", altcha=solution)
    must(status == 200, "this client solves the challenge as docs/limits.md describes, and logs in")
    until(lambda: alerts("password_spraying"), "a password_spraying alert")
    must(len(alerts("password_spraying")) == 1, "the attack raises one alert: " + alerts("password_spraying")[0]["text"])


def id_enumeration(replicas, token, theirs):
    print("\nId enumeration: a user requests objects of others and missing ones")
    answers, ended = set(), None
    for step in range(80):
        # The requests alternate between another user's invoice and missing invoices.
        target = theirs if step % 2 else uuid.uuid4()
        status, _, text = replicas[step // 2 % 2].call("GET", f"/api/v1/invoices/{target}", token=token)
        if status == 401:
            ended = step
            break
        answers.add((status, json.loads(text)["code"]))
        time.sleep(0.02)
    must(answers == {(404, "not_found")}, f"every request gets the same response: {answers}")
    if ended is None:
        ended = until(lambda: replicas[0].call("GET", "/api/v1/me", token=token)[0] == 401, "the session ends") and 80
    must(replicas[1].call("GET", "/api/v1/me", token=token)[0] == 401, f"the session has ended on both replicas, at step {ended}")
    until(lambda: alerts("access_denials") and alerts("probing_session"), "alerts access_denials and probing_session")
    must(len(alerts("access_denials")) == 1, "the attack raises one alert: " + alerts("access_denials")[0]["text"])
    must(len(alerts("probing_session")) == 1, "a second alert reports that the session was ended")


@contextlib.contextmanager
def scraped(replicas, folder):
    """Starts a Prometheus that scrapes both replicas, and returns a function that sends it a query. Returns `None` if it is not installed."""
    program = shutil.which("prometheus")
    if not program:
        yield None
        return
    port, settings = free_port(), folder / "prometheus.yml"
    targets = [f"127.0.0.1:{replica.management}" for replica in replicas]
    scrape = {"job_name": "strongroom", "scrape_interval": "1s", "static_configs": [{"targets": targets}]}
    settings.write_text(json.dumps({"scrape_configs": [scrape]}))
    said = (folder / "prometheus.log").open("w")
    command = [program, f"--config.file={settings}", f"--storage.tsdb.path={folder / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=said, stderr=said)

    def ask(query):
        query = re.sub(r"\$__rate_interval|\$__range|\$__interval", "5m", query)
        query = query.replace("$job", "strongroom")
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as reply:
                return json.load(reply)["data"]["result"]

    try:
        until(lambda: len(ask('up{job="strongroom"} == 1') or []) == 2, "Prometheus scrapes both replicas", 60)
        yield ask
    finally:
        process.terminate()
        process.wait()
        said.close()


def dashboard(ask):
    """Returns all queries of the dashboard."""
    if not ask:
        print("\nNo Prometheus here: the dashboard's queries are not asked (apt-get install prometheus)")
        return
    print("\nThe dashboard")
    time.sleep(3)
    text = (ROOT / "deploy/grafana/strongroom.json").read_text()
    queries = [target["expr"] for panel in panels(json.loads(text)) for target in panel.get("targets", [])]
    answers = {query: ask(query) for query in queries}
    unanswered = [query for query, answer in answers.items() if answer is None]
    must(queries and not unanswered, f"{len(queries)} queries are answered {unanswered or ''}")
    for query, answer in answers.items():
        if not answer:
            print("  nothing to show: " + query)
        elif "security_events" in query or "refusals" in query:
            print("  " + query)
            for one in answer:
                print(f"    {one['metric']} {one['value'][1]}")


def panels(board):
    for panel in board.get("panels", []):
        yield panel
        yield from panels(panel)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="strongroom-abuse-"))
    folder.chmod(0o711)
    state, replicas = folder / "state", []
    first = Replica("first", state, {})
    try:
        # The first start creates the database, the keys, the certificate and the demo data.
        lines = first.started().text()
        email, password = re.search(r'"email":"(anna[^"]+)","password":"([^"]+)"', lines).groups()
        first.stop()
        told = {
            "STRONGROOM_ALERTS_WEBHOOK_URL": f"https://localhost:{receive(state)}/alerts",
            "STRONGROOM_ALERTS_WEBHOOK_KEY": KEY,
            "STRONGROOM_ALERTS_CA_FILE": str(state / "tls/ca.pem"),
            **{f"STRONGROOM_LIMITS_{name}": "1000000/1s" for name in ("STANDARD", "SIGN_IN")},
        }
        replicas.append(Replica("first", state, told).started())
        database = re.search(r"database +(\S+)", replicas[0].text())[1]
        shared = {"DATABASE_URL": f"postgres://strongroom_app@localhost/strongroom?host={urllib.parse.quote(database, safe='')}"}
        replicas.append(Replica("second", state, {**told, **shared}).started())
        kept = Database(database)

        status, headers, text = replicas[0].sign_in(email, password, "127.0.0.5")
        must(status == 200, "the owner logs in, and the device is known from then on")
        token, known = json.loads(text)["access_token"], device(headers)
        newcomer = "ben@demo.example", next(state.rglob("demo_password_2")).read_text().strip()
        ben = json.loads(replicas[1].sign_in(*newcomer)[2])["access_token"]
        theirs = json.loads(replicas[0].call("GET", "/api/v1/invoices?limit=1", token=token)[2])["items"][0]["id"]

        with scraped(replicas, folder) as ask:
            brute_force(replicas, email, password, known)
            password_spraying(replicas, email, password, known, newcomer)
            id_enumeration(replicas, ben, theirs)
            dashboard(ask)

        print("\nStored data")
        kept.show("events", "select kind, reason, coalesce(object_class, '-'), replica, count(*) from security_events where severity <> 'info' group by 1, 2, 3, 4 order by 1, 2, 3, 4")
        kept.show("counters", "select kind, key, count from counters where kind <> 'mail_budget' order by 1, 2")
        kept.show("alerts", "select rule, subject_kind, subject, state, count, findings from alerts order by opened_at")
        print("  deliveries")
        for one in Receiver.taken:
            print(f"    {one['kind']}: {one['text']} → {one['runbook']}")
    finally:
        for replica in reversed(replicas or [first]):
            if replica.process.poll() is None:
                replica.stop()
        subprocess.run([SERVICE, "dev", "reset"], env=first.environment, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder, ignore_errors=True)
    print("\nAll attacks were detected, distinguished, stopped and reported.")


if __name__ == "__main__":
    main()
