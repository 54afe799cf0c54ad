"""Starts the service and its peers, one at a time, and reads processor time and memory from /proc."""

import http.client
import json
import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time

from database import ROOT, SERVICE
from fill import PASSWORD

PEERS = pathlib.Path(__file__).parent / "peers"
# The peers are built outside of the source tree, because tests check all files of the source tree.
BUILT = ROOT / "target/peers"
LIMITS = [
    f"LIMITS_{name}" for name in "STANDARD WRITE EXPORT UPLOAD SIGN_IN REGISTRATION RESET REFRESH UNKNOWN_PATH".split()
]
# Raise the limits of failed logins, because all logins come from one address, and each counts as failed until it has
# succeeded.
LIMITS += [
    f"LOGIN_{name}" for name in "FAILURES_PER_ADDRESS FAILURES_PER_ACCOUNT_AND_ADDRESS ACCOUNTS_PER_NETWORK".split()
]
SERVICE_NAME = "Strongroom"
START_TIMEOUT = 120  # Seconds: valgrind is slow.
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    """Returns a port of the loopback interface that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tree(root):
    """Returns a process and all its descendants."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(stat.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
        except OSError:  # The process has ended.
            continue
    found = [root]
    for process in found:
        found += parents.get(process, [])
    return found


def cpu_ms(root):
    """Returns the processor time that a process, its descendants and its ended children have used."""
    ticks = 0
    for process in tree(root):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11:15])
    return ticks * 1000 / TICKS


def memory_mib(root, name):
    """Returns `VmRSS` (now) or `VmHWM` (the peak) of a process and its descendants."""
    kib = 0
    for process in tree(root):
        try:
            found = re.search(rf"{name}:\s+(\d+)", pathlib.Path(f"/proc/{process}/status").read_text())
        except OSError:
            continue
        kib += int(found[1]) if found else 0
    return kib / 1024


class Server:
    """Runs a server until the end of a `with` block. `ready_ms` is the time from its start to its first answer.

    `says` is the log line that the server writes when its start is complete.
    """

    def __init__(self, name, command, environment, folder, *, wrapper=(), says=b""):
        self.name, self.address = name, f"127.0.0.1:{free_port()}"
        self.command, self.wrapper, self.says, self.log = command, wrapper, says, folder / f"{name}.log"
        self.environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment}
        self.environment |= {"BIND": self.address, "STRONGROOM_HTTP_BIND": self.address}
        self.connection = http.client.HTTPConnection(self.address, timeout=START_TIMEOUT)

    def __enter__(self):
        started = time.perf_counter()
        with self.log.open("wb") as log:
            command = [*self.wrapper, *self.command]
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.ready_ms = None
        while time.perf_counter() < started + START_TIMEOUT and self.process.poll() is None:
            try:
                if self.ready_ms is None and self.call("/health/ready")[0] < 300:
                    self.ready_ms = (time.perf_counter() - started) * 1000
                if self.ready_ms is not None and self.says in self.log.read_bytes():
                    return self
            except (OSError, http.client.HTTPException):
                self.connection.close()
            time.sleep(0.002)
        self.__exit__()
        sys.exit(f"{self.name} did not start:\n{self.log.read_text()[-2000:]}")

    def __exit__(self, *_):
        self.connection.close()
        self.process.terminate()
        self.process.wait()

    def binary_mib(self):
        """Returns the size of the program in MiB, or None if an interpreter runs it."""
        path = pathlib.Path(self.command[0])
        return path.stat().st_size / 2**20 if path.is_relative_to(ROOT) else None

    def url(self, path):
        """Returns the address of a path."""
        return f"http://{self.address}{path}"

    def call(self, path, body=None, token=None, content="application/json", key=None):
        """Sends a request over a connection that stays open, and returns status and body."""
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        headers = {"Content-Type": content} if body else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        self.connection.request("POST" if body else "GET", path, body, headers)
        reply = self.connection.getresponse()
        return reply.status, reply.read()

    def token(self, email="owner0@example.com"):
        """Logs in and returns the access token."""
        status, body = self.call("/api/v1/auth/login", {"email": email, "password": PASSWORD})
        assert status == 200, (self.name, status, body)
        return json.loads(body)["access_token"]


def service(database, folder, socket_folder=None, **options):
    """Returns the service with limits that no request reaches. It logs as in production."""
    environment = {
        "DATABASE_URL": database.url("strongroom_app", socket_folder),
        "STRONGROOM_DEV_STATE_DIR": str(folder / "state"),
        "STRONGROOM_TLS_BIND": "127.0.0.1:0",
        "STRONGROOM_MANAGEMENT_BIND": "127.0.0.1:0",
        "STRONGROOM_LOG_FORMAT": "json",
        "STRONGROOM_JWT_TTL_SECONDS": "3600",
        "STRONGROOM_PASSWORD_MAX_WAIT_SECONDS": "10",
        **{f"STRONGROOM_{name}": "1000000000/1h" for name in LIMITS},
    }
    return Server(SERVICE_NAME, [SERVICE], environment, folder, says=b"Stop with", **options)


def build_peers():
    """Compiles the two Rust peers. If Node.js is installed, also installs the packages of the JavaScript peer."""
    command = ["cargo", "build", "--release", "--quiet", "--manifest-path", PEERS / "Cargo.toml"]
    subprocess.run(command, env={**os.environ, "CARGO_TARGET_DIR": str(BUILT)}, check=True)
    if shutil.which("npm"):
        (BUILT / "node").mkdir(exist_ok=True)
        for name in ("package.json", "server.mjs"):
            shutil.copy(PEERS / name, BUILT / "node")
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=BUILT / "node", check=True)


def peers(database, folder, documents):
    """Returns the peers. `documents` is the folder with the file that they send."""
    environment = {"DATABASE_URL": database.url("peers"), "DOCUMENTS": str(documents), "JWT_KEY": secrets.token_hex(32)}
    found = [
        Server("actix-web, bare", [BUILT / "release/bare"], environment, folder),
        Server("axum, checked", [BUILT / "release/checked"], environment, folder),
    ]
    if shutil.which("npm"):
        database_folder = {**environment, "PGHOST": str(database.folder), "PGUSER": "peers", "PGDATABASE": "strongroom"}
        node = [shutil.which("node"), BUILT / "node/server.mjs"]
        found.append(Server("Fastify", node, database_folder | {"NODE_ENV": "production"}, folder))
    return found
