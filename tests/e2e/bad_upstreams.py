# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Bad inputs 44 and 66 to 72: what providers answer. Each answer is a model of its own."""

import http.client
import json
import socket

from bad_inputs import PROVIDER_KEY, row
from harness import chat
from provider import (CHOICE, DONE, FINISH, TOKEN, USAGE, USAGE_EVENT, answer, stream, stream_head,
                      whole)

ANSWERS = {}


def model(name, script):
    ANSWERS[name] = script
    return name


def cost(reply):
    return reply.headers["x-weir-cost-usd"]


# 10 tokens in at 1 USD a million, 5 out at 2.
BILLED = "0.00002"


# ---- 44: answers without text ----

NO_TEXT = [model(f"no-text-{i}", answer(choice='"choices":[{"index":0,"message":' + message
                                        + ',"finish_reason":"stop"}]'))
           for i, message in enumerate((
               '{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function",'
               '"function":{"name":"f","arguments":"{}"}}]}',
               '{"role":"assistant","content":null,"refusal":"No."}',
               '{"role":"assistant","content":"","reasoning_content":"Hmm"}',
               '{"role":"assistant","content":""}'))]


@row(44, "tool calls, refusals, reasoning and nothing, alone", calls=len(NO_TEXT))
def _(bench):
    for name in NO_TEXT:
        assert cost(bench.serves(chat(model=name))) == BILLED


# ---- 66: usage ----

def usage(prompt="10", completion="5", total="15", more=""):
    return (f'"usage":{{"prompt_tokens":{prompt},"completion_tokens":{completion},'
            f'"total_tokens":{total}{more}}}')


IMPOSSIBLE = [model(f"usage-bad-{i}", answer(text)) for i, text in enumerate((
    '"usage":null', '"x":1', usage("-1"), usage(completion="-5"), usage('"10"'), usage("1e300"),
    usage("128001"), usage("10.5"), '"usage":[]', '"usage":"10"', usage("true"),
    usage(more=',"prompt_tokens_details":{"cached_tokens":11}'),
    usage(more=',"prompt_tokens_details":{"cached_tokens":-1}')))]
# A total above the sum is reasoning that some providers leave out of it: output all the same.
POSSIBLE = [(model("usage-sum", answer(usage(total="99"))), "0.000188"),
            (model("usage-over", answer(usage(completion="2000", total="2010"))), "0.00401")]
TWO_CHUNKS = model("usage-two", stream(TOKEN, FINISH, USAGE_EVENT, USAGE_EVENT, DONE))
WITH_CHOICES = model("usage-choices", stream(
    TOKEN, f'data: {{"choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],{USAGE}}}\n\n'
    .encode(), DONE))


@row(66, "usage that cannot be: settled as without", calls=len(IMPOSSIBLE))
def _(bench):
    for name in IMPOSSIBLE:
        counted = bench.gateway.metrics().total("weir_usage_source_total", source="counted")
        reply = bench.serves(chat(model=name))
        assert not cost(reply).startswith("-")
        bench.settled()
        now = bench.gateway.metrics().total("weir_usage_source_total", source="counted")
        assert now == counted + 1, f"{name}: taken for usage, {cost(reply)}"


@row(66, "usage that can be, above the hold too: charged in full", calls=len(POSSIBLE))
def _(bench):
    breaches = bench.gateway.metrics().total("weir_bound_breaches_total")
    for name, charged in POSSIBLE:
        reply = bench.serves(chat(model=name, max_tokens=100))
        assert cost(reply) == charged, (name, cost(reply))
    bench.settled()
    assert bench.gateway.metrics().total("weir_bound_breaches_total") == breaches + 1


@row(66, "two chunks of usage, and usage beside choices: charged once", calls=2)
def _(bench):
    for name in (TWO_CHUNKS, WITH_CHOICES):
        before = bench.charged()
        bench.serves(chat(model=name, stream=True))
        bench.settled()
        assert f"{bench.charged() - before:.5f}" == BILLED, name


