# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The promise, judged by the provider: what it bills is never more than the budget, and what Weir
says was spent is what it billed, to the nano-dollar."""

import http.client
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import raw_http
from harness import KEY, Gateway, Sim, chat, until

STREAMS = 200
PRICES = {"*": {"input": "30.000001", "cached_input": "15", "output": "600.000003"}}

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}
models:
  small:
    targets: [{provider: sim, model: "sim:out=200,ttft=5ms"}]
    price: {input: 30.000001, cached_input: 15, output: 600.000003}
    context_window: 128000
    max_output_tokens: 4096
    hidden_input: 0
tenants:
  acme:
    budgets: [{name: dollar, window: total, usd: 1.00}]
  acme/search:
    budgets: [{name: roomy, window: day, usd: 5}]
    keys: [{id: k, sha256: {hash}}]
"""


def flood(gateway, body):
    """All at once; returns the statuses, and the codes of the refusals."""
    barrier = Barrier(STREAMS)

    def one(_):
        barrier.wait()
        answer = gateway.post(body)
        if answer.status == 200:
            assert answer.events()[-1] == "[DONE]", answer.text()
            return answer.status, None
        return answer.status, answer.json()["error"]["code"]

    with ThreadPoolExecutor(STREAMS) as pool:
        return Counter(pool.map(one, range(STREAMS)))


def settled(gateway, sim):
    """The provider's bill and the metrics once every exchange is recorded: an answer leaves a moment
    before its record is made."""
    answered = sim.bill()["requests"]
    metrics = until("every record", lambda: (
        lambda now: now if now.total("weir_usage_source_total") >= answered else None)(
            gateway.metrics()))
    return sim.bill(), metrics


def check_books(gateway, sim):
    bill, metrics = settled(gateway, sim)
    spent = metrics.value("weir_budget_spent_usd", budget="acme/dollar")
    assert Decimal(bill["usd"]) <= 1, bill["usd"]
    assert metrics.total("weir_cost_usd_total") == Decimal(bill["usd"]), (
        metrics.total("weir_cost_usd_total"), bill["usd"])
    assert spent == Decimal(bill["usd"]), (spent, bill["usd"])
    assert metrics.value("weir_budget_held_usd", budget="acme/dollar") == 0
    assert metrics.total("weir_bound_breaches_total") == 0
    return bill


def parallel_streams(**more):
    notes = []
    for _ in range(3):
        with Sim(prices=PRICES) as sim, Gateway(CONFIG, sim) as gateway:
            outcomes = Counter()
            # Busy ones come again, as clients do, until the dollar is gone.
            for _ in range(6):
                outcomes += flood(gateway, chat(stream=True, **more))
            allowed = {(200, None), (402, "budget_exceeded"), (429, "budget_busy")}
            assert set(outcomes) <= allowed, outcomes
            assert outcomes[(200, None)] > 0 and outcomes[(402, "budget_exceeded")] > 0, outcomes
            bill = check_books(gateway, sim)
            notes.append(f"${bill['usd']} of $1.00 in {outcomes[(200, None)]} streams, "
                         f"{outcomes[(402, 'budget_exceeded')]} × 402, "
                         f"{outcomes[(429, 'budget_busy')]} × 429")
    return "; ".join(notes)


def test_200_parallel_streams_with_max_tokens():
    return parallel_streams(max_tokens=150)


def test_200_parallel_streams_without_max_tokens():
    return parallel_streams()


def test_whole_answers_and_cached_input_agree_to_the_nano_dollar():
    config = CONFIG.replace("sim:out=200,ttft=5ms", "sim:out=7,cached=3")
    with Sim(prices=PRICES) as sim, Gateway(config, sim) as gateway:
        for length in range(1, 40):
            answer = gateway.post({"model": "small", "max_tokens": 5 + length % 4,
                                   "messages": [{"role": "user", "content": "x" * length}]})
            assert answer.status == 200, answer.text()
        bill = check_books(gateway, sim)
        return f"${bill['usd']} billed and spent"


