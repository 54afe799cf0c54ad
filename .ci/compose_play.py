#!/usr/bin/env python3
"""Runs docker-compose.yml without a container engine. PostgreSQL, `migrate` and `api` run as processes of this machine, with the
commands, environment, secrets and health check of the file. A small mail catcher replaces Mailpit and answers the two queries of
first_steps.py. The image, its user, networks, volumes and resource limits are not checked.

Usage: compose_play.py PROGRAM POSTGRES_BIN
"""
import email
import email.policy
import http.server
import json
import os
import pwd
import re
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import yaml

program, postgres = os.path.abspath(sys.argv[1]), sys.argv[2]
place = tempfile.mkdtemp(prefix="strongroom-play-", dir="/tmp")  # short, because the path of a socket has at most 107 bytes
os.chmod(place, 0o711)
shutil.copytree("deploy", f"{place}/deploy", ignore=shutil.ignore_patterns("secrets"))
subprocess.run([f"{place}/deploy/make-secrets.sh"], check=True)
secrets = f"{place}/deploy/secrets"
host = os.environ.get("STRONGROOM_HOST", "localhost")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Catcher(socketserver.StreamRequestHandler):
    """A minimal SMTP server over TLS, sufficient for a client that sends one mail."""

    mails = []

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 catcher")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b"EHLO"):
                self.say("250 catcher")
            elif verb == b"DATA":
                self.say("354 go on")
                content = b""
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    content += part[1:] if part.startswith(b"..") else part
                self.mails.append(email.message_from_bytes(content, policy=email.policy.default))
                self.say("250 kept")
            elif verb == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Mailpit(http.server.BaseHTTPRequestHandler):
    """Answers two queries of Mailpit's API: the list of mails, newest first, and the text of one mail."""

    def do_GET(self):
        if self.path.startswith("/api/v1/search"):
            answer = {"messages": [{"ID": str(number)} for number in reversed(range(len(Catcher.mails)))]}
        else:
            mail = Catcher.mails[int(self.path.rsplit("/", 1)[1])]
            answer = {"Text": mail.get_body(("plain",)).get_content()}
        content = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def catch_mail():
    """Starts the mail catcher, with a certificate of the same authority. Returns the ports of SMTP and of the queries."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2",
         "-subj", "/CN=play", "-CA", f"{secrets}/ca.crt", "-CAkey", f"{secrets}/ca.key", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth",
         "-keyout", f"{place}/mail.key", "-out", f"{place}/mail.crt"],
        check=True, stderr=subprocess.DEVNULL)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{place}/mail.crt", f"{place}/mail.key")
    smtp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Catcher)
    smtp.socket = tls.wrap_socket(smtp.socket, server_side=True)
    queries = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mailpit)
    for server in (smtp, queries):
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return smtp.server_address[1], queries.server_address[1]


def start_database(environment):
    """Starts the service `db` on a Unix socket only. If this script runs as root, the server runs as the user postgres."""
    user = []
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.mkdir(f"{place}/db", 0o711)
        os.chown(f"{place}/db", owner.pw_uid, owner.pw_gid)
        user = ["setpriv", "--reuid", str(owner.pw_uid), "--regid", str(owner.pw_gid), "--clear-groups"]
    else:
        os.mkdir(f"{place}/db", 0o711)
    with open(f"{secrets}/db-superuser", encoding="ascii") as file:
        superuser = file.read().strip()
    # The user postgres cannot read the folder of the secrets, so copy the password.
    with open(f"{place}/db/password", "w", encoding="ascii") as file:
        file.write(superuser + "\n")
    os.chmod(f"{place}/db/password", 0o644)
    made = environment["POSTGRES_INITDB_ARGS"].split()
    subprocess.run([*user, f"{postgres}/initdb", "-D", f"{place}/db/data", "-U", "postgres", "-E", "UTF8", "--no-sync",
                    f"--pwfile={place}/db/password", *made], check=True, stdout=subprocess.DEVNULL, cwd="/")
    server = subprocess.Popen([*user, f"{postgres}/postgres", "-D", f"{place}/db/data", "-k", f"{place}/db", "-c", "listen_addresses="],
                              stderr=subprocess.DEVNULL, cwd="/")
    while subprocess.run([f"{postgres}/pg_isready", "-q", "-h", f"{place}/db"], check=False).returncode:
        assert server.poll() is None, "the database ended"
        time.sleep(0.1)
    roles = {"PGHOST": f"{place}/db", "PGPASSWORD": superuser, "OWNER_PASSWORD_FILE": f"{secrets}/db-owner",
             "APP_PASSWORD_FILE": f"{secrets}/db-app", "PATH": f"{postgres}:{os.environ['PATH']}"}
    subprocess.run([f"{place}/deploy/postgres/roles.sh"], check=True, env=roles)
    for name in ["database-url", "database-owner-url"]:
        path = f"{secrets}/{name}"
        with open(path, encoding="ascii") as file:
            url = file.read().replace("/run/postgresql", f"{place}/db")
        os.remove(path)
        with open(path, "w", encoding="ascii") as file:
            file.write(url)
    return server


def interpolate(text):
    """Replaces `${NAME:-default}` in the same way as Compose."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: os.environ.get(found[1]) or found[2], text)


