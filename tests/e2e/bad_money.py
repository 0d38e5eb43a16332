# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Bad inputs 53 to 65: budgets, rates, clients that leave, and configurations that change."""

import http.client
import json
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from bad_inputs import elsewhere, not_here, row
from harness import DEADLINE_S, KEY, Gateway, Settings, Sim, chat, until
from provider import DONE, FINISH, TOKEN, USAGE_EVENT, Provider, stream_head

CONFIG = """
providers: {fake: {kind: openai, base_url: "{url}", api_key: none}}
models:
  small: {targets: [{provider: fake, model: {model}}], price: {input: 1, output: 2},
          context_window: 1000, max_output_tokens: 1000, hidden_input: 0}
tenants:
  acme: {budgets: [{name: b, window: total, usd: {usd}}], keys: [{id: k, sha256: {hash}}]}
"""


def config(url, model="up", usd="1.00"):
    return CONFIG.replace("{url}", url).replace("{model}", model).replace("{usd}", usd)


def figures(gateway):
    metrics = gateway.metrics()
    return {name: metrics.value(f"weir_budget_{name}_usd", budget="acme/b")
            for name in ("spent", "held", "uncertain")}


def settled(gateway):
    until("the hold to end", lambda: figures(gateway)["held"] == 0)
    return figures(gateway)


# ---- many at once ----

@row(53, "200 at once where there is room for 10: never more")
def _(_):
    # A request holds its bytes' bound and 1000 tokens out: about 0.0021 of 0.0215 USD. Nobody waits
    # for what the ten leave over, which would be room for a short one more.
    with Sim() as sim, Gateway(config(sim.url, '"sim:out=1000,ttft=300ms"',
                                      "0.0215, budget_wait: 0s"), sim) as gateway:
        body = chat(max_tokens=1000)
        with ThreadPoolExecutor(200) as pool:
            statuses = list(pool.map(lambda _: gateway.post(body).status, range(200)))
        assert set(statuses) <= {200, 402, 429}, set(statuses)
        assert 1 <= sim.bill()["requests"] <= 10, sim.bill()
        assert settled(gateway)["spent"] <= Decimal("0.0215")


not_here(54, "budgets shared by several nodes (`store`)")


# ---- clients that leave ----

