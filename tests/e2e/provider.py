# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""A provider that answers what a test says, by the name of the model it is asked for, and keeps what
it was sent. One request a connection."""

import json
import re
import socket
import threading

from harness import DEADLINE_S

USAGE = '"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
CHOICE = '"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]'


def whole(body, status=200, fields=""):
    body = body if isinstance(body, bytes) else body.encode()
    return (f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{fields}Connection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def answer(usage=USAGE, choice=CHOICE):
    return whole(f'{{"id":"c","object":"chat.completion",{choice},{usage}}}')


def stream_head(fields=""):
    return (f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{fields}Connection: close\r\n"
            "\r\n").encode()


TOKEN = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE_EVENT = f'data: {{"choices":[],{USAGE}}}\n\n'.encode()
DONE = b"data: [DONE]\n\n"


def stream(*events):
    return stream_head() + b"".join(events or (TOKEN, FINISH, USAGE_EVENT, DONE))


class Provider:
    """`answers`: by model name, bytes or an iterable's maker of them (called with this provider: it
    may wait for `gate`). Names it does not have get a good answer, streamed where it was asked for."""

    def __init__(self, answers=None):
        self.answers = answers or {}
        self.requests = []  # (head, body)
        self.gate = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def read(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.I).group(1))
        while len(body) < length:
            piece = connection.recv(65536)
            if not piece:
                return None
            body += piece
        return head.decode("latin-1"), body

    def serve(self, connection):
        connection.settimeout(DEADLINE_S)
        with connection:
            try:
                request = self.read(connection)
                if request is None:
                    return
                self.requests.append(request)
                asked = json.loads(request[1])
                good = stream() if asked.get("stream") else answer()
                script = self.answers.get(asked.get("model"), good)
                for piece in (script(self) if callable(script) else (script,)):
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):  # not reset while the other side still reads
                    pass
            except OSError:
                pass  # the gateway has left, as it may

    def close(self):
        self.gate.set()
        self.listener.close()
