# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Clients that stop reading while their provider writes as fast as it can: each may make the gateway
keep so much and no more, others do not notice, and who reads on has lost nothing."""

import json
import select
import socket
import time
from contextlib import ExitStack

from harness import DEADLINE_S, KEY, Gateway, Settings, Sim, chat, until

READERS = 200
TOKENS = 60000  # of about 200 bytes each: far more than all queues and kernels on the way hold
QUEUED_KIB = 256
# Beside the queue: the exchange, both connections with their buffers, and what one more read from the
# provider brings.
BESIDES_KIB = 128

CONFIG = f"""
providers:
  sim: {{kind: openai, base_url: "{{sim}}", api_key: none}}
models:
  small:
    targets: [{{provider: sim, model: "sim:out=8"}}]
    price: {{input: 0.15, output: 0.60}}
  flood:
    targets: [{{provider: sim, model: "sim:out={TOKENS}"}}]
    price: {{input: 0.15, output: 0.60}}
    max_output_tokens: {TOKENS}
tenants:
  acme:
    budgets: [{{name: total, window: total, usd: 1000}}]
    keys: [{{id: k, sha256: {{hash}}}}]
"""


def open_reader(gateway):
    """Asks for the flood, and reads nothing."""
    reader = socket.socket()
    # As if behind Ethernet, with little room: over loopback's giant segments the kernel alone would
    # take megabytes for each.
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1448)
    reader.settimeout(DEADLINE_S)
    reader.connect(("127.0.0.1", gateway.port))
    body = json.dumps(chat("flood", stream=True))
    reader.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer {KEY}"
                    f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}")
                   .encode())
    return reader


def quiet(sim):
    """Whether the provider has got rid of nothing for a moment."""
    before = sim.bill()
    assert before["cancelled"] == 0, f"a stream was given up: {before}"
    select.select([], [], [], 0.3)
    return before if sim.bill() == before and before["open"] == READERS else None


def rss_kib(gateway):
    return int(gateway.metrics().value("process_resident_memory_bytes")) // 1024


def read_to_the_end(reader):
    """The number of tokens."""
    tokens, tail = 0, b""
    while b"data: [DONE]" not in tail:
        piece = reader.recv(1 << 20)
        assert piece, "ended too early"
        tokens += (tail[-6:] + piece).count(b'"word ') - tail[-6:].count(b'"word ')
        tail = (tail + piece)[-64:]
    return tokens


def check_standstill(gateway, sim, before):
    """Each may cost so much; others are served. Returns what was written for each, and its cost."""
    bill = until("a standstill", lambda: quiet(sim))
    written = bill["completion_tokens"] // READERS
    assert written < TOKENS, "nothing stood still"
    each = (rss_kib(gateway) - before) / READERS
    assert each <= QUEUED_KIB + BESIDES_KIB, f"{each:.0f} KiB for each reader that stopped"
    begun = time.monotonic()
    assert gateway.post(chat()).status == 200
    assert time.monotonic() - begun < 1, "another client had to wait"
    return written, each


def test_readers_that_stop_cost_little_and_hold_up_nobody():
    with Sim(Settings.release) as sim, Gateway(CONFIG, sim, Settings.release,
                                               workers=1) as gateway, ExitStack() as stack:
        assert gateway.post(chat()).status == 200
        before = rss_kib(gateway)
        readers = [stack.enter_context(open_reader(gateway)) for _ in range(READERS)]
        written, each = check_standstill(gateway, sim, before)
        assert read_to_the_end(readers[0]) == TOKENS
        stack.close()
        until("every cancellation", lambda: sim.bill()["cancelled"] == READERS - 1)
        until("every hold's end", lambda: gateway.metrics().value(
            "weir_budget_held_usd", budget="acme/total") == 0)
        return f"{READERS} readers stopped after {written} tokens of {TOKENS}: {each:.0f} KiB each"