# ---- 67: answers that are none ----

ERROR = '{"error":{"message":"no","type":"x","code":"y"}}'
NO_ANSWERS = [model("200-error", whole(ERROR)), model("200-html", whole("<html>Oops</html>")),
              model("200-empty", whole(""))]
STREAM_ERROR = model("stream-error", stream(TOKEN, f"event: error\ndata: {ERROR}\n\n".encode()))
STREAM_HTML = model("stream-html", whole("<html>"))


@row(67, "errors, HTML and nothing with status 200: no usage made up", calls=len(NO_ANSWERS))
def _(bench):
    for name in NO_ANSWERS:
        reply = bench.chat(chat(model=name))
        assert reply.status in (200, 502), (name, reply.status)
        assert reply.status == 502 or "x-weir-output-tokens" not in reply.headers or (
            bench.gateway.access_log()[-1].get("usage_source") != "reported")


@row(67, "an error event in a stream: passed on, never a clean end", calls=2)
def _(bench):
    text = cut_text(bench, STREAM_ERROR)
    assert b'"error"' in text and b"[DONE]" not in text, text
    reply = bench.chat(chat(model=STREAM_HTML, stream=True))
    assert reply.status in (200, 502) and "[DONE]" not in reply.text()


# ---- 68: events ----

def cut_text(bench, name):
    """What came of a stream, whole or cut."""
    try:
        return bench.chat(chat(model=name, stream=True)).body
    except http.client.IncompleteRead as cut:
        return cut.partial


HUGE = model("event-huge", lambda _: [stream_head(), *[b"data: " + b"x" * 65536] * 100])
ENDLESS_COMMENT = model("comment-endless", lambda _: [stream_head(), *[b":\n" * 50000] * 20, DONE])
COMMENTS = model("comments", lambda _: [stream_head(), *[b":\n\n" * 50000] * 20, TOKEN, FINISH,
                                        USAGE_EVENT, DONE])
NUL = model("event-nul", stream(TOKEN, b"\0\0", FINISH, USAGE_EVENT, DONE))
BOM = model("event-bom", stream(b"\xef\xbb\xbf" + TOKEN, FINISH, USAGE_EVENT, DONE))
CR_ONLY = model("event-cr", stream(*(event.replace(b"\n", b"\r") for event in
                                     (TOKEN, FINISH, USAGE_EVENT, DONE))))


def bytewise(_):
    data = stream()
    return [data[i:i + 1] for i in range(len(data))]


SPLIT = model("event-split", bytewise)


@row(68, "an event without an end, of data and of comments: cut, and not kept", calls=2)
def _(bench):
    before = bench.gateway.metrics().value("process_resident_memory_bytes")
    for name in (HUGE, ENDLESS_COMMENT):
        text = cut_text(bench, name)
        assert len(text) < (2 << 20) and b"[DONE]" not in text, (name, len(text))
    after = bench.gateway.metrics().value("process_resident_memory_bytes")
    assert after - before < 64 << 20, after - before


@row(68, "a million comments, a BOM, CR alone, one byte at a time: the same answer", calls=4)
def _(bench):
    for name in (COMMENTS, BOM, CR_ONLY, SPLIT):
        before = bench.charged()
        text = cut_text(bench, name)
        assert b"Hi" in text and b"[DONE]" in text, (name, text[-200:])
        bench.settled()
        assert f"{bench.charged() - before:.5f}" == BILLED, name


@row(68, "NUL between events", calls=1)
def _(bench):
    cut_text(bench, NUL)  # whatever it is: settled once, and the gateway lives


# ---- 69: heads and framing ----

GOOD = f'{{{CHOICE},{USAGE}}}'


def head(fields, body=GOOD):
    return (f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}\r\n").encode() + (
        body.encode())


