# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the real binary on a configuration of its own, the simulated
provider as a process of its own, plain HTTP, and metrics. Where something is waited for, it is an
event (a line, an answer, an exit) under a deadline, never a sleep."""

import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

DEADLINE_S = 20
KEY = "weir_e2e"
KEY_SHA256 = sha256(KEY.encode()).hexdigest()
ADMIN_TOKEN = "e2e-admin-token"


class Skip(Exception):
    """The test cannot run here; says why."""


class Settings:
    weir = None     # the binary under test
    release = None  # the optimised one, for tests with a clock
    sdks = None     # the folder of the SDKs


def free_ports(count):
    """Each another: all are held until the last is known."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Process:
    """A child whose standard output is read line by line, with a deadline."""

    def __init__(self, command, cwd=None):
        self.log = tempfile.TemporaryFile()
        self.child = subprocess.Popen([str(part) for part in command], cwd=cwd,
                                      stdout=subprocess.PIPE, stderr=self.log)
        self.seen = b""

    def wait_for(self, pattern):
        """Reads until a line matches; returns the match."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            found = re.search(pattern, self.seen.decode(errors="replace"), re.M)
            if found:
                return found
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                raise AssertionError(f"no '{pattern}' in {self.seen!r}; {self.errors()}")
            piece = os.read(self.child.stdout.fileno(), 65536)
            if not piece:
                raise AssertionError(f"ended without '{pattern}': {self.errors()}")
            self.seen += piece

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def signal(self, signum):
        self.child.send_signal(signum)

    def wait(self):
        """The exit code, with what it still printed in self.seen. A sanitizer's report is an exit
        code too."""
        rest, _ = self.child.communicate(timeout=DEADLINE_S + 20)
        self.seen += rest or b""
        return self.child.returncode

    def stop(self):
        if self.child.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise


class Sim:
    def __init__(self, binary=None, prices=None):
        command = [binary or Settings.weir, "sim", "--listen", "127.0.0.1:0"]
        if prices is not None:
            self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
            json.dump(prices, self.file)
            self.file.flush()
            command += ["--prices", self.file.name]
        self.process = Process(command)
        self.port = int(self.process.wait_for(r"http://127\.0\.0\.1:(\d+)/v1").group(1))
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def bill(self):
        return request(self.port, "GET", "/sim/bill").json()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.process.stop()
        if kind is None:
            assert code == 0, f"weir sim ended with {code}: {self.process.errors()}"


class Gateway:
    """`weir run` on YAML; {sim} in it is the simulated provider's base URL. Its listening ports,
    the key's hash and the rest of the frame are added here. `home` is the folder of an earlier one,
    to go on in; of its own folder the journal, which takes much room, goes with the gateway."""

    def __init__(self, yaml, sim=None, binary=None, workers=2, extra="", home=None):
        self.dir = Path(home or tempfile.mkdtemp(prefix="weir-e2e-"))
        self.journal = None if home else self.dir / "state" / "journal"
        self.port, self.admin = free_ports(2)
        self.frame = (f"listen: 127.0.0.1:{self.port}\n"
                      f"admin: {{listen: 127.0.0.1:{self.admin}, token: {ADMIN_TOKEN}}}\n"
                      f"workers: {workers}\nstate_dir: {self.dir}/state\n"
                      f"log: {{file: {self.dir}/access.log}}\n{extra}")
        self.sim = sim
        self.path = self.dir / "weir.yaml"
        self.write(yaml)
        self.process = Process([binary or Settings.weir, "run", "-c", self.path], cwd=self.dir)
        self.process.wait_for(r"base URL")

    def text(self, yaml):
        sim = self.sim.url if self.sim else "http://127.0.0.1:1/v1"
        return self.frame + yaml.replace("{sim}", sim).replace("{hash}", KEY_SHA256)

    def write(self, yaml):
        """Replaced by rename, as editors do."""
        aside = self.dir / "weir.yaml.new"
        aside.write_text(self.text(yaml))
        aside.rename(self.path)

    def post(self, body, headers=None, path="/v1/chat/completions"):
        return request(self.port, "POST", path, body, {"Authorization": f"Bearer {KEY}",
                                                       **(headers or {})})

    def get(self, path, headers=None):
        return request(self.port, "GET", path, None, {"Authorization": f"Bearer {KEY}",
                                                      **(headers or {})})

    def admin_request(self, method, path, token=ADMIN_TOKEN):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return request(self.admin, method, path, None, headers)

    def metrics(self):
        return Metrics(request(self.admin, "GET", "/metrics").text())

    def reload_count(self):
        return self.metrics().value("weir_config_last_reload_success_timestamp_seconds")

    def access_log(self):
        # Not splitlines(), to which more characters end a line than to JSON lines.
        text = (self.dir / "access.log").read_text()
        return [json.loads(line) for line in text.split("\n") if line]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.process.stop()
        if kind is None:
            assert code == 0, f"weir run ended with {code}: {self.process.errors()}"
            if self.journal:
                shutil.rmtree(self.journal, ignore_errors=True)


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def events(self):
        return [line[len("data: "):] for line in self.text().splitlines()
                if line.startswith("data: ")]


def request(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    try:
        headers = dict(headers or {})
        if body is not None:
            body = body if isinstance(body, (bytes, str)) else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Metrics:
    """The text exposition, read with exact decimals."""

    SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')

    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            found = self.SAMPLE.match(line)
            assert found, f"not a sample: {line}"
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found.group(2) or ""))
            self.samples.append((found.group(1), labels, Decimal(found.group(3))))

    def total(self, name, **labels):
        return sum((value for sample, its, value in self.samples if sample == name and
                    all(its.get(key) == wanted for key, wanted in labels.items())), Decimal(0))

    def value(self, name, **labels):
        found = [value for sample, its, value in self.samples if sample == name and
                 all(its.get(key) == wanted for key, wanted in labels.items())]
        assert len(found) == 1, f"{name} {labels}: {found}"
        return found[0]


def until(what, condition):
    """Polls something that has no event of its own to wait for (another process's counters)."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        select.select([], [], [], 0.005)
    raise AssertionError(f"not in time: {what}")


def chat(model="small", **more):
    return {"model": model, "messages": [{"role": "user", "content": "Hello there"}], **more}
