# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Where tokens go: counts before sending, limits on them, tags, prompts, what is repeated."""

import hashlib
import json
import socket
import threading
from pathlib import Path

from harness import KEY, Gateway, Sim, until

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}
models:
  gpt-4o:
    targets: [{provider: sim, model: "gpt-4o"}]
    price: {input: 2.50, output: 10.00}
tenants:
  acme:
    keys: [{id: k, sha256: {hash}}]
  acme/narrow:
    limits: {tokens_per_minute: 1000}
    max_input_tokens: 200
    keys: [{id: narrow, sha256: NARROW}]
"""
NARROW = "weir_narrow"

SYSTEM = "You answer questions about the water works of this town, briefly and with figures."
PAGE = "The weir at the mill was built in 1911 and holds the level of the upper pond. " * 4


def body(*messages, model="gpt-4o", **more):
    return {"model": model, "max_tokens": 20,
            "messages": [{"role": role, "content": text} for role, text in messages], **more}


def last_line(gateway, count):
    lines = until(f"{count} lines",
                  lambda: len(gateway.access_log()) == count and gateway.access_log())
    return lines[-1]


def narrow_config():
    return CONFIG.replace("NARROW", hashlib.sha256(NARROW.encode()).hexdigest())


def test_prompts_are_counted_as_the_cookbook_counts_them():
    # The six messages of OpenAI's cookbook, which its API answered with 124 for gpt-4o.
    messages = [
        ("system", "You are a helpful, pattern-following assistant that translates corporate "
                   "jargon into plain English.", None),
        ("system", "New synergies will help drive top-line growth.", "example_user"),
        ("system", "Things working well together will increase revenue.", "example_assistant"),
        ("system", "Let's circle back when we have more bandwidth to touch base on opportunities "
                   "for increased leverage.", "example_user"),
        ("system", "Let's talk later when we're less busy about how to do better.",
         "example_assistant"),
        ("user", "This late pivot means we don't have time to boil the ocean for the client "
                 "deliverable.", None)]
    request = {"model": "gpt-4o", "max_tokens": 20, "messages": [
        {"role": role, "content": text, **({"name": name} if name else {})}
        for role, text, name in messages]}
    with Sim() as sim, Gateway(narrow_config(), sim, workers=1) as gateway:
        assert gateway.post(request).status == 200
        context = last_line(gateway, 1)["context"]
        assert context["counted"] == 124 and context["quality"] == "exact", context
        assert context["system"] + context["user"] <= 124 and context["user"] > 15, context


def test_what_a_session_repeats_is_told():
    with Sim() as sim, Gateway(narrow_config(), sim, workers=1) as gateway:
        session = {"x-weir-session": "s1", "x-weir-tags": "feature=chat, team=water",
                   "x-weir-prompt": "faq@3"}
        gateway.post(body(("system", SYSTEM), ("user", "Who built it?")), session)
        first = last_line(gateway, 1)
        assert first["context"]["repeated"] == 0, first
        assert first["tags"] == "feature=chat,team=water" and first["prompt"] == "faq@3", first
        gateway.post(body(("system", SYSTEM), ("user", "Who built it?"), ("assistant", "The town."),
                          ("user", PAGE + "\n\n" + PAGE + "\n\n When?")), session)
        second = last_line(gateway, 2)["context"]
        # The system prompt, the first question, and the page that was pasted twice.
        assert second["repeated"] > second["system"] * 0.7 + second["user"] * 0.4, second
        gateway.post(body(("system", SYSTEM), ("user", "Who built it?")))
        third = last_line(gateway, 3)
        assert third["context"]["repeated"] == 0, third  # no session
        assert third["prompt"].startswith("fp:"), third
        gateway.post(body(("system", SYSTEM), ("user", "Another question.")))
        assert last_line(gateway, 4)["prompt"] == third["prompt"]
        metrics = gateway.metrics()
        assert metrics.value("weir_context_tokens_count", role="system") == 4
        assert metrics.value("weir_context_tokens_count", role="repeated") == 1
        assert metrics.value("weir_context_tokens_sum", role="repeated") == second["repeated"]


def test_tokens_a_minute_and_long_prompts_are_limited():
    with Sim() as sim, Gateway(narrow_config(), sim, workers=1) as gateway:
        narrow = {"Authorization": f"Bearer {NARROW}"}
        long = gateway.post(body(("user", "word " * 300)), narrow)
        assert long.status == 400, long.text()
        error = long.json()["error"]
        assert error["code"] == "context_length_exceeded", error
        assert "308 tokens" in error["message"] and "200" in error["message"], error
        answer = gateway.post(body(("user", "Hi"), max_tokens=400), narrow)
        assert answer.status == 200, answer.text()
        assert answer.headers["x-ratelimit-limit-tokens"] == "1000"
        used = (int(answer.headers["x-weir-input-tokens"]) +
                int(answer.headers["x-weir-output-tokens"]))
        answer = gateway.post(body(("user", "Hi"), max_tokens=1000 - used), narrow)
        assert answer.status == 429, answer.text()  # what is left, and the input
        error = answer.json()["error"]
        assert error["type"] == "tokens" and error["code"] == "rate_limit_exceeded", error
        assert int(answer.headers["retry-after-ms"]) > 0
        assert gateway.post(body(("user", "Hi"), max_tokens=400), narrow).status == 200
        assert sum(entry["requests"] for entry in sim_models(sim)) == 2


def sim_models(sim):
    bill = sim.bill()
    return bill["models"] if "models" in bill else [bill]


def test_many_first_requests_wait_for_one_vocabulary():
    """The table is built once, off the loop; everybody gets an answer and the same count."""
    with Sim() as sim, Gateway(narrow_config(), sim, workers=2) as gateway:
        statuses = []

        def ask():
            statuses.append(gateway.post(body(("user", "Hello there, how are you?"))).status)

        threads = [threading.Thread(target=ask) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 40, statuses
        lines = until("40 lines", lambda: len(gateway.access_log()) == 40 and gateway.access_log())
        assert {line["context"]["counted"] for line in lines} == {14}, lines[0]


def test_large_prompts_are_counted_beside_the_loop():
    with Sim() as sim, Gateway(narrow_config(), sim, workers=1) as gateway:
        text = "All work and no play makes a dull day. " * 20000  # 780 KiB
        assert gateway.post(body(("user", text))).status == 200
        context = last_line(gateway, 1)["context"]
        assert 190000 < context["counted"] < 210000, context
        assert context["quality"] == "exact", context


def test_a_client_that_leaves_while_its_prompt_is_counted():
    with Sim() as sim, Gateway(narrow_config(), sim, workers=1) as gateway:
        for _ in range(20):
            text = json.dumps(body(("user", "some words to count " * 100000))).encode()
            connection = socket.create_connection(("127.0.0.1", gateway.port))
            connection.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                                f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
                                f"Content-Length: {len(text)}\r\n\r\n").encode() + text)
            connection.close()
        assert gateway.post(body(("user", "Hi"))).status == 200
        until("all lines", lambda: len(gateway.access_log()) == 21)
        assert {line["outcome"] for line in gateway.access_log()[:-1]} <= {"client_gone", "none"}


def test_estimates_outlive_the_process():
    config = narrow_config().replace('model: "gpt-4o"}', 'model: "sim-unknown"}')
    with Sim() as sim, Gateway(config, sim, workers=1) as gateway:
        for _ in range(5):
            assert gateway.post(body(("user", "What is the level of the upper pond today?"))).status == 200
        until("five lines", lambda: len(gateway.access_log()) == 5)
        assert all(line["context"]["quality"] == "estimate" for line in gateway.access_log())
        state = Path(gateway.dir) / "state" / "estimates"
        assert gateway.process.stop() == 0, gateway.process.errors()
        lines = state.read_text().splitlines()
        assert len(lines) == 1 and lines[0].startswith("sim\tsim-unknown\t"), lines
