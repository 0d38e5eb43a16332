# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The bound of every kind of request, judged by the provider: what is held while it runs, what it may
come to, and what is refused because nobody can tell."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from harness import Gateway, Sim, request, until

PRICES = {"*": {"input": "30.000001", "output": "600.000003"}}
MILLION = Decimal(10) ** 6
INPUT, OUTPUT = Decimal("30.000001") / MILLION, Decimal("600.000003") / MILLION

CONFIG = """
providers:
  sim: {kind: openai, base_url: "{sim}", api_key: none}
models:
  MODELS
tenants:
  acme:
    budgets: [{name: money, window: total, usd: DOLLARS, max_hold: 100%}]
    keys: [{id: k, sha256: {hash}}]
"""


def model(name, there, **more):
    options = "".join(f", {key}: {value}" for key, value in more.items())
    return (f"{name}: {{targets: [{{provider: sim, model: \"{there}\"}}], max_output_tokens: 500"
            f", price: {{input: 30.000001, output: 600.000003}}{options}}}")


def gateway(sim, dollars, *models):
    yaml = CONFIG.replace("MODELS", "\n  ".join(models)).replace("DOLLARS", str(dollars))
    return Gateway(yaml, sim)


def held(instance):
    return instance.metrics().value("weir_budget_held_usd", budget="acme/money")


def held_by(instance, path, body):
    """What one request holds while the provider thinks."""
    seen = []
    asking = threading.Thread(target=lambda: seen.append(instance.post(body, path=path)))
    asking.start()
    amount = until("the hold", lambda: held(instance))
    asking.join()
    assert seen[0].status == 200, seen[0].text()
    until("its end", lambda: held(instance) == 0)
    return amount


def question(*parts):
    return [{"role": "user", "content": list(parts)}]


def image(url):
    return {"type": "image_url", "image_url": {"url": url}}


def test_outputs_multiply_the_hold():
    with Sim(prices=PRICES) as sim, gateway(sim, 1000, model("slow", "sim:out=5,ttft=300ms")) as weir:
        def completion(**more):
            return held_by(weir, "/v1/completions", {"model": "slow", "prompt": "a",
                                                     "max_tokens": 100, **more})
        one = completion()
        assert 100 * OUTPUT < one < 101 * OUTPUT + 2000 * INPUT, one
        for outputs, more in ((3, {"n": 3}), (7, {"n": 2, "best_of": 7}), (4, {"prompt": ["a"] * 4}),
                              (20, {"prompt": [[1, 2]] * 4, "best_of": 5}),
                              (1, {"prompt": [1, 2, 3, 4]})):
            amount = completion(**more)
            assert abs(amount - one - (outputs - 1) * 100 * OUTPUT) < 200 * INPUT, (more, amount, one)
        # OpenAI's own limit where there is none
        assert abs(completion(max_tokens=None) - one + 84 * OUTPUT) < 200 * INPUT
        # Nothing is written, so nothing but the input is held.
        vectors = held_by(weir, "/v1/embeddings", {"model": "slow", "input": ["a" * 1000] * 10})
        assert 10000 * INPUT < vectors < 13000 * INPUT, vectors


def test_media_and_what_cannot_be_seen():
    models = [model("gpt-4o", "sim:out=5,ttft=300ms"), model("free-hand", "sim:ttft=300ms",
                                                             max_input_bound="50k"),
              model("seen", "gpt-4o-2024-08-06")]
    remote = {"model": "gpt-4o", "max_tokens": 10, "messages": question(image("https://x/y.png"))}
    with Sim(prices=PRICES) as sim, gateway(sim, 1000, *models) as weir:
        refused = weir.post(remote)
        assert (refused.status, refused.json()["error"]["code"]) == (400, "not_boundable")
        assert refused.json()["error"]["param"] == "image_url"
        amount = held_by(weir, "/v1/chat/completions", {**remote, "model": "free-hand"})
        assert 0 <= amount - 50000 * INPUT - 10 * OUTPUT < INPUT, amount
        # Four megabytes of an image that the model is known to see are no four million tokens.
        picture = question(image("data:image/png;base64," + "A" * (4 << 20)))
        served = weir.post({"model": "seen", "max_tokens": 10, "messages": picture})
        assert served.status == 200, served.text()
        # No number of tokens bounds what has prices of its own.
        for more in ({"service_tier": "priority"}, {"models": ["x"]}, {"modalities": ["audio"]}):
            refused = weir.post({"model": "free-hand", "messages": question(), **more})
            assert refused.json()["error"]["code"] == "not_boundable", refused.text()


