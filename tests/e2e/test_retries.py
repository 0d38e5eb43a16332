# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""More than one target: what fails before its first byte is tried elsewhere, each attempt is billed and
logged for itself, and a target that goes on failing is left alone."""

from decimal import Decimal

from harness import Gateway, Sim, chat, until

CONFIG = """
providers:
  bad: {kind: openai, base_url: "{sim}", api_key: none}
  good: {kind: openai, base_url: "{sim}", api_key: none}
models:
  small:
    targets:
      - {provider: bad, model: "sim:status=503"}
      - {provider: good, model: "sim:out=8"}
    price: {input: 2.5, output: 10}
  alone: {targets: [{provider: bad, model: "sim:status=503,billed"}], price: {input: 2.5, output: 10},
          retries: {attempts: 1}, fallback: spare}
  spare: {targets: [{provider: good, model: "sim:out=4"}], price: {input: 0.15, output: 0.6}}
tenants:
  acme:
    budgets: [{name: total, window: total, usd: 100}]
    keys: [{id: k, sha256: {hash}}]
"""
REQUESTS = 40


def lines(gateway, count):
    return until("the log", lambda: [line for line in [gateway.access_log()] if sum(
        not entry["retried"] for entry in line) == count])[0]


def breaker(gateway, provider):
    return gateway.metrics().value("weir_upstream_breaker_state", provider=provider)


def test_a_target_that_fails_is_not_seen_by_clients():
    with Sim() as sim, Gateway(CONFIG, sim, workers=1) as gateway:
        for i in range(REQUESTS):
            answer = gateway.post(chat(stream=i % 2 == 0))
            assert answer.status == 200 and answer.headers["x-weir-provider"] == "good"
        log = lines(gateway, REQUESTS)
        tried = [line for line in log if line["retried"]]
        # Half of them begin with the bad one, until five failures in a row have closed it.
        assert len(tried) >= 5, log
        for line in tried:
            assert (line["provider"], line["status"], line["outcome"], line["cost_usd"]) == (
                "bad", None, "upstream_status", 0), line
        metrics = gateway.metrics()
        assert metrics.total("weir_upstream_requests_total", provider="bad") == len(tried)
        assert metrics.total("weir_requests_total") == REQUESTS
        assert breaker(gateway, "bad") > 0 and breaker(gateway, "good") == 0
        assert metrics.value("weir_budget_held_usd", budget="acme/total") == 0
        assert metrics.value("weir_budget_uncertain_usd", budget="acme/total") == 0
        return f"{REQUESTS} requests, {len(tried)} tried twice"


def test_a_fallback_serves_and_both_are_charged():
    with Sim() as sim, Gateway(CONFIG, sim, workers=1) as gateway:
        answer = gateway.post(chat("alone", max_tokens=20))
        assert answer.status == 200 and answer.headers["x-weir-model"] == "spare"
        assert answer.headers["x-weir-requested-model"] == "alone"
        failed, served = lines(gateway, 1)
        assert failed["retried"] and failed["model"] == "alone" and failed["cost_usd"] > 0
        assert served["attempts"] == 2 and served["model"] == "spare"
        total = Decimal(answer.headers["x-weir-cost-usd"])
        spent = gateway.metrics().value("weir_budget_spent_usd", budget="acme/total")
        assert total == spent > Decimal(str(failed["cost_usd"]))
