# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Public conformance suites against the running gateway, where the machine has them beside the source
tree. (llhttp's own request cases, JSONTestSuite and two SSE suites are unit tests in tests/wire; what
they counted is shown here.)

Http11Probe's requests ask for "/", which is nothing here: a GET goes to the list of models and a POST
to chat completions, with a good key, so that nothing but its HTTP can be wrong with it. Its bodies are
no JSON, so a POST that is understood to its end is answered "invalid_json": that, as every answer of
the endpoints (no such path, not that method), means the message was taken, and counts as 2xx. What
net refuses by itself counts as it is."""

import base64
import json
import re
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import KEY, Gateway, Settings, Skip
from raw_http import Peer

SUITES = Path(__file__).resolve().parent.parent.parent.parent / "shared" / "data" / "conformance"

# A body of 954 MiB is promised by one case, which is about waiting for it.
CONFIG = """
max_body: 1GiB
providers:
  nowhere: {kind: openai, base_url: "{sim}", api_key: none}
models:
  small: {targets: [{provider: nowhere, model: m}], price: {input: 1, output: 1}}
tenants:
  acme: {keys: [{id: k, sha256: {hash}}]}
"""

TARGETS = {"GET": b"/v1/models", "HEAD": b"/v1/models", "OPTIONS": b"/v1/models",
           "DELETE": b"/v1/models", "POST": b"/v1/chat/completions"}
CREDENTIALS = f"Authorization: Bearer {KEY}\r\n".encode()
JSON_TYPE = b"Content-Type: application/json\r\n"

# Answered before any endpoint saw the request.
FRAMING = {"malformed_http", "head_timeout", "body_timeout", "uri_too_long", "headers_too_large",
           "expectation_failed"}


def meant(reply):
    """The status as the suite would see it of a server that has something at "/"."""
    if reply.status is None or reply.status >= 500 or reply.code() in FRAMING:
        return reply.status
    return 200


def kind(reply):
    if reply.status is None:
        return "none+closed" if reply.closed else "none+timeout"
    status = meant(reply)
    name = "2xx" if status < 300 else "400" if status == 400 else "other4xx" if status < 500 else "5xx"
    return name + ("+closed" if reply.closed else "+open")


def in_step(peer):
    """Whether the next request is understood: the last one was read to its exact end."""
    return peer.ask(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + CREDENTIALS
                    + b"\r\n").status == 200


def prepared(encoded):
    """The request on our own paths, with a key; what is smuggled inside stays as it is."""
    data = base64.b64decode(encoded)
    found = re.match(rb"(\r\n)?([A-Z]+) / (HTTP/1\.[01]\r?\n)", data)
    if not found:
        return data
    target = TARGETS.get(found.group(2).decode(), b"/v1/models")
    return ((found.group(1) or b"") + found.group(2) + b" " + target + b" " + found.group(3)
            + CREDENTIALS + (b"" if b"\nContent-Type:" in data else JSON_TYPE) + data[found.end():])


# Cases that are judged by more than the status.
def echoed(reply, peer):
    """There is no echo here; but the body was read to its end, and not beyond."""
    return "Pass" if reply.code() == "invalid_json" and in_step(peer) else "Fail"


def has_field(name, status=200):
    return lambda reply, _: ("Pass" if reply.status == status and reply.field(name) else "Fail")


def bodiless(reply, _):
    return "Pass" if reply.status == 200 and not reply.body else "Fail"


def allow_told(reply, _):
    """OPTIONS is not served; the 405 lists the methods all the same."""
    return "Warn" if reply.status == 405 and reply.field(b"Allow") else "Fail"


def no_length(reply, _):
    return "Fail" if reply.status == 204 and reply.field(b"Content-Length") else "Warn"


JUDGED_HERE = {
    "COMP-POST-CL-BODY": echoed, "COMP-CHUNKED-BODY": echoed, "COMP-CHUNKED-MULTI": echoed,
    "COMP-CHUNKED-EXTENSION": echoed, "COMP-CHUNKED-TRAILER-VALID": echoed,
    "COMP-CHUNKED-HEX-UPPERCASE": echoed, "COMP-HEAD-NO-BODY": bodiless,
    "COMP-405-ALLOW": has_field(b"Allow", 405), "COMP-DATE-HEADER": has_field(b"Date"),
    "COMP-CONTENT-TYPE": has_field(b"Content-Type"), "COMP-OPTIONS-ALLOW": allow_told,
    "COMP-NO-CL-IN-204": no_length,
    "COMP-DATE-FORMAT": lambda reply, _: "Pass" if re.fullmatch(
        r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", reply.field(b"Date") or "") else "Fail",
}


def judge_single(case, port):
    peer = Peer(port)
    try:
        reply = peer.ask(prepared(case["request_b64"]))
        got = f"{reply.status} {reply.code() or ''} {kind(reply)}"
        if case["id"] in JUDGED_HERE:
            return JUDGED_HERE[case["id"]](reply, peer), got
        if reply.status is None:
            return case["verdict"]["no_response"]["closed" if reply.closed else "timeout"], got
        table = case["verdict"]["status"]
        table = table.get("if_closed" if reply.closed else "if_open", table)
        # A refusal that is listed stands for itself, but 400 only when it is about the HTTP.
        may_be = {meant(reply), reply.status} - ({400} if meant(reply) == 200 else set())
        for verdict in ("pass", "warn"):
            if may_be & set(table[verdict]):
                return verdict.capitalize(), got
        return "Fail", got
    finally:
        peer.close()


def judge_sequence(case, port):
    peer = Peer(port)
    kinds, most = [], 0
    try:
        for step in case["sequence"]:
            if peer.closed or (kinds and kinds[-1].endswith("timeout")):
                kinds.append("notrun")
                continue
            for part in step["parts"]:
                peer.send(prepared(part["send_b64"]))
                time.sleep(part["pause_ms"] / 1000)  # the case's own: two packets
            reply = peer.receive()
            kinds.append(kind(reply))
            most = max(most, reply.count)
    finally:
        peer.close()
    verdict = case["verdict_table"].get(" | ".join(kinds), "Unknown")
    if most > 1 and case["verdict_table"].get(
            "2xx+open, two status lines in the reply") == "Fail":
        verdict = "Fail"
    return verdict, " | ".join(kinds) + (f" ({most} answers)" if most > 1 else "")


def judge(case, port):
    return (judge_sequence if "sequence" in case else judge_single)(case, port)


def table_line(name, verdicts):
    return (f"{name:<16} {verdicts['Pass']:>6} {verdicts['Warn']:>6} "
            f"{sum(verdicts.values()) - verdicts['Pass'] - verdicts['Warn']:>6}")


def test_http11probe():
    path = SUITES / "http11probe_cases.json"
    if not path.exists():
        raise Skip(f"{path.name} is not here")
    cases = json.loads(path.read_text())["cases"]
    with Gateway(CONFIG) as gateway:
        with ThreadPoolExecutor(16) as pool:
            verdicts = list(pool.map(lambda case: judge(case, gateway.port), cases))
    scored, unscored, failed = {}, Counter(), []
    for case, (verdict, got) in zip(cases, verdicts):
        if not case["scored"]:
            unscored[verdict] += 1
            continue
        scored.setdefault(case["category"], Counter())[verdict] += 1
        if verdict not in ("Pass", "Warn"):
            failed.append(f"{case['id']}: {verdict}, got {got}, wanted {case['expected']}")
    total = sum(scored.values(), Counter())
    assert not failed, "\n".join(failed)
    assert sum(total.values()) == 157, total
    lines = [f"{'scored':<16} {'passed':>6} {'warned':>6} {'failed':>6}",
             *(table_line(name, verdicts) for name, verdicts in sorted(scored.items())),
             table_line("all", total), table_line("(not scored)", unscored)]
    return "\n    ".join(lines)


def test_parsers():
    program = Settings.weir.parent / "tests" / "test_wire"
    if not program.exists() or not SUITES.exists():
        raise Skip("the suites, or the unit tests' program, are not here")
    run = subprocess.run([program], text=True, errors="replace", stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, timeout=120)
    assert run.returncode == 0, run.stdout[-4000:]
    counted = re.findall(r"^.* 0 wrong$", run.stdout, re.M)
    assert len(counted) == 4, run.stdout[-4000:]
    return "\n    ".join(counted)