with open("docker-compose.yml", encoding="utf-8") as file:
    compose = yaml.safe_load(interpolate(file.read()))
services, files = compose["services"], compose["secrets"]
smtp_port, mail_port = catch_mail()
port, plain_port, management_port = free_port(), free_port(), free_port()
instead = [("0.0.0.0:8443", f"127.0.0.1:{port}"), (f"https://{host}:8443", f"https://{host}:{port}"),
           ("smtps://mail:1025", f"smtps://localhost:{smtp_port}"), ("/var/lib/strongroom/documents", f"{place}/documents")]
instead += [(f"/run/secrets/{name}", f"{place}/{secret['file']}") for name, secret in files.items()]
os.mkdir(f"{place}/documents", 0o700)


def environment_of(service):
    """Returns the environment of a service. Addresses and paths of containers are replaced with those of this machine."""
    given = {"STRONGROOM_PROFILE": "production", "STRONGROOM_HTTP_BIND": f"127.0.0.1:{plain_port}",
             "STRONGROOM_MANAGEMENT_BIND": f"127.0.0.1:{management_port}"}
    for name, value in services[service]["environment"].items():
        for container, here in sorted(instead, key=lambda pair: -len(pair[0])):
            value = value.replace(container, here)
        given[name] = value
    return given


def stop(process, how):
    if process and process.poll() is None:
        process.send_signal(how)
        process.wait(60)


database = api = None
try:
    database = start_database(services["db"]["environment"])
    subprocess.run([program, *services["migrate"]["command"]], env=environment_of("migrate"), check=True)
    environment = environment_of("api")
    log = open(f"{place}/log", "w", encoding="utf-8")
    api = subprocess.Popen([program, "serve"], env=environment, stdout=log, stderr=subprocess.STDOUT)
    check = [program, *services["api"]["healthcheck"]["test"][2:]]
    for _ in range(100):
        if subprocess.run(check, env=environment, check=False, stderr=subprocess.DEVNULL).returncode == 0:
            break
        assert api.poll() is None, "the service ended"
        time.sleep(0.2)
    else:
        sys.exit("FAILED: the health check did not succeed in time")
    subprocess.run([sys.executable, ".ci/first_steps.py", f"https://{host}:{port}", f"{secrets}/ca.crt",
                    f"http://127.0.0.1:{mail_port}", f"{secrets}/demo-password"], check=True)
    stop(api, signal.SIGTERM)
    assert subprocess.run(check, env=environment, check=False).returncode == 1, "the health check of a stopped service must fail"
    said = open(f"{place}/log", encoding="utf-8").read()
    with open(f"{secrets}/demo-password", encoding="ascii") as file:
        assert file.read().strip() not in said, "the log contains a password"
    assert f"listening on https://127.0.0.1:{port}" in said, "the log does not say where the service listens"
except BaseException:
    if os.path.exists(f"{place}/log"):
        print(open(f"{place}/log", encoding="utf-8").read()[-4000:], file=sys.stderr)
    raise
finally:
    stop(api, signal.SIGTERM)
    stop(database, signal.SIGINT)
    shutil.rmtree(place)
