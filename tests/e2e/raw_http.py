# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""HTTP as bytes, for requests that no client library would send."""

import re
import socket
import time

from harness import DEADLINE_S

SILENCE_S = 1.5   # no answer within this: there is none
SETTLE_S = 0.15   # after a head: whether the connection closes, and whether a second answer follows


class Reply:
    """What came on a connection after one request."""

    def __init__(self, data, closed):
        self.data, self.closed = data, closed
        found = re.match(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n", data)
        self.status = int(found.group(1)) if found else None
        self.count = len(re.findall(rb"HTTP/1\.1 \d{3} ", data))
        self.head, _, self.body = data.partition(b"\r\n\r\n")

    def field(self, name):
        found = re.search(rb"^" + name + rb": (.*?)\r?$", self.head, re.M | re.I)
        return found.group(1).decode() if found else None

    def code(self):
        found = re.search(rb'"code":"(\w+)"', self.body)
        return found.group(1).decode() if found else None


class Peer:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self.closed = False

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass  # closed on the other side, which reading tells; an answer may be there

    def receive(self):
        """Until a head has come and things are quiet, or the end, or silence."""
        data = b""
        deadline = time.monotonic() + SILENCE_S
        while not self.closed:
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self.socket.settimeout(left)
            try:
                piece = self.socket.recv(65536)
            except TimeoutError:
                break
            except OSError:
                piece = b""
            if not piece:
                self.closed = True
            if b"\r\n\r\n" not in data and b"\r\n\r\n" in data + piece:
                deadline = time.monotonic() + SETTLE_S
            data += piece
        return Reply(data, self.closed)

    def ask(self, data):
        self.send(data)
        return self.receive()

    def close(self):
        self.socket.close()


def ask(port, data):
    peer = Peer(port)
    try:
        return peer.ask(data)
    finally:
        peer.close()
