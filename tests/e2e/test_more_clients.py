# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Clients that people put in front of an OpenAI-compatible URL besides OpenAI's own SDKs, as they
come: their retries and time-outs are their defaults. The gateway's access log says how often they
asked."""

from collections import Counter

from harness import Gateway, Settings, Sim, Skip, until
from test_clients import CONFIG, HERE, check_books, node_major, run_cases

CASES = ["whole", "streamed", "tools", "tools_streamed"]
# A refusal is no reason to ask again; nor is a stream that broke after its first words, which are
# paid for.
ASKED_ONCE = {"bad_key": 401, "no_money": 402, "no_money_streamed": 402, "broken_stream": 200}


def statuses(gateway):
    return Counter(line["status"] for line in gateway.access_log())


def run_once(command, gateway, case, status):
    """One case, for which the gateway must see one request."""
    before = statuses(gateway)
    run_cases(command, gateway, [case])
    until("the record", lambda: statuses(gateway).total() > before.total())
    asked = statuses(gateway) - before
    assert asked == Counter({status: 1}), (case, asked)


def run_client(command, *more_cases):
    with Sim(Settings.release) as sim, Gateway(CONFIG, sim, Settings.release, workers=1) as gateway:
        cases = [*CASES, *more_cases]
        run_cases(command, gateway, cases)
        until("the records", lambda: statuses(gateway)[200] >= len(cases) + 2)
        for case, status in ASKED_ONCE.items():
            run_once(command, gateway, case, status)
        metrics = gateway.metrics()
        assert metrics.total("weir_requests_total") == statuses(gateway).total()
        assert metrics.value("weir_budget_held_usd", budget="acme/total") == 0
        check_books(gateway, sim)
        return f"{len(cases) + len(ASKED_ONCE)} cases, {statuses(gateway).total()} requests"


def test_langchain_python():
    return run_client([Settings.sdks / "langchain" / "bin" / "python", HERE / "client_langchain.py"],
                      "streamed_with_usage", "embedded")


def test_llm_command_line():
    return run_client([Settings.sdks / "llm" / "bin" / "python", HERE / "client_llm.py"])


def run_ai_sdk(version, least):
    if node_major() < least:
        raise Skip(f"AI SDK {version} needs Node {least}; this machine has Node {node_major()}")
    return run_client(["node", HERE / "client_ai_sdk.mjs", Settings.sdks / f"node-ai-{version}"])


def test_ai_sdk_6():
    return run_ai_sdk("6.0.326", 18)


def test_ai_sdk_7():
    return run_ai_sdk("7.0.173", 22)