BOMBS = [model("head-long", whole(GOOD, fields="X: " + "a" * 307200 + "\r\n")),
         model("head-many", whole(GOOD, fields="".join(f"X-{i}: a\r\n" for i in range(20000)))),
         model("head-coding", head("Transfer-Encoding: gzip, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n")),
         model("head-gzip", whole(GOOD, fields="Content-Encoding: gzip\r\n")),
         model("length-large", head(f"Content-Length: {len(GOOD) + 50}\r\n")),
         model("status-none", b"HTTP/1.1 abc\r\n\r\n"), model("no-http", b"hello\r\n\r\n"),
         model("nothing", b"")]
COOKIES = model("cookies", whole(GOOD, fields="Set-Cookie: a=b\r\nX-Secret: c\r\nServer: d\r\n"))
SMALL_LENGTH = model("length-small", head(f"Content-Length: {len(GOOD)}\r\n", GOOD + "HTTP/1.1 200 "
                                          "OK\r\nContent-Length: 5\r\n\r\nSMUGG"))


@row(69, "heads and lengths that lie: 502", calls=len(BOMBS))
def _(bench):
    for name in BOMBS:
        bench.refuses(chat(model=name), 502)


@row(69, "bytes behind the answer: dropped with the connection", calls=2)
def _(bench):
    assert bench.serves(chat(model=SMALL_LENGTH)).text() == GOOD
    assert "SMUGG" not in bench.serves(chat()).text()


@row(69, "a provider's cookies and own fields stay here", calls=1)
def _(bench):
    fields = {name.lower() for name in bench.serves(chat(model=COOKIES)).headers}
    assert not fields & {"set-cookie", "x-secret", "server"}, fields


# ---- 70: redirects ----

TRAP = socket.create_server(("127.0.0.1", 0))
REDIRECTS = [model(f"redirect-{status}", whole("", status, "Location: http://127.0.0.1:"
                                               f"{TRAP.getsockname()[1]}/v1\r\n"))
             for status in (301, 302, 303, 307, 308)]


@row(70, "redirects: not followed, the key stays here", calls=len(REDIRECTS))
def _(bench):
    for name in REDIRECTS:
        bench.refuses(chat(model=name), 502, "upstream_status")
    TRAP.settimeout(0)
    try:
        TRAP.accept()
        raise AssertionError("a redirect was followed")
    except BlockingIOError:
        pass


# ---- 71: our key ----

ECHOES = [(401, model("echo-401", whole(ERROR.replace("no", f"bad key {PROVIDER_KEY}"), 401))),
          (403, model("echo-403", whole(PROVIDER_KEY * 3, 403))),
          (200, model("echo-200", whole(ERROR.replace("no", PROVIDER_KEY))))]
ECHO_STREAM = model("echo-stream", stream(TOKEN, b"data: " + ERROR.replace(
    "no", PROVIDER_KEY).encode() + b"\n\n", DONE))


@row(71, "errors that repeat the provider's key: redacted", calls=len(ECHOES) + 1)
def _(bench):
    for status, name in ECHOES:
        reply = bench.chat(chat(model=name))  # which looks for the key
        # An error object under 200 gets the status that it should have had.
        wanted = status if status != 200 else 502
        assert reply.status == wanted and "[redacted]" in reply.text(), reply.text()
    assert b"[redacted]" in cut_text(bench, ECHO_STREAM)


# ---- 72: retry-after ----

RETRIES = {"999999999": "3600", "7": "7", "0": "0", "-1": None, "soon": None, "1e9": None,
           "Wed, 21 Oct 2015 07:28:00 GMT": None, "99999999999999999999999": None}
RETRY_MODELS = [(model(f"retry-{i}", whole(ERROR, 429, f"Retry-After: {value}\r\n")), shown)
                for i, (value, shown) in enumerate(RETRIES.items())]


@row(72, "retry-after out of range, in the past, no number", calls=len(RETRIES))
def _(bench):
    for name, shown in RETRY_MODELS:
        reply = bench.chat(chat(model=name))
        assert reply.status == 429 and json.loads(reply.text())["error"]["code"] == "y"
        assert reply.headers["retry-after"] == shown, (name, reply.headers["retry-after"])