def test_a_provider_that_ignores_the_limit_is_charged_in_full():
    config = CONFIG.replace("sim:out=200,ttft=5ms", "sim:out=200,over=100")
    with Sim(prices=PRICES) as sim, Gateway(config, sim) as gateway:
        assert gateway.post(chat(max_tokens=20)).status == 200
        bill, metrics = settled(gateway, sim)
        assert metrics.total("weir_cost_usd_total") == Decimal(bill["usd"])
        assert metrics.total("weir_bound_breaches_total") == 1


def test_cut_streams_never_cost_more_than_is_committed():
    config = CONFIG.replace("sim:out=200,ttft=5ms", "sim:out=200,cut=9")
    with Sim(prices=PRICES) as sim, Gateway(config, sim) as gateway:
        statuses = Counter(stream_status(gateway) for _ in range(12))
        bill, metrics = settled(gateway, sim)
        spent = metrics.value("weir_budget_spent_usd", budget="acme/dollar")
        uncertain = metrics.value("weir_budget_uncertain_usd", budget="acme/dollar")
        assert Decimal(bill["usd"]) <= spent + uncertain <= 1, (bill["usd"], spent, uncertain)
        assert metrics.total("weir_usage_source_total", source="counted") > 0
        return f"billed {bill['usd']} of spent {spent} + uncertain {uncertain}; {dict(statuses)}"


LEAVERS = 12


def start_and_leave(gateway, sim, body, after):
    """A client that goes when it has read so many bytes of the reply, or, with 0, before its head."""
    peer = raw_http.Peer(gateway.port)
    text = json.dumps(body).encode()
    peer.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\nContent-Type: application/json"
              b"\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
              % (KEY.encode(), len(text), text))
    got = 0
    while got < after:
        got += len(peer.socket.recv(after - got))
    until("every request at the provider", lambda: sim.bill()["requests"] == 1 + LEAVERS)
    peer.close()


def test_a_client_that_leaves_is_drained():
    """Some leave in the middle of a stream, some before the head of a stream or a whole answer: the
    provider is not cancelled, and everything it bills is spent. (The first request, which stays, has the
    vocabulary loaded.)"""
    config = (CONFIG.replace("api_key: none", "api_key: none, on_client_gone: drain")
              .replace("sim:out=200,ttft=5ms", "sim:out=50,ttft=1s,gap=20ms"))
    with Sim(prices=PRICES) as sim, Gateway(config, sim) as gateway:
        assert gateway.post(chat(max_tokens=50)).status == 200
        leavers = [(chat(stream=True, max_tokens=50), 1500), (chat(stream=True, max_tokens=50), 0),
                   (chat(max_tokens=50), 0)] * (LEAVERS // 3)
        with ThreadPoolExecutor(LEAVERS) as pool:
            list(pool.map(lambda leaver: start_and_leave(gateway, sim, *leaver), leavers))
        until("every answer's end", lambda: sim.bill()["open"] == 0)
        bill = check_books(gateway, sim)
        metrics = gateway.metrics()
        assert bill["cancelled"] == 0, bill
        assert bill["completion_tokens"] == 50 * (1 + LEAVERS), bill
        assert metrics.total("weir_usage_source_total", source="reported") == 1 + LEAVERS
        assert metrics.value("weir_budget_uncertain_usd", budget="acme/dollar") == 0
        outcomes = Counter(line["outcome"] for line in gateway.access_log())
        assert outcomes == {"none": 1, "client_gone": LEAVERS}, outcomes
        return f"${bill['usd']} billed and spent, by {LEAVERS} clients that left and one that did not"


def stream_status(gateway):
    """A stream that breaks is an incomplete read; the error event is in what was read."""
    try:
        return gateway.post(chat(stream=True)).status
    except http.client.IncompleteRead as cut:
        assert b'data: {"error":' in cut.partial, cut.partial
        assert b"[DONE]" not in cut.partial
        return "broken"
