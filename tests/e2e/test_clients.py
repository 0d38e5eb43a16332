# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Real SDKs: whole, streamed, tools, errors, and clients that leave. Each SDK's script runs the same
cases and prints a line for each; the provider's bill says what really happened."""

import json
import shutil
import socket
import subprocess
import time
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from harness import DEADLINE_S, KEY, Gateway, Settings, Sim, Skip, chat, until

HERE = Path(__file__).resolve().parent

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}
models:
  small: {targets: [{provider: sim, model: "sim:out=8"}], price: {input: 2.5, output: 10}}
  tools: {targets: [{provider: sim, model: "sim:tools"}], price: {input: 2.5, output: 10}}
  slow: {targets: [{provider: sim, model: "sim:out=400,ttft=20ms,gap=20ms"}],
         price: {input: 2.5, output: 10}}
  late: {targets: [{provider: sim, model: "sim:out=8,ttft=15s"}], price: {input: 2.5, output: 10}}
  broken: {targets: [{provider: sim, model: "sim:out=30,cut=5"}], price: {input: 2.5, output: 10}}
  failing: {targets: [{provider: sim, model: "sim:status=503"}], price: {input: 2.5, output: 10},
            retries: {attempts: 1}}
tenants:
  acme:
    budgets: [{name: total, window: total, usd: 100}]
    keys: [{id: k, sha256: {hash}}]
  poor:
    budgets: [{name: cent, window: total, usd: 0.000001}]
    keys: [{id: p, sha256: POOR}]
""".replace("POOR", sha256(b"weir_poor").hexdigest())

CASES = ["whole", "streamed", "streamed_with_usage", "tools", "tools_streamed", "completed",
         "completed_streamed", "embedded", "models", "bad_key", "unknown_model", "bad_request",
         "no_money", "no_money_embedded", "provider_error", "broken_stream"]
ABORTS = ["abort_stream", "abort_whole"]


def run_cases(command, gateway, cases):
    """The verdict of each case; all must be good."""
    done = subprocess.run([*map(str, command), f"http://127.0.0.1:{gateway.port}/v1", KEY,
                           "weir_poor", *cases], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    verdicts = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    bad = {name: verdicts.get(name) for name in cases
           if not verdicts.get(name, "").startswith("ok")}
    assert done.returncode == 0 and not bad, (bad, done.stdout, done.stderr)
    return verdicts


def run_sdk(command):
    """Runs one SDK's script against a gateway and checks each case, the cancellations and the
    books."""
    with Sim(Settings.release) as sim, Gateway(CONFIG, sim, Settings.release) as gateway:
        run_cases(command, gateway, CASES)
        delays = []
        for case in ABORTS:
            before = sim.bill()["cancelled"]
            verdict = run_cases(command, gateway, [case])[case]
            delays.append(cancel_delay(sim, before, int(verdict.split("left_unix_ms=")[1])))
        until("every hold's end", lambda: gateway.metrics().value(
            "weir_budget_held_usd", budget="acme/total") == 0)
        check_books(gateway, sim)
        return (f"{len(CASES + ABORTS)} cases; upstream cancelled {delays[0]} and {delays[1]} ms "
                f"after the client left")


def cancel_delay(sim, before, left_ms):
    """From the moment the client left to the moment the provider was left."""
    bill = until("the cancellation", lambda: (
        lambda now: now if now["cancelled"] > before else None)(sim.bill()))
    assert bill["cancelled"] == before + 1, bill
    delay = bill["last_cancel_unix_ms"] - left_ms
    assert delay <= 100, f"cancelled {delay} ms after the client left"
    return delay


def check_books(gateway, sim):
    """Cancelled and cut answers are counted, the rest of their holds is uncertain: together they
    cover the bill."""
    metrics, bill = gateway.metrics(), Decimal(sim.bill()["usd"])
    spent = metrics.total("weir_budget_spent_usd", budget="acme/total")
    uncertain = metrics.total("weir_budget_uncertain_usd", budget="acme/total")
    assert spent == metrics.total("weir_cost_usd_total", tenant="acme")
    assert bill <= spent + uncertain, (bill, spent, uncertain)


def test_openai_python():
    return run_sdk([Settings.sdks / "python" / "bin" / "python", HERE / "sdk_openai.py"])


def node_major():
    node = shutil.which("node")
    if node is None:
        raise Skip("no node on this machine")
    version = subprocess.run([node, "--version"], text=True, stdout=subprocess.PIPE).stdout
    return int(version.strip().lstrip("v").split(".")[0])


def run_node(sdk, least):
    if node_major() < least:
        raise Skip(f"{sdk} needs Node {least}; this machine has Node {node_major()}")
    return run_sdk(["node", HERE / "sdk_openai.mjs", Settings.sdks / f"node-{sdk}"])


def test_openai_node_6():
    return run_node("openai-6.49.0", 18)


def test_openai_node_7():
    return run_node("openai-7.57.0", 22)


# ---- without an SDK: the wire itself ----

def raw_request(gateway, body):
    text = json.dumps(body)
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=DEADLINE_S)
    connection.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n"
                        f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}").encode())
    return connection


def test_events_arrive_as_they_are_made():
    with Sim(Settings.release) as sim, Gateway(CONFIG, sim, Settings.release) as gateway:
        connection = raw_request(gateway, chat("slow", stream=True, max_tokens=12))
        arrivals, seen = [], b""
        while b"[DONE]" not in seen:
            piece = connection.recv(65536)
            assert piece, seen
            seen += piece
            arrivals += [time.monotonic()] * piece.count(b'"word ')
        connection.close()
        assert len(arrivals) == 12, len(arrivals)
        gaps = [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]
        # Twelve events, 20 ms apart where they are made: they must not arrive together.
        assert sorted(gaps)[len(gaps) // 2] > 0.010, gaps
        return f"median gap {1000 * sorted(gaps)[len(gaps) // 2]:.0f} ms of 20 ms"


def leave(connection, how):
    left = time.time()
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    return int(left * 1000)


def test_clients_that_leave_are_noticed_and_settled_once():
    with Sim(Settings.release) as sim, Gateway(CONFIG, sim, Settings.release) as gateway:
        delays = []
        for model, stream in (("slow", True), ("late", True), ("late", False)):
            for how in ("close", "reset"):
                before = sim.bill()["cancelled"]
                connection = raw_request(gateway, chat(model, stream=stream, max_tokens=300))
                if model == "slow":
                    seen = b""
                    while b'"word ' not in seen:
                        seen += connection.recv(65536)
                else:
                    until("the request upstream", lambda: sim.bill()["open"] == 1)
                delays.append(cancel_delay(sim, before, leave(connection, how)))
        until("six settlements", lambda: gateway.metrics().total("weir_usage_source_total") == 6)
        metrics = gateway.metrics()
        assert metrics.value("weir_budget_held_usd", budget="acme/total") == 0
        assert metrics.total("weir_requests_total", tenant="acme") == 6
        check_books(gateway, sim)
        return f"cancelled after {delays} ms"
