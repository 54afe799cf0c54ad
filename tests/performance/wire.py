"""Counts what a client sends to PostgreSQL: statements and round trips, from the messages of the protocol."""

import contextlib
import socket
import struct
import threading
import time

UPGRADES = (80877103, 80877104)  # SSLRequest and GSSENCRequest


class Wire:
    """Forwards the connections to a Unix socket in `folder` to the socket of the database."""

    def __init__(self, folder, database):
        self.statements = self.round_trips = 0
        self.lock, self.target = threading.Lock(), str(database.folder / ".s.PGSQL.5432")
        folder.mkdir()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def counts(self):
        """Returns statements and round trips since the start."""
        with self.lock:
            return self.statements, self.round_trips

    def settled(self):
        """Waits until no statement has been sent for 20 ms, then returns the counts. The service sends some statements after the reply."""
        before = None
        while before != self.counts():
            before = self.counts()
            time.sleep(0.02)
        return before

    def accept(self):
        """Starts two threads for each connection, one for each direction."""
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target)
            waiting = [0]  # The number of answers for which this connection waits.
            for forward in ((self.forward_client, client, server), (self.forward_server, server, client)):
                threading.Thread(target=until_closed, args=(*forward, waiting), daemon=True).start()

    def forward_client(self, client, server, waiting):
        """Counts each executed statement. A round trip begins with the first message that asks for an answer.

        A Sync message without a statement is not counted: the pool sends it to test a connection that a request has returned.
        """
        while True:
            length, code = struct.unpack("!ii", exactly(client, 8))
            if code not in UPGRADES:
                break
            client.sendall(b"N")
        server.sendall(struct.pack("!ii", length, code) + exactly(client, length - 8))
        waiting[0] += 1
        before = b""
        for kind, message in messages(client):
            with self.lock:
                if kind == b"E":
                    self.statements += 1
                if kind == b"Q":
                    self.statements += sum(bool(part.strip(b" \n\0")) for part in message[5:].split(b";"))
                if kind in (b"Q", b"S"):
                    is_test = kind == b"S" and before in (b"Q", b"S")
                    self.round_trips += waiting[0] == 0 and not is_test
                    waiting[0] += 1
                before = kind
            server.sendall(message)

    def forward_server(self, server, client, waiting):
        """Subtracts each complete answer (ReadyForQuery) from the number of awaited answers."""
        for kind, message in messages(server):
            if kind == b"Z":
                with self.lock:
                    waiting[0] -= 1
            client.sendall(message)


def until_closed(forward, source, target, waiting):
    """Forwards one direction until a side closes the connection."""
    with contextlib.suppress(OSError), source, target:
        forward(source, target, waiting)


def exactly(connection, length):
    """Returns this number of bytes, or fewer if the connection ends earlier."""
    found = b""
    while len(found) < length:
        part = connection.recv(length - len(found))
        if not part:
            break
        found += part
    return found


def messages(connection):
    """Yields the type and the bytes of each message until the connection ends."""
    while len(head := exactly(connection, 5)) == 5:
        yield head[:1], head + exactly(connection, struct.unpack("!i", head[1:])[0] - 4)
