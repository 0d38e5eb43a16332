# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""A gateway under load while its configuration changes ten times a second, and at its end. Short in
test_soak.py, long in scripts/soak.py."""

import http.client
import itertools
import json
import select
import signal
import threading
import time
from contextlib import ExitStack

from harness import DEADLINE_S, KEY, Gateway, Settings, Sim, chat, until

CLIENTS = 4
PERIOD_S = 0.1
GROWTH_MAX = 0.05

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}EXTRA_PROVIDER
models:
  small: {targets: [{provider: sim, model: "sim:out=8"}], price: {input: PRICE, output: 0.60}}
  slow:
    targets: [{provider: sim, model: "sim:out=20,ttft=100ms,gap=20ms"}]
    price: {input: 0.15, output: 0.60}
  late: {targets: [{provider: sim, model: "sim:out=8,ttft=500ms"}], price: {input: 1, output: 1}}
tenants:
  acme:
    limits: {requests_per_minute: 60000000, concurrent: 500}
    budgets: [{name: total, window: total, usd: LIMIT}]
    keys: [{id: k, sha256: {hash}}]EXTRA_TENANT
"""
INVALID = ["models: [", CONFIG.replace("window: total", "window: fortnight"),
           CONFIG.replace("provider: sim", "provider: nowhere"),
           CONFIG.replace("providers:", "tenats: {}\nproviders:")]


def valid(number):
    """A configuration that differs from the one before in everything that can come and go."""
    more = number % 2 == 0
    return (CONFIG.replace("PRICE", f"0.{10 + number % 80}").replace("LIMIT", str(1000 + number))
            .replace("EXTRA_PROVIDER", '\n  two: {kind: openai, base_url: "{sim}", api_key: none}'
                     if more else "")
            .replace("EXTRA_TENANT", "\n  other: {budgets: [{name: day, window: day, usd: 1}]}"
                     if more else ""))


def invalid(number):
    return (INVALID[number % len(INVALID)].replace("PRICE", "1").replace("LIMIT", "1000")
            .replace("EXTRA_PROVIDER", "").replace("EXTRA_TENANT", ""))


class Load:
    """Clients on connections that they keep, one request after the other, every second a stream."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.stop = threading.Event()
        self.ending = False  # from then on a connection may be closed before its next answer begins
        self.failures, self.turned_away = [], 0
        self.counts = [0] * CLIENTS
        self.threads = [threading.Thread(target=self.client, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def client(self, index):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=DEADLINE_S)
        for number in itertools.count():
            if self.stop.is_set():
                break
            try:
                if not self.ask(connection, stream=number % 2 == 1):
                    break
                self.counts[index] += 1
            except Exception as why:
                self.failures.append(repr(why))
        connection.close()

    def ask(self, connection, stream):
        """False when it was turned away at the end."""
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=stream)),
                               {"Authorization": f"Bearer {KEY}",
                                "Content-Type": "application/json"})
            response = connection.getresponse()
        except OSError:
            if not self.ending:
                raise
            self.turned_away += 1
            return False
        body = response.read()
        if response.status == 503 and self.ending:
            self.turned_away += 1
            return False
        assert response.status == 200, (response.status, body)
        assert body.endswith(b"data: [DONE]\n\n") if stream else json.loads(body)["usage"], body
        return True

    def done(self):
        return sum(self.counts)

    def join(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def rss_kib(gateway):
    return int(gateway.metrics().value("process_resident_memory_bytes")) // 1024


def reload_at(gateway, number, due):
    """One reload, valid or not in turn, at its time."""
    select.select([], [], [], max(0, due - time.monotonic()))
    good = number % 2 == 0
    gateway.write(valid(number // 2) if good else invalid(number // 2))
    answer = gateway.admin_request("POST", "/admin/reload")
    assert answer.status == (200 if good else 400), (number, answer.status, answer.text())


def reloads_under_load(count, warm):
    """`count` reloads after `warm` that only bring memory to its level."""
    with Sim(Settings.release) as sim, Gateway(valid(0), sim, Settings.release) as gateway:
        load = Load(gateway)
        try:
            begun = time.monotonic()
            for number in range(warm + count):
                if number == warm:
                    before = rss_kib(gateway)
                reload_at(gateway, number, begun + number * PERIOD_S)
                assert not load.failures, load.failures[:3]
            seconds = time.monotonic() - begun
        finally:
            load.join()
        after = rss_kib(gateway)
        assert not load.failures, load.failures[:3]
        assert load.done() > count, load.counts
        growth = after / before - 1
        assert growth <= GROWTH_MAX, f"resident memory grew from {before} to {after} KiB"
        return (f"{load.done()} requests through {warm + count} reloads in {seconds:.0f} s, half of "
                f"them invalid; 0 failed; resident memory {before} to {after} KiB "
                f"({100 * growth:+.1f} %)")


def finish(gateway, model, stream, outcomes):
    answer = gateway.post(chat(model, stream=stream))
    whole = answer.body.endswith(b"data: [DONE]\n\n") if stream else "usage" in answer.json()
    outcomes.append((answer.status, whole))


def sigterm_under_load(running):
    """`running` streams and as many whole answers are under way at the provider, and clients keep
    coming, when the signal arrives: what has begun ends well."""
    outcomes = []
    with Sim(Settings.release) as sim, ExitStack() as stack:
        gateway = Gateway(valid(0), sim, Settings.release)
        stack.callback(gateway.process.child.kill)  # does nothing to one that has ended
        threads = [threading.Thread(target=finish, args=(gateway, model, stream, outcomes))
                   for model, stream in [("slow", True), ("late", False)] * running]
        for thread in threads:
            thread.start()
        until("all under way", lambda: sim.bill()["open"] == len(threads))
        load = Load(gateway)
        until("a load", lambda: load.done() > CLIENTS)
        load.ending = True
        gateway.process.signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        code = gateway.process.wait()
        load.join()
        assert code == 0, gateway.process.errors()
        assert outcomes == [(200, True)] * len(threads), outcomes
        assert not load.failures, load.failures[:3]
        return (f"{len(threads)} that were under way and {load.done()} others ended well, "
                f"{load.turned_away} clients were turned away")
