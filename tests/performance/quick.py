"""Checks that a request does not cost more than `counts.json` says: statements, round trips and instructions.

These figures do not depend on the machine or on its load, so a build can fail because of them. The program also checks
the replies.
"""

import itertools
import json
import pathlib
import re
import subprocess
import uuid

from database import SERVICE
from fill import LINES, PASSWORD
from load import DRAFT, INVOICE, LIST, LOGIN
from servers import service
from wire import Wire

FILE = pathlib.Path(__file__).with_name("counts.json")
# The number of instructions may be 15 % above `counts.json`, because the instructions of background tasks count too.
TOLERANCE = 1.15
REPEATS = 25
PDF = "PDF, 1 page"
WINDOWS = 3


def calls(server, document, content):
    """Returns a function for each request, by name. The function sends the request, and fails if the reply is wrong."""
    token = server.token()

    def expect(path, status, check, **arguments):
        answered, body = server.call(path, token=token, **arguments)
        assert answered == status and check(body), (path, answered, body[:500])

    def total(body):
        return json.loads(body)["total"]

    def create():
        expect(LIST, 201, lambda body: total(body) == 54450, body=DRAFT, key=str(uuid.uuid4()))

    credentials = {"email": "owner1@example.com", "password": PASSWORD}
    return {
        "one invoice": lambda: expect(
            INVOICE, 200, lambda body: total(body) == 1422 and len(json.loads(body)["lines"]) == LINES
        ),
        "newest 20": lambda: expect(LIST, 200, lambda body: len(json.loads(body)["items"]) == 20),
        "create, 3 lines": create,
        "document, 8 KiB": lambda: expect(document, 200, lambda body: body == content),
        "login": lambda: expect(LOGIN, 200, lambda body: json.loads(body)["access_token"], body=credentials),
        PDF: lambda: expect(f"{INVOICE}/pdf", 200, lambda body: body.startswith(b"%PDF-")),
    }


def count_statements(database, folder, document, content):
    """Returns statements and round trips of each request.

    Background tasks send statements too, for example to store security events. So each figure is the smallest of many requests.
    """
    wire, found = Wire(folder / "wire", database), {}
    with service(database, folder, folder / "wire") as server:
        for name, call in calls(server, document, content).items():
            seen = []
            for _ in range(2 * REPEATS):
                before = wire.settled()
                call()
                seen.append(tuple(now - then for now, then in zip(wire.settled(), before, strict=True)))
            # Leave out the first half: these requests also prepare the statements on each connection of the pool.
            smallest = (min(column) for column in zip(*seen[REPEATS:], strict=True))
            found[name] = dict(zip(("statements", "round trips"), smallest, strict=True))
    return found


def count_instructions(database, folder, document, content):
    """Returns the instructions of each request. callgrind counts the instructions of the service, not those of the kernel.

    Each figure is the smallest of some counts, because background tasks run at the same time.
    """
    output = folder / "callgrind"
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}"]
    dumps, found = itertools.count(1), {}
    with service(database, folder, wrapper=valgrind) as server:

        def control(command):
            subprocess.run(["callgrind_control", command, str(server.process.pid)], check=True, capture_output=True)

        for name, call in calls(server, document, content).items():
            repeats = 5 if name in ("login", PDF) else REPEATS
            control("--instr=on")
            counts = []
            for _ in range(WINDOWS):
                for _ in range(repeats):
                    call()
                control("--dump")  # Writes the count into a file and sets it to zero.
                text = pathlib.Path(f"{output}.{next(dumps)}").read_text()
                counts.append(round(int(re.search(r"^totals: (\d+)", text, re.M)[1]) / repeats))
            control("--instr=off")
            found[name] = min(counts)
    return found


def quick(database, folder, document, content, write):
    """Counts, prints the counts, and returns the requests that cost too much. With `write`, writes the counts into `counts.json`."""
    counts = count_statements(database, folder, document, content)
    for name, instructions in count_instructions(database, folder, document, content).items():
        counts[name]["instructions"] = instructions
    if write:
        FILE.write_text(json.dumps(counts, indent=4) + "\n")
    committed, faults = json.loads(FILE.read_text()), []
    print(f"binary: {SERVICE.stat().st_size / 2**20:.1f} MiB\n")
    units = list(next(iter(counts.values())))
    print(f"| request | {' | '.join(units)} | committed {units[-1]} |\n|{' --- |' * (len(units) + 2)}")
    for name, figures in counts.items():
        bounds = committed[name]
        print(f"| {name} | {' | '.join(f'{figure:,}' for figure in figures.values())} | {bounds['instructions']:,} |")
        for unit, figure in figures.items():
            bound = bounds[unit] * (TOLERANCE if unit == "instructions" else 1)
            if figure > bound:
                faults.append(f"{name}: {figure:,} {unit}, at most {bound:,.0f}")
    return faults
