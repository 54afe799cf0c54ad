"""Starts a PostgreSQL server for the measurement. It is durable, can be reached only through a Unix socket, and is deleted at the end."""

import glob
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = ROOT / "target/release/strongroom"
ROLES = """create role strongroom_owner login createrole;
create role strongroom_app login;
create role strongroom_classifier nologin;
grant strongroom_classifier to strongroom_owner;
create role peers login;"""


def programs():
    """Returns the folder of PostgreSQL's programs. The service chooses it in the same way."""
    folders = [os.environ.get("PG_BIN", "")]
    folders += sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]), reverse=True)
    folders += os.environ["PATH"].split(":")
    found = next((folder for folder in folders if os.access(f"{folder}/initdb", os.X_OK)), None)
    if found is None:
        sys.exit("PostgreSQL is not installed")
    return pathlib.Path(os.path.realpath(f"{found}/initdb")).parent


def user():
    """Returns the user that runs the server, because PostgreSQL refuses to run as root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    return "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


class Database:
    """Runs PostgreSQL until the end of a `with` block. `settings` are added to PostgreSQL's defaults."""

    def __init__(self, folder, settings=()):
        self.bin, self.folder, self.data = programs(), folder, folder / "data"
        self.data.mkdir(mode=0o700)
        shutil.chown(folder, user())
        shutil.chown(self.data, user())
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"]
        subprocess.run([self.bin / "initdb", "-D", self.data, *options], check=True, **self.quietly())
        options = [
            part for setting in ("timezone=UTC", "unix_socket_permissions=0700", *settings) for part in ("-c", setting)
        ]
        server = [self.bin / "postgres", "-D", self.data, "-k", folder, "-h", "", *options]
        self.process = subprocess.Popen(server, **self.quietly())

    def quietly(self):
        """Returns the arguments with which a child process runs as PostgreSQL's user and writes into the log."""
        log = open(self.folder / "postgres.log", "ab")
        output = {"stdout": log, "stderr": log, "cwd": self.folder}
        if os.getuid() != 0:
            return output
        return {**output, "user": user(), "group": pwd.getpwnam(user()).pw_gid, "extra_groups": []}

    def __enter__(self):
        for _ in range(600):
            ready = subprocess.run([self.bin / "pg_isready", "-q", "-h", self.folder])
            if ready.returncode == 0:
                return self
            time.sleep(0.05)
        sys.exit((self.folder / "postgres.log").read_text())

    def __exit__(self, *_):
        self.process.send_signal(2)  # SIGINT: fast shutdown
        self.process.wait()

    def url(self, role, socket=None):
        """Returns the URL of the database for a role. If `socket` is given, the URL uses the socket in that folder."""
        return f"postgres://{role}@localhost/strongroom?host={socket or self.folder}"

    def psql(self, *options, database="strongroom"):
        """Returns the command that runs psql as superuser and stops at the first error."""
        fixed = f"-qAtX -v ON_ERROR_STOP=1 -h {self.folder} -U postgres -d {database}"
        return [self.bin / "psql", *fixed.split(), *options]

    def run(self, sql, database="strongroom"):
        """Runs SQL as superuser and returns the rows as text."""
        command = self.psql("-f", "-", database=database)
        return subprocess.run(command, input=sql, check=True, capture_output=True, text=True).stdout

    def create(self):
        """Creates the roles and the database, and migrates it as an operator does."""
        self.run(ROLES, "postgres")
        self.run("create database strongroom owner strongroom_owner", "postgres")
        environment = {"PATH": os.environ["PATH"], "STRONGROOM_DATABASE_OWNER_URL": self.url("strongroom_owner")}
        subprocess.run([SERVICE, "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
