# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The ledger: what it says was spent is what the provider billed and the metrics say, however it is
asked, after restarts and crashes; and its audits notice what is wrong."""

import csv
import http.client
import io
import json
import re
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

from harness import DEADLINE_S, Gateway, Settings, Sim, chat, request, until

PRICES = {"*": {"input": "30.000001", "cached_input": "15", "output": "600.000003"}}
PRICE = "price: {input: 30.000001, cached_input: 15, output: 600.000003}"

CONFIG = f"""
providers:
  sim: {{kind: openai, base_url: "{{sim}}", api_key: none}}
models:
  small: {{targets: [{{provider: sim, model: "sim:out=7,cached=3"}}], {PRICE}}}
  large: {{targets: [{{provider: sim, model: "sim:out=31"}}], {PRICE}}}
  slow: {{targets: [{{provider: sim, model: "sim:out=20,ttft=5ms"}}], {PRICE}}}
  broken: {{targets: [{{provider: sim, model: "sim:out=9,cut=4"}}], {PRICE}}}
tenants:
  acme:
    limits: {{requests_per_minute: 1000000, concurrent: 1000}}
    budgets: [{{name: total, window: total, usd: 100}}]
    keys: [{{id: k, sha256: {{hash}}}}]
"""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def weir(gateway, *arguments, code=0):
    ran = subprocess.run([str(Settings.weir), *arguments, "-c", str(gateway.path)], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=DEADLINE_S)
    assert ran.returncode == code, (arguments, ran.returncode, ran.stdout, ran.stderr)
    return ran.stdout if code == 0 else ran.stdout + ran.stderr


def spend(gateway, by, *more):
    text = weir(gateway, "spend", "--by", by, "--format", "json", *more)
    return json.loads(text, parse_float=Decimal)


def total(rows, field="cost_usd"):
    return sum((row[field] for row in rows), Decimal(0))


def kept(gateway):
    """The ids in the database, as answers name them."""
    path = gateway.dir / "state" / "ledger.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id_high, id_low FROM receipts").fetchall()
    numbers = [((high & (2**64 - 1)) << 64) | (low & (2**64 - 1)) for high, low in rows]
    return ["req_" + "".join(ALPHABET[number >> (5 * place) & 31] for place in range(25, -1, -1))
            for number in numbers]


def caught_up(gateway, receipts):
    until("the database has every receipt", lambda: len(kept(gateway)) >= receipts)


def use(gateway, count):
    """Calls of every kind; how many."""
    for i in range(count):
        answer = gateway.post(
            chat("large" if i % 3 == 0 else "small", stream=i % 2 == 0, max_tokens=3 + i % 5),
            {"x-weir-user": f"user-{i % 4}", "x-weir-session": f"session {i % 5}",
             "x-weir-tags": f"feature={'chat' if i % 2 else 'search'},team=t{i % 3}",
             "x-weir-prompt": f"greeting@{i % 2}"})
        assert answer.status == 200, answer.text()
    return count


def check_sums(gateway, sim, count):
    bill = Decimal(sim.bill()["usd"])
    assert bill > 0
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    for by, groups in (("tenant", 1), ("key", 1), ("provider", 1), ("model", 2), ("user", 4),
                       ("session", 5), ("tag:feature", 2), ("tag:team", 3), ("prompt", 2),
                       ("day", None), ("tenant,model,user,tag:feature,day", None), ("", 1)):
        rows = spend(gateway, by)
        assert total(rows) == bill, (by, total(rows), bill)
        assert total(rows, "uncertain_usd") == 0 and total(rows, "requests") == count, (by, rows)
        assert groups is None or len(rows) == groups, (by, rows)
        assert all(set(by.split(",")) - {""} <= set(row) for row in rows), rows
    assert {row["day"] for row in spend(gateway, "day")} <= {
        today, datetime.now(timezone.utc).strftime("%Y-%m-%d")}
    return bill


def test_sums_are_the_providers_bill_by_every_column():
    with Sim(prices=PRICES) as sim, Gateway(CONFIG, sim) as gateway:
        count = use(gateway, 30)
        caught_up(gateway, count)
        bill = check_sums(gateway, sim, count)
        metrics = gateway.metrics()
        assert metrics.total("weir_cost_usd_total") == bill
        for row in spend(gateway, "tenant,model"):
            labels = {"tenant": row["tenant"], "model": row["model"]}
            assert metrics.total("weir_cost_usd_total", **labels) == row["cost_usd"], row
            for kind in ("input", "cached_input", "output"):
                assert metrics.total("weir_tokens_total", kind=kind, **labels) == row[
                    f"{kind}_tokens"], (kind, row)
        until("no lag", lambda: gateway.metrics().value("weir_ledger_lag_records") == 0)
        assert gateway.metrics().value("weir_ledger_ok") == 1
        assert "verified" in weir(gateway, "ledger", "verify")
        assert "proven" in weir(gateway, "ledger", "prove")
        return f"${bill} in {count} requests"


def test_reports_are_well_formed():
    with Sim(prices=PRICES) as sim, Gateway(CONFIG, sim) as gateway:
        headers = {"x-weir-user": 'a "b", c'}
        assert gateway.post(chat(), headers).status == 200
        assert gateway.post(chat("large"), {"x-weir-user": "ünï"}).status == 200
        caught_up(gateway, 2)
        bill = Decimal(sim.bill()["usd"])
        table = weir(gateway, "spend").splitlines()
        assert re.match(r"tenant +model +requests +input .* cost USD +uncertain USD$", table[0])
        assert table[-1].startswith("total") and len({len(line) for line in table}) == 1, table
        assert str(bill) in table[-1], table
        text = weir(gateway, "spend", "--by", "user", "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert {row["user"] for row in rows} == {row["user"] for row in spend(gateway, "user")}
        assert sum(Decimal(row["cost_usd"]) for row in rows) == bill
        assert 'user,requests,' in text
        now = time.time()
        hour = datetime.fromtimestamp(now - 3600, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for since, some in (("1h", True), ("2020-01-01", True), (hour, True), ("2199-12-31", False)):
            assert bool(spend(gateway, "tenant", "--since", since)) == some, since
        assert spend(gateway, "tenant", "--until", hour) == []
        assert spend(gateway, "tenant", "--since", hour, "--until", "2199-01-01T00:00:00.5+01:00")


def test_focus_rows_add_up():
    mandatory = """BilledCost EffectiveCost ListCost ContractedCost BillingCurrency BillingAccountId
        BillingAccountName BillingPeriodStart BillingPeriodEnd ChargePeriodStart ChargePeriodEnd
        ChargeCategory ChargeClass ChargeDescription ServiceCategory ServiceName ProviderName
        PublisherName InvoiceIssuerName PricingQuantity PricingUnit""".split()
    config = CONFIG.replace("output: 600.000003}", "output: 600.000003, per_request: 0.002}")
    with Sim(prices=PRICES) as sim, Gateway(config, sim) as gateway:
        count = use(gateway, 7)
        caught_up(gateway, count)
        rows = list(csv.DictReader(io.StringIO(weir(gateway, "spend", "--format", "focus"))))
        assert set(mandatory) <= set(rows[0]), rows[0]
        meters = {row["SkuMeter"] for row in rows}
        assert meters == {"Input Tokens", "Cached Input Tokens", "Output Tokens",
                          "Requests and Tools"}, meters
        billed = sum(Decimal(row["BilledCost"]) for row in rows)
        assert billed == total(spend(gateway, "tenant")), billed
        assert billed == Decimal(sim.bill()["usd"]) + count * Decimal("0.002")
        assert sum(int(row["x_RequestCount"]) for row in rows) == count
        for row in rows:
            start, end = (datetime.fromisoformat(row[name].replace("Z", "+00:00"))
                          for name in ("ChargePeriodStart", "ChargePeriodEnd"))
            assert (end - start).days == 1 and json.loads(row["Tags"]) == {"key": "k"}, row
            if row["ConsumedUnit"] == "Tokens":
                assert Decimal(row["PricingQuantity"]) * 1000000 == int(row["ConsumedQuantity"])


def test_what_was_uncertain_and_what_was_refused():
    with Sim(prices=PRICES) as sim, Gateway(CONFIG, sim) as gateway:
        try:
            gateway.post(chat("broken", stream=True))
        except http.client.IncompleteRead:
            pass  # as the client of a stream that breaks sees it
        assert gateway.post(chat("nothing")).status == 404
        assert request(gateway.port, "POST", "/v1/chat/completions", chat(),
                       {"Authorization": "Bearer weir_nobody"}).status == 401
        caught_up(gateway, 2)
        assert gateway.post(chat()).status == 200
        caught_up(gateway, 3)
        rows = spend(gateway, "tenant")
        assert [row["tenant"] for row in rows] == ["acme"], rows  # who has no key leaves no trace
        metrics = gateway.metrics()
        assert rows[0]["requests"] == 3 and rows[0]["uncertain_usd"] > 0, rows
        assert rows[0]["uncertain_usd"] == metrics.total("weir_budget_uncertain_usd")
        assert rows[0]["cost_usd"] == metrics.total("weir_cost_usd_total")


def test_a_restart_keeps_it_and_a_rebuild_makes_it_again():
    with tempfile.TemporaryDirectory() as home, Sim(prices=PRICES) as sim:
        with Gateway(CONFIG, sim, home=home) as gateway:
            count = use(gateway, 12)
        assert len(kept(gateway)) == count  # whatever was recorded is in the database at the end
        with Gateway(CONFIG, sim, home=home) as gateway:
            count += use(gateway, 9)
            caught_up(gateway, count)
            check_sums(gateway, sim, count)
            locked = weir(gateway, "ledger", "rebuild", code=1)
            assert "locked" in locked and len(locked.splitlines()) == 1, locked
            second = weir(gateway, "run", code=1)
            assert "locked" in second and len(second.splitlines()) == 1, second
            assert gateway.post(chat()).status == 200
            count += 1
        everything = "tenant,model,user,session,tag:team,prompt,day"
        before = weir(gateway, "spend", "--by", everything, "--format", "csv")
        assert "rebuilt" in weir(gateway, "ledger", "rebuild")
        assert weir(gateway, "spend", "--by", everything, "--format", "csv") == before
        (gateway.dir / "state" / "ledger.db").unlink()
        assert "no ledger" in weir(gateway, "spend", code=1)
        weir(gateway, "ledger", "rebuild")
        assert weir(gateway, "spend", "--by", everything, "--format", "csv") == before
        with Gateway(CONFIG, sim, home=home) as gateway:
            assert total(spend(gateway, "tenant"), "requests") == count


class Load:
    """Clients that call without a pause, and note the id of each answer whose end they saw."""

    def __init__(self, gateway, clients):
        self.gateway = gateway
        self.answered = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, client):
        calls = 0
        while not self.stopped.is_set():
            calls += 1
            try:
                answer = self.gateway.post(chat("slow" if calls % 3 else "small"))
            except (OSError, ValueError):
                return
            except Exception as error:  # http.client's own: the gateway is gone
                assert "http.client" in type(error).__module__, error
                return
            assert answer.status == 200, answer.text()
            self.answered.append(answer.headers["x-request-id"])

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def test_kill_9_under_load_loses_nothing_that_was_answered():
    """The journal is written before the answer of the same turn of the loop leaves."""
    rounds = 5
    with tempfile.TemporaryDirectory() as home, Sim(prices=PRICES) as sim:
        answered = []
        for number in range(rounds):
            gateway = Gateway(CONFIG, sim, home=home, binary=Settings.release)
            load = Load(gateway, 8)
            until("answers", lambda: len(load.answered) >= 100 + 37 * number)
            gateway.process.signal(signal.SIGKILL)
            load.stop()
            gateway.process.wait()
            answered += load.answered
        with Gateway(CONFIG, sim, home=home) as gateway:
            in_journal = set(answered)
            until("all that was answered", lambda: in_journal <= set(kept(gateway)))
            assert "verified" in weir(gateway, "ledger", "verify")
            assert "proven" in weir(gateway, "ledger", "prove")
        ids = Counter(kept(gateway))
        assert max(ids.values()) == 1, "a receipt is there twice"
        assert len(ids) <= sim.bill()["requests"]
        weir(gateway, "ledger", "rebuild")
        assert Counter(kept(gateway)) == ids
        return f"{len(answered)} answers over {rounds} kills, {len(ids)} receipts"


def test_planted_differences_are_found():
    with tempfile.TemporaryDirectory() as home, Sim(prices=PRICES) as sim:
        with Gateway(CONFIG, sim, home=home) as gateway:
            use(gateway, 6)
        path = gateway.dir / "state" / "ledger.db"
        for change in ("UPDATE receipts SET cost_nusd = cost_nusd + 1 WHERE place ="
                       " (SELECT max(place) FROM receipts)",
                       "DELETE FROM receipts WHERE place = (SELECT min(place) FROM receipts)"):
            with closing(sqlite3.connect(path)) as database, database:
                database.execute(change)
            said = weir(gateway, "ledger", "verify", code=1)
            assert "rebuild" in said.splitlines()[-1] and len(said.splitlines()) > 1, said
            weir(gateway, "ledger", "rebuild")
            assert "verified" in weir(gateway, "ledger", "verify")
        # A journal that is damaged before its end is refused, with file and place; by the start too.
        segment = max((gateway.dir / "state" / "journal").glob("*.wj"),
                      key=lambda file: file.read_bytes().count(b"acme"))
        with segment.open("r+b") as file:
            place = file.read(1 << 20).index(b"acme")
            file.seek(place)
            file.write(b"evil")
        for command in (("ledger", "prove"), ("ledger", "verify"), ("run",)):
            said = weir(gateway, *command, code=1)
            assert segment.name in said and re.search(r"offset \d+", said), said


def test_a_state_directory_that_does_not_work_is_said_clearly():
    with tempfile.TemporaryDirectory() as folder:
        frame = ("listen: 127.0.0.1:0\nadmin: off\nproviders: {sim: {kind: simulated}}\n"
                 "models: {m: {targets: [{provider: sim, model: sim}]}}\ntenants: {t: {}}\n")
        file = Path(folder) / "weir.yaml"
        (Path(folder) / "plain").write_text("")
        empty = Path(folder) / "empty"
        cases = (("/proc", "", "/proc/journal"), (f"{folder}/plain", "", "plain"),
                 (f"{folder}/no/such", "", "no/such"),
                 (empty, "ledger: {must_exist: true}\n", "must_exist"))
        for state_dir, more, said in cases:
            file.write_text(f"state_dir: {state_dir}\n{more}{frame}")
            ran = subprocess.run([str(Settings.weir), "run", "-c", str(file)], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 timeout=DEADLINE_S)
            assert ran.returncode == 1, ran
            assert said in ran.stderr and len(ran.stderr.splitlines()) == 1, ran.stderr


def test_questions_asked_wrongly():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weir.yaml"
        file.write_text(f"state_dir: {folder}/state\nproviders: {{p: {{api_key: $" + "{UNSET_KEY}}}\n")

        def ask(*arguments):
            ran = subprocess.run([str(Settings.weir), *arguments, "-c", str(file)], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 timeout=DEADLINE_S)
            return ran.returncode, ran.stdout + ran.stderr

        for arguments, said in (
                (("spend", "--since", "yesterday"), "'yesterday' is no date"),
                (("spend", "--since", "2026-02-30"), "is no date"),
                (("spend", "--until", "2026-11-01T25:00:00Z"), "is no date"),
                (("spend", "--until", "2026-11-01T10:00:00"), "is no date"),
                (("spend", "--since", "7y"), "is no date"),
                (("spend", "--by", "colour"), "use tenant, key, user"),
                (("spend", "--by", "tag:"), "'tag:'"),
                (("spend", "--format", "xml"), "table, json, csv or focus"),
                (("spend", "--format", "focus", "--by", "user"), "leave out --by"),
                (("spend", "--replay", "x"), "not supported by this version"),
                (("ledger", "reseed"), "not supported by this version"),
                (("ledger", "fly"), "usage:"), (("ledger",), "usage:"),
                (("ledger", "uncertain", "resolve", "x"), "id"),
                (("ledger", "uncertain", "resolve", "req_01M87MV370000A6H2TBT2E45X3"), "--charge"),
                (("ledger", "uncertain", "resolve", "req_01M87MV370000A6H2TBT2E45X3", "--charge",
                  "1", "--attempt", "x"), "whole numbers")):
            code, text = ask(*arguments)
            assert code == 2 and said in text, (arguments, code, text)
        # A variable that only the gateway has does not matter, but there is nothing yet.
        for arguments in (("spend",), ("ledger", "verify"), ("ledger", "prove"),
                          ("ledger", "uncertain"), ("ledger", "rebuild")):
            code, text = ask(*arguments)
            assert code == 1 and f"{folder}/state" in text, (arguments, code, text)
        (Path(folder) / "state").mkdir()
        (Path(folder) / "state" / "ledger.db").write_text("this is no database at all\n" * 100)
        code, text = ask("spend")
        assert code == 1 and "not a database" in text, text
