# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Upstream faults: for each, what we promise, what the client saw, what the provider billed and what
Weir says it spent. A broken stream never ends as a whole one does; the bill is never above spent +
uncertain, but for errors that were billed without saying so; and every answer comes in time."""

import http.client
import json
import time
from dataclasses import dataclass
from decimal import Decimal

from harness import DEADLINE_S, KEY, Gateway, Sim, chat, request, until

SECRET = "sk-provider-secret"
FIRST_BYTE_S = IDLE_S = 1
PRICE = {"input": "30", "cached_input": "15", "cache_write": "37.5", "output": "60"}
MODEL = """
  {name}:
    targets: [{provider: {name}, model: "{model}"}]
    retries: {attempts: 1}
    price: {input: 30, cached_input: 15, cache_write: 37.5, output: 60}
    context_window: 128000
    max_output_tokens: 4096
    hidden_input: 0"""
TENANT = """
tenants:
  acme:
    budgets: [{name: all, window: total, usd: 1000}]
    keys: [{id: k, sha256: {hash}}]
"""
EXTRA = f"timeouts: {{first_byte: {FIRST_BYTE_S}s, idle: {IDLE_S}s}}\n"

# What the client sees.
WHOLE = "whole"              # an answer or a stream, complete, as providers end it
ERROR_EVENT = "error event"  # a stream that ends with an error, and not with [DONE]
CUT = "cut"                  # the connection broke, and nothing else could have told
# What it costs.
EXACT = "exact"      # spent is the bill
BOUNDED = "bounded"  # the bill is at most spent + uncertain
VOID = "void"        # neither billed nor spent
# An error that was billed and does not say so: the promise excludes it, and charges nothing.
EXCLUDED = "excluded"


@dataclass
class Fault:
    model: str              # of the simulated provider
    stream: bool
    sees: object            # a status, or WHOLE, ERROR_EVENT, CUT; several where both are honest
    costs: str
    promise: str
    base: str = "{sim}"     # of the provider
    after_s: float = 0      # no answer before that
    within_s: float = 5
    body: dict = None       # more of the request
    leaves: int = None      # the client goes after so many bytes

    def title(self):
        return f"{self.model} {'stream' if self.stream else 'whole'}"


def both(model, sees, costs, promise, **more):
    return [Fault(model, False, sees, costs, promise, **more),
            Fault(model, True, sees, costs, promise, **more)]


FAULTS = [
    # It cannot be reached.
    *both("refused", 502, VOID, "unreachable: 502, void", base="http://127.0.0.1:1/v1"),
    *both("no-such-name", 502, VOID, "no such name: 502, void", base="http://nowhere.invalid/v1"),
    *both("no-tls", 502, VOID, "no TLS there: 502, void", base="{tls}"),
    # It answers with an error, or with something else than an answer.
    *both("sim:status=500", (500, 502), VOID, "an error passes, void"),
    *both("sim:status=503,retry=7", (502, 503), VOID, "an error passes, void"),
    *both("sim:status=429,retry=7", 429, VOID, "429 passes, with its Retry-After"),
    *both("sim:status=429,retry=999999999", 429, VOID, "Retry-After within 0..3600"),
    *both("sim:status=429,retry=-1", 429, VOID, "Retry-After within 0..3600"),
    *both("sim:status=429,retry=soon", 429, VOID, "Retry-After within 0..3600"),
    *both("sim:status=401,echo", (401, 502), VOID, "our key is not in what passes"),
    *both("sim:status=307", 502, VOID, "a redirect is not followed: 502"),
    *both("sim:status=302,empty", 502, VOID, "a redirect is not followed: 502"),
    *both("sim:status=502,html", 502, VOID, "an error page: its status"),
    *both("sim:status=500,empty", (500, 502), VOID, "an error without a body: its status"),
    *both("sim:error=body", 502, VOID, "an error under 200: 502"),
    *both("sim:html", 502, BOUNDED, "a page under 200: 502"),
    *both("sim:empty", 502, BOUNDED, "nothing under 200: 502"),
    *both("sim:status=500,billed", (500, 502), EXACT, "an error that says what it cost is charged"),
    *both("sim:error=body,billed", 502, EXACT, "an error that says what it cost is charged"),
    *both("sim:status=500,billed,usage=off", (500, 502), EXCLUDED, "outside of the promise"),
    # It is late, or dies.
    *both("sim:ttft=60s", 504, BOUNDED, "no first byte: 504 in time", after_s=FIRST_BYTE_S,
          within_s=FIRST_BYTE_S + 0.5),
    *both("sim:cut=0", 502, BOUNDED, "no answer: 502"),
    Fault("sim:cut=100", False, 502, BOUNDED, "cut: 502"),
    Fault("sim:stall=100", False, (502, 504), BOUNDED, "stalled: an error in time",
          after_s=IDLE_S, within_s=IDLE_S + 1),
    Fault("sim:cut=1", True, ERROR_EVENT, BOUNDED, "cut: an error event"),
    Fault("sim:cut=30", True, ERROR_EVENT, BOUNDED, "cut: an error event"),
    Fault("sim:cut=66", True, ERROR_EVENT, BOUNDED, "cut before the usage: an error event"),
    Fault("sim:cut=67", True, ERROR_EVENT, EXACT, "cut after the usage: an error event, charged"),
    Fault("sim:stall=30", True, ERROR_EVENT, BOUNDED, "stalled: an error event in time",
          after_s=IDLE_S, within_s=IDLE_S + 1),
    Fault("sim:error=0", True, (502, ERROR_EVENT), BOUNDED, "an error event passes"),
    Fault("sim:error=30", True, ERROR_EVENT, BOUNDED, "an error event passes"),
    # Its framing lies.
    Fault("sim:length=long", False, 502, BOUNDED, "a body too short: 502"),
    Fault("sim:length=long", True, WHOLE, EXACT, "too short, but after [DONE]: whole"),
    Fault("sim:length=long,cut=30", True, ERROR_EVENT, BOUNDED, "too short: an error event"),
    *both("sim:length=short", (502, ERROR_EVENT), BOUNDED, "a body too long: 502, or broken"),
    *both("sim:framing=eof", WHOLE, EXACT, "until the end of the connection: whole"),
    Fault("sim:framing=eof,cut=100", False, 502, BOUNDED, "half a JSON text: 502"),
    Fault("sim:framing=eof,cut=30", True, ERROR_EVENT, BOUNDED, "half a stream: an error event"),
    *both("sim:bytewise", WHOLE, EXACT, "a byte a packet: whole", within_s=10),
    *both("sim:close", WHOLE, EXACT, "closed after the answer: whole"),
    # Its events are strange.
    Fault("sim:eol=crlf", True, WHOLE, EXACT, "CRLF: whole"),
    Fault("sim:eol=cr", True, WHOLE, EXACT, "CR: whole"),
    Fault("sim:eol=crlf,bytewise", True, WHOLE, EXACT, "CRLF cut in two: whole", within_s=10),
    Fault("sim:done=off", True, WHOLE, EXACT, "no [DONE] after the usage: whole"),
    Fault("sim:done=off,usage=off", True, WHOLE, BOUNDED, "neither [DONE] nor usage: whole"),
    Fault("sim:giant=512KiB", True, WHOLE, EXACT, "an event under the cap: whole"),
    Fault("sim:giant=4MiB", True, ERROR_EVENT, BOUNDED, "an event over the cap: an error event"),
    Fault("sim:giant=1024MiB", True, ERROR_EVENT, BOUNDED, "an endless event: an error event"),
    Fault("sim:comments=100000", True, WHOLE, EXACT, "comments for ever: whole", within_s=15),
    # Its usage lies.
    *both("sim:usage=off", WHOLE, BOUNDED, "no usage: counted, the rest uncertain"),
    *both("sim:usage=negative", WHOLE, BOUNDED, "impossible usage: as none"),
    *both("sim:usage=string", WHOLE, BOUNDED, "impossible usage: as none"),
    *both("sim:usage=huge", WHOLE, BOUNDED, "impossible usage: as none"),
    Fault("sim:usage=twice", True, WHOLE, EXACT, "two usages: the last"),
    Fault("sim:usage=twice", False, WHOLE, BOUNDED, "two members of one name: as none"),
    Fault("sim:usage=late", True, WHOLE, BOUNDED, "usage after [DONE]: never below the bill"),
    *both("sim:out=40,reasoning=100", WHOLE, EXACT, "hidden reasoning: charged"),
    *both("sim:in=50,cached=20,written=10", WHOLE, EXACT, "cache reads and writes: charged"),
    *both("sim:out=200,over=100", WHOLE, EXACT, "a limit ignored: charged in full",
          body={"max_tokens": 20}),
    # The client goes.
    Fault("sim:out=1000,gap=5ms,ahead=50", True, CUT, BOUNDED, "run-ahead: within the hold",
          leaves=2000),
    Fault("sim:ttft=60s,ahead=50", True, CUT, BOUNDED,
          "left before the first byte: within the hold", leaves=0),
    Fault("sim:ttft=60s", False, CUT, BOUNDED, "left before the first byte: within the hold",
          leaves=0),
]


def config():
    providers, models = "providers:\n", "models:"
    for index, fault in enumerate(FAULTS):
        name = f"f{index}"
        providers += f'  {name}: {{kind: openai, base_url: "{fault.base}", api_key: {SECRET}}}\n'
        models += MODEL.replace("{name}", name).replace("{model}", fault.model)
    return providers + models + TENANT


@dataclass
class Seen:
    what: object      # a status, or one of the words above
    first_s: float
    total_s: float
    body: bytes
    headers: object = None


def classify(status, body, broken, fault):
    if status != 200:
        assert not broken, f"an error that breaks off: {body!r}"
        if "html" not in fault.model and "empty" not in fault.model:
            json.loads(body)
        return status
    if not fault.stream:
        if broken:
            return CUT
        assert "choices" in json.loads(body), f"200 without an answer: {body!r}"
        return WHOLE
    datas = [line[5:].strip() for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
             .split(b"\n") if line.startswith(b"data:")]
    done = datas.count(b"[DONE]")
    for data in datas:  # a client stumbles over half an event before it gets to the error
        assert data == b"[DONE]" or json.loads(data), "an event that says nothing"
    errors = [data for data in datas if data.startswith(b'{"error"')]
    assert not (done and errors), "an error and [DONE]"
    if errors:
        assert datas[-1] == errors[-1], "events after the error"
        assert len(errors) == 1, f"{len(errors)} errors"
        return ERROR_EVENT
    if broken:
        return CUT
    finished = any(b'"finish_reason":"' in data for data in datas)
    assert done == 1 or finished, f"a clean end of a broken stream: {body[-300:]!r}"
    return WHOLE


def ask(gateway, fault, body):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
    begun = time.monotonic()
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body),
                           {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        if fault.leaves == 0:
            return leave_unanswered(gateway, begun)
        response = connection.getresponse()
        first_s = time.monotonic() - begun
        if fault.leaves:
            return Seen(CUT, first_s, first_s, response.read(fault.leaves))
        broken = False
        try:
            text = response.read()
        except http.client.IncompleteRead as cut:
            text, broken = cut.partial, True
        except ConnectionResetError:
            text, broken = b"", True
        return Seen(classify(response.status, text, broken, fault), first_s,
                    time.monotonic() - begun, text, response.headers)
    finally:
        connection.close()


def leave_unanswered(gateway, begun):
    until("the request is under way", lambda: request(
        gateway.sim.port, "GET", "/sim/bill").json()["open"] == 1)
    return Seen(CUT, 0, time.monotonic() - begun, b"")


class Books:
    """Bill, spent and uncertain at one moment; what is under way would not be in it."""

    def __init__(self, gateway, sim):
        self.bill = sim.bill()
        self.metrics = gateway.metrics()
        self.billed = Decimal(self.bill["usd"])
        self.spent = self.metrics.value("weir_budget_spent_usd", budget="acme/all")
        self.uncertain = self.metrics.value("weir_budget_uncertain_usd", budget="acme/all")
        self.records = self.metrics.total("weir_requests_total")
        self.held = self.metrics.value("weir_budget_held_usd", budget="acme/all")

    def quiet(self, before):
        return (self.bill["open"] == 0 and self.held == 0 and
                self.records == before.records + 1)


def settled(gateway, sim, before):
    return until("the record and the end of the provider's work", lambda: (
        lambda books: books if books.quiet(before) else None)(Books(gateway, sim)))


def check_cost(fault, billed, spent, uncertain):
    assert spent >= 0 and uncertain >= 0, "less spent than before"
    if fault.costs == EXACT:
        assert spent == billed and uncertain == 0, "spent is not the bill"
    elif fault.costs == BOUNDED:
        assert billed <= spent + uncertain, "billed above spent + uncertain"
    elif fault.costs == VOID:
        assert billed == spent == uncertain == 0, "not void"
    else:
        assert billed > 0 and spent == uncertain == 0, "not void, though excluded"


def check_retry_after(seen):
    value = seen.headers.get("retry-after") if seen.headers else None
    assert value is None or (value.isdigit() and int(value) <= 3600), f"Retry-After: {value}"
    return value


def check_seen(fault, seen):
    wanted = fault.sees if isinstance(fault.sees, tuple) else (fault.sees,)
    assert seen.what in wanted, f"saw {seen.what!r}: {seen.body[-300:]!r}"
    assert SECRET.encode() not in seen.body, f"our key: {seen.body!r}"
    if "retry=7" in fault.model and seen.what == 429:
        assert check_retry_after(seen) == "7"
    check_retry_after(seen)
    if fault.leaves is None:
        assert fault.after_s - 0.1 <= seen.total_s <= fault.after_s + fault.within_s, (
            f"after {seen.total_s:.2f} s")


def one(gateway, sim, index, fault):
    """The row of the table, and what is wrong with it."""
    before = Books(gateway, sim)
    body = chat(f"f{index}", stream=fault.stream, **(fault.body or {"max_tokens": 1000}))
    wrong, seen = [], None
    try:
        seen = ask(gateway, fault, body)
        check_seen(fault, seen)
    except (AssertionError, ValueError) as error:
        wrong.append(str(error).split("\n")[0])
    after = settled(gateway, sim, before)
    billed, spent, uncertain = (after.billed - before.billed, after.spent - before.spent,
                                after.uncertain - before.uncertain)
    requests = after.bill["requests"] - before.bill["requests"]
    try:
        check_cost(fault, billed, spent, uncertain)
        assert "status=30" not in fault.model or requests == 1, "the redirect was followed"
    except AssertionError as error:
        wrong.append(str(error))
    what, seconds = (seen.what, seen.total_s) if seen else ("?", 0)
    row = (fault.title(), fault.promise, str(what), f"{billed}", f"{spent}", f"{uncertain}",
           f"{seconds * 1000:.0f} ms", "; ".join(wrong) or "kept")
    return row, wrong


def table(rows):
    rows = [("fault", "promise", "client saw", "billed $", "spent $", "uncertain $", "answer",
             "verdict")] + rows
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return "\n    ".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " +
                         row[-1] for row in rows)


def test_every_fault_of_a_provider_keeps_its_promise():
    with Sim(prices={"*": PRICE}) as sim:
        yaml = config().replace("{tls}", f"https://127.0.0.1:{sim.port}/v1")
        with Gateway(yaml, sim, extra=EXTRA) as gateway:
            results = [one(gateway, sim, index, fault) for index, fault in enumerate(FAULTS)]
            broken = [row for row, wrong in results if wrong]
            text = table([row for row, _ in results])
            assert not broken, f"{len(broken)} of {len(FAULTS)} promises broken\n    {text}"
            check_no_secret(gateway)
            return text


def check_no_secret(gateway):
    assert SECRET not in (gateway.dir / "access.log").read_text()


def test_a_fault_can_be_set_for_requests_to_come():
    with Sim(prices={"*": PRICE}) as sim, Gateway(
            f'providers:\n  f0: {{kind: openai, base_url: "{{sim}}", api_key: {SECRET}}}\nmodels:' +
            MODEL.replace("{name}", "f0").replace("{model}", "gpt-4o") + TENANT, sim) as gateway:
        answer = request(sim.port, "POST", "/sim/fault",
                         {"model": "sim:status=418", "requests": 2})
        assert answer.status == 200, answer.text()
        statuses = [gateway.post(chat("f0")).status for _ in range(3)]
        assert statuses == [418, 418, 200], statuses
        refused = request(sim.port, "POST", "/sim/fault", {"model": "sim:nonsense", "requests": 1})
        assert refused.status == 400, refused.text()




def test_connections_that_die_after_an_answer():
    """The next request may have left before the end of its connection was known. It is not sent
    twice, for nobody can tell whether it was served: that one is a 502, and says so."""
    with Sim(prices={"*": PRICE}) as sim, Gateway(
            f'providers:\n  f0: {{kind: openai, base_url: "{{sim}}", api_key: {SECRET}}}\nmodels:' +
            MODEL.replace("{name}", "f0").replace("{model}", "sim:out=1,close") + TENANT,
            sim) as gateway:
        statuses = [gateway.post(chat("f0", stream=turn % 2 == 0)).status for turn in range(40)]
        served = statuses.count(200)
        assert served + statuses.count(502) == 40, statuses
        assert served == sim.bill()["requests"] and served >= 20, (served, sim.bill())
        return f"{served} of 40 served, the others told"


def test_a_large_answer_on_a_kept_connection_is_whole():
    """A reader slower than the provider pauses the transfer, from its first bytes on."""
    with Sim(prices={"*": PRICE}) as sim, Gateway(
            f'providers:\n  f0: {{kind: openai, base_url: "{{sim}}", api_key: {SECRET}}}\nmodels:' +
            MODEL.replace("{name}", "f0").replace("{model}", "sim:out=3000") + TENANT, sim,
            workers=1) as gateway:
        broken = 0
        for _ in range(60):
            try:
                answer = gateway.post(chat("f0", stream=True))
                broken += answer.events()[-1] != "[DONE]"
            except http.client.IncompleteRead:
                broken += 1
        assert broken == 0, f"{broken} of 60 streams broke off"