def leave(gateway, provider, gone_after, released):
    """Asks for a stream, reads `gone_after` events, leaves; then the provider goes on."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
    before = len(provider.requests)
    connection.request("POST", "/v1/chat/completions", json.dumps(chat(stream=True)),
                       {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
    if gone_after is None:
        until("the call upstream", lambda: len(provider.requests) > before)
    else:
        response = connection.getresponse()
        for _ in range(2 * gone_after):
            response.readline()
    connection.close()
    if released:
        provider.gate.set()
    return settled(gateway)


def gated(*before):
    def script(provider):
        yield from before
        provider.gate.wait(DEADLINE_S)
        yield DONE
    return script


@row(55, "leaving before the head, after a token, before the usage, before the end mark")
def _(_):
    for script, events, reported in (
            (gated(), None, False), (gated(stream_head(), TOKEN), 1, False),
            (gated(stream_head(), TOKEN, FINISH), 2, False),
            (gated(stream_head(), TOKEN, FINISH, USAGE_EVENT), 2, True)):
        provider = Provider({"up": script})
        with Gateway(config(provider.url)) as gateway:
            books = leave(gateway, provider, events, False)
            # By the usage where that had come (it is not shown to who did not ask); else what was
            # counted is charged and the rest of the hold stays in doubt.
            if reported and books["uncertain"] == 0:
                assert books["spent"] == Decimal("0.00002"), books
            else:
                assert books["spent"] > 0 and books["uncertain"] > 0, (events, books)
            assert len(provider.requests) == 1
        provider.close()


@row(56, "a stop word, then gone, 100 times: no less than the provider's bill")
def _(_):
    prices = {"*": {"input": "1", "output": "2"}}
    with Sim(prices=prices) as sim, Gateway(config(sim.url, '"sim:out=200,ttft=1ms,gap=2ms"'),
                                            sim) as gateway:
        def once(_):
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
            connection.request("POST", "/v1/chat/completions", json.dumps(
                chat(stream=True, max_tokens=200)), {"Authorization": f"Bearer {KEY}",
                                                     "Content-Type": "application/json"})
            connection.getresponse().readline()
            connection.close()
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(once, range(100)))
        books = settled(gateway)
        bill = Decimal(sim.bill()["usd"])
        assert sim.bill()["requests"] == 100, sim.bill()
        assert books["spent"] + books["uncertain"] >= bill > 0, (books, bill)


not_here(57, "Idempotency-Key: not read, and not forwarded")


@row(57, "an Idempotency-Key goes nowhere", calls=1)
def _(bench):
    bench.serves(chat(), **{"Idempotency-Key": "a"})
    assert "idempotency" not in bench.sent()[0].lower()


@row(58, "what tells SDKs not to come again, or when")
def _(bench):
    spent = bench.refuses(chat(), 402, "budget_exceeded", key="broke")
    assert spent.headers["x-should-retry"] == "false" and spent.headers["retry-after"] is None
    limited = [bench.chat(key="rated") for _ in range(3)][-1]  # row 6 has used its two
    assert limited.status == 429 and 0 < int(limited.headers["retry-after"]) <= 60
    assert int(limited.headers["retry-after-ms"]) <= 60000


elsewhere(59, "a request across the window's end: tests/policy/test_budget (roll_over, "
          "month_boundary)")
elsewhere(60, "clocks that jump: tests/policy/test_window, test_budget")


# ---- configurations ----

@row(61, "a limit lowered below the spend, raised, the price changed, the tenant gone")
def _(_):
    provider = Provider({"up": gated(stream_head(), TOKEN, FINISH, USAGE_EVENT)})
    good = config(provider.url)

    def reload(gateway, text):
        gateway.path.write_text(gateway.text(text))
        assert gateway.admin_request("POST", "/admin/reload").status == 200

    with Gateway(good) as gateway:
        stream = threading.Thread(target=lambda: gateway.post(chat(stream=True)))
        stream.start()
        until("the call upstream", lambda: provider.requests)
        reload(gateway, good.replace("output: 2", "output: 2000"))
        reload(gateway, good.replace("usd: 1.00", "usd: 0.00001"))
        provider.gate.set()
        stream.join()
        assert settled(gateway)["spent"] == Decimal("0.00002")  # the price it was let in at
        assert gateway.post(chat()).status == 402
        reload(gateway, good)
        assert gateway.post(chat(stream=True)).status == 200
        reload(gateway, good.replace("acme", "other").replace("{hash}", "0" * 64))
        assert gateway.post(chat()).status == 401
    provider.close()


@row(62, "a key revoked in the middle of a stream")
def _(_):
    provider = Provider({"up": gated(stream_head(), TOKEN, FINISH, USAGE_EVENT)})
    good = config(provider.url)
    with Gateway(good) as gateway:
        answers = []
        stream = threading.Thread(target=lambda: answers.append(gateway.post(chat(stream=True))))
        stream.start()
        until("the call upstream", lambda: provider.requests)
        gateway.path.write_text(gateway.text(good.replace("{hash}", "0" * 64)))
        assert gateway.admin_request("POST", "/admin/reload").status == 200
        assert gateway.post(chat()).status == 401
        provider.gate.set()
        stream.join()
        assert answers[0].status == 200 and answers[0].events()[-1] == "[DONE]"
        assert settled(gateway)["spent"] == Decimal("0.00002")
    provider.close()


@row(63, "budgets of nothing and of a nano-dollar")
def _(bench):
    for key in ("broke", "nano"):
        bench.refuses(chat(), 402, "budget_exceeded", key=key)


@row(63, "a budget of 2^63-1 nano-dollars", calls=1)
def _(bench):
    reply = bench.serves(chat(), key="rich")
    shown = reply.headers["x-weir-budget"]  # one less: a sum at the very end is no sum any more
    assert "limit=9223372036.854775806;spent=0.00002;" in shown, shown


@row(63, "budgets that are none: refused when loaded")
def _(_):
    for usd in ("-1", "0.0000000001", "1e3", "9223372036.854775808", "nan", "0x10", "1,5", '""'):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(config("http://127.0.0.1:1/v1", usd=usd).replace("{hash}", "0" * 64))
            file.flush()
            checked = subprocess.run([Settings.weir, "check", "-c", file.name], text=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     timeout=DEADLINE_S)
            assert checked.returncode == 1 and ":" in checked.stderr, (usd, checked)


not_here(64, "the cache")
not_here(65, "the cache")