def some_request(chance, number):
    name = chance.choice(["plain", "hostile"])
    if number % 3 == 0:
        texts = ["word " * chance.randrange(1, 300)] * chance.randrange(1, 20)
        return "/v1/embeddings", {"model": name, "input": chance.choice([texts, [1] * 500])}
    n = chance.randrange(1, 4)
    return "/v1/completions", {"model": name, "n": n, "best_of": n + chance.randrange(3),
                               "prompt": ["once upon a time"] * chance.randrange(1, 5),
                               "max_tokens": chance.randrange(1, 200)}


def test_completions_and_embeddings_stay_within_the_budget():
    chance = random.Random(5)
    models = [model("plain", "sim:out=50"), model("hostile", "sim:out=500,usage=off")]
    with Sim(prices=PRICES) as sim, gateway(sim, 40, *models) as weir:
        requests = [some_request(chance, number) for number in range(400)]
        with ThreadPoolExecutor(40) as pool:
            statuses = list(pool.map(lambda one: weir.post(one[1], path=one[0]).status, requests))
        assert set(statuses) <= {200, 402, 429} and statuses.count(200) > 40, statuses
        until("every hold's end", lambda: held(weir) == 0)
        metrics, bill = weir.metrics(), Decimal(sim.bill()["usd"])
        spent = metrics.value("weir_budget_spent_usd", budget="acme/money")
        uncertain = metrics.value("weir_budget_uncertain_usd", budget="acme/money")
        assert bill <= spent + uncertain <= 40, (bill, spent, uncertain)
        assert metrics.total("weir_bound_breaches_total") == 0
        return (f"{statuses.count(200)} of 400 served: ${bill} billed of ${spent} spent and "
                f"${uncertain} uncertain")


def test_a_batch_of_vectors_that_is_too_large_to_keep():
    """Over 16 MiB: it goes on as it comes, and its usage is found all the same."""
    body = {"model": "plain", "input": ["some words"] * 400, "dimensions": 5000}
    with Sim(prices=PRICES) as sim, gateway(sim, 100, model("plain", "sim")) as weir:
        answer = weir.post(body, path="/v1/embeddings")
        assert answer.status == 200 and len(answer.body) > 16 << 20, len(answer.body)
        assert len(answer.json()["data"]) == 400
        until("its end", lambda: weir.metrics().total("weir_usage_source_total") == 1)
        metrics = weir.metrics()
        assert metrics.value("weir_usage_source_total", source="reported") == 1
        spent = metrics.value("weir_budget_spent_usd", budget="acme/money")
        assert spent == Decimal(sim.bill()["usd"]), (spent, sim.bill())
        assert metrics.value("weir_budget_uncertain_usd", budget="acme/money") == 0
        return f"{len(answer.body) >> 20} MiB"


def test_requests_at_the_simulator_itself():
    """The judge's own endpoints, so that what it says of the gateway is worth something."""
    with Sim() as sim:
        body = {"model": "sim:out=3", "prompt": ["a", "b"], "n": 2, "best_of": 4}
        answer = request(sim.port, "POST", "/v1/completions", body).json()
        assert len(answer["choices"]) == 4 and answer["usage"]["completion_tokens"] == 2 * 4 * 3
        body = {"model": "sim", "input": [[1, 2], [3]]}
        answer = request(sim.port, "POST", "/v1/embeddings", body).json()
        assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}, answer["usage"]
        assert (sim.bill()["completion_tokens"], sim.bill()["prompt_tokens"]) == (24, 5)
