# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Bad inputs 26 to 52: JSON, and what it means."""

import json
import time

from bad_inputs import not_here, post, row
from harness import chat

MESSAGES = '"messages":[{"role":"user","content":"Hello"}]'


def body(members, messages=MESSAGES):
    """A chat call as text: `members` are of JSON that json.dumps would not write."""
    return ("{" + members + ("," + messages if messages else "") + "}").encode()


def small(members):
    return body(f'"model":"small",{members}')


def invalid(bench, *texts):
    for text in texts:
        bench.refuses(text, 400, "invalid_json")


def in_time(bench, text, seconds=5):
    """Answered, whatever it says, without work out of proportion to its size."""
    begun = time.monotonic()
    reply = bench.chat(text)
    took = time.monotonic() - begun
    assert took < seconds, f"{took:.1f} s for {len(text)} bytes"
    return reply


# ---- JSON ----

@row(26, "duplicate keys at the root, in messages, in stream_options")
def _(bench):
    invalid(bench, body('"model":"small","model":"dear"'), small('"x":{"a":1,"a":2}'),
            body('"model":"small"', '"messages":[{"role":"user","content":"a","content":"b"}]'),
            small('"stream":true,"stream_options":{"include_usage":true,"include_usage":false}'),
            body('"model":"small","mod\\u0065l":"dear"'), small('"max_tokens":1,"max_tokens":9'))


@row(27, "the same key in another case, first", calls=1)
def _(bench):
    reply = bench.serves(body('"MODEL":"dear","Model":"dear","model":"small"'))
    assert reply.headers["x-weir-model"] == "small"


@row(28, "an escaped NUL in a model's name, a key, a text")
def _(bench):
    invalid(bench, body('"model":"small\\u0000-dear"'), body('"model\\u0000x":"small"'),
            body('"model":"small"', '"messages":[{"role":"user","content":"a\\u0000b"}]'))


@row(29, "an escaped key", calls=1)
def _(bench):
    reply = bench.serves(body('"mod\\u0065l":"small","max_tok\\u0065ns":7'))
    assert reply.headers["x-weir-model"] == "small"
    sent = json.loads(bench.sent()[1])
    assert sent["model"] == "small" and sent["max_tokens"] == 7, sent


@row(30, "invalid UTF-8, overlong forms, a BOM, lone surrogates")
def _(bench):
    good = small('"user":"?"')
    invalid(bench, good.replace(b"?", b"\xff"), good.replace(b"?", b"\xc0\xaf"),
            good.replace(b"?", b"\xed\xa0\x80"), good.replace(b"?", b"\xf4\x90\x80\x80"),
            good.replace(b"?", b"\xe2\x82"), b"\xef\xbb\xbf" + good,
            good.replace(b"?", b"\\ud800"), good.replace(b"?", b"\\udc00\\ud800"),
            good.decode().encode("utf-16"))


@row(31, "depth 65 and 10,000")
def _(bench):
    invalid(bench, *(small(f'"x":{"[" * depth}{"]" * depth}') for depth in (65, 10000)),
            small('"x":' + '{"a":' * 65 + "1" + "}" * 65), b"[" * 1000000)


@row(32, "an array of 1 M elements, 300 k keys, 100 k messages", calls=1)
def _(bench):
    reply = in_time(bench, small('"x":[' + "0," * 1000000 + "0]"))
    assert reply.status == 200, reply.text()  # bounded by its bytes: forwarded
    reply = in_time(bench, body(",".join(f'"k{i}":0' for i in range(300000))))
    assert reply.status in (400, 413, 503), reply.text()
    reply = in_time(bench, body('"model":"small"', '"messages":[' + ",".join(
        ["0"] * 100000) + "]"))
    assert reply.status == 400, reply.text()


# ---- what is paid for ----

@row(33, "max_tokens absent and null", calls=2)
def _(bench):
    for members in ('"seed":1', '"max_tokens":null'):
        bench.serves(small(members))
        assert json.loads(bench.sent()[1])["max_tokens"] == 1000


@row(33, "max_tokens that is no limit")
def _(bench):
    for value in ("0", "-1", "1.5", '"100"', "1e309", "2147483648", "9007199254740993", "true",
                  "[]", "1e2", "-0"):
        for field in ("max_tokens", "max_completion_tokens"):
            bench.refuses(small(f'"{field}":{value}'), 400)


@row(34, "two limits that differ")
def _(bench):
    bench.refuses(small('"max_tokens":5,"max_completion_tokens":6'), 400, "invalid_value")
    bench.refuses(small('"max_completion_tokens":6,"max_tokens":5'), 400, "invalid_value")


@row(35, "n out of bounds")
def _(bench):
    for value in ("0", "-1", "1.9999999999999999", "129", "1000000000", '"2"', "true"):
        bench.refuses(small(f'"n":{value}'), 400, "invalid_value")


@row(35, "n at its bound: n times the limit is held", calls=1)
def _(bench):
    # 128 × 1000 tokens at 2 USD a million are more than this budget has: the limit is cut.
    reply = bench.serves(small('"n":128,"max_tokens":1000'), key="thrifty")
    limit = json.loads(bench.sent()[1])["max_tokens"]
    assert 128 * limit * 2 <= 100000 and limit > 300, limit
    assert reply.headers["x-weir-max-tokens"] == str(limit)


@row(36, "best_of: that many outputs are held", calls=1)
def _(bench):
    reply = bench.serves(small('"n":2,"best_of":128,"max_tokens":1000'), key="thrifty")
    limit = json.loads(bench.sent()[1])["max_tokens"]
    assert 128 * limit * 2 <= 100000 and limit > 300, limit
    assert reply.headers["x-weir-max-tokens"] == str(limit)


@row(36, "best_of out of bounds")
def _(bench):
    for more in ('"best_of":0', '"best_of":129', '"best_of":2,"n":3', '"best_of":"2"'):
        bench.refuses(small(more), 400, "invalid_value")


@row(36, "a prompt array of 500 with echo and suffix: 500 outputs are held", calls=2)
def _(bench):
    body = {"model": "small", "prompt": ["x"] * 500, "echo": True, "suffix": "y", "max_tokens": 1000}
    for key, most in ((b"weir_thrifty", 100000 // 500 // 2), (None, 1000)):
        assert bench.raw(post(body, key=key, target=b"/v1/completions")).status == 200
        sent = json.loads(bench.sent()[1])
        assert sent["max_tokens"] <= most and sent["max_tokens"] > most * 0.9, sent["max_tokens"]
        assert sent["prompt"] == body["prompt"] and sent["echo"] is True and sent["suffix"] == "y"


@row(36, "a chat at the legacy endpoint")
def _(bench):
    assert bench.raw(post(chat(), target=b"/v1/completions")).code() == "invalid_value"


@row(37, "stream_options absent, false, null", calls=4)
def _(bench):
    for options in ("", ',"stream_options":{"include_usage":false}', ',"stream_options":null',
                    ',"stream_options":{}'):
        reply = bench.serves(small('"stream":true' + options))
        assert "prompt_tokens" not in reply.text() and reply.events()[-1] == "[DONE]", reply.text()
        assert json.loads(bench.sent()[1])["stream_options"]["include_usage"] is True


@row(37, "stream_options of the wrong type")
def _(bench):
    for options in ("true", "[]", '"x"', '{"include_usage":"yes"}', '{"include_usage":1}'):
        bench.refuses(small(f'"stream":true,"stream_options":{options}'), 400, "invalid_value")


@row(38, "stream that is no Boolean")
def _(bench):
    for value in ('"true"', "1", "[]", "{}", '"false"', "0"):
        bench.refuses(small(f'"stream":{value}'), 400, "invalid_value")


@row(39, "models that are nearly right")
def _(bench):
    for model in ("openai/small", "small:free", "small-2026-01-01", "*", "SMALL", "sm\u0430ll",
                  " small", "small ", "small\n", "s" * 256, "up-dear", "../small"):
        reply = bench.refuses(chat(model=model), 404, "model_not_found")
        assert len(reply.body) < 1000
    for model in ("", "m" * 10240, ["small"], 5, None, {"a": 1}):
        bench.refuses(chat(model=model), 400)
    bench.refuses(b"{" + MESSAGES.encode() + b"}", 400, "missing_required_parameter")


@row(40, "a model without a price under a money budget")
def _(bench):
    bench.refuses(chat(model="unpriced"), 400, "model_not_priced")


@row(41, "service tiers")
def _(bench):
    for tier in ("priority", "flex", "scale", "Priority"):
        bench.refuses(chat(service_tier=tier), 400, "not_boundable")


@row(42, "parts that cost more than their bytes")
def _(bench):
    for members in ('"prediction":{"type":"content","content":"x"}', '"web_search_options":{}',
                    '"modalities":["text","audio"]', '"audio":{"voice":"alloy","format":"wav"}',
                    '"tools":[{"type":"web_search"}]', '"plugins":[]', '"models":["dear"]'):
        bench.refuses(small(members), 400, "not_boundable")


@row(42, "store costs nothing and is forwarded", calls=1)
def _(bench):
    bench.serves(small('"store":true'))


@row(43, "tools of 2 MiB and 10 k tools: their bytes are held", calls=2)
def _(bench):
    schema = {"type": "object", "description": "x" * (2 << 20)}
    one = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    many = [{"type": "function", "function": {"name": f"f{i}"}} for i in range(10000)]
    for tools in (one, many):
        # Bounded by the context window: 128,000 tokens at 1 USD a million are over a dime.
        bench.refuses(chat(tools=tools), 402, "budget_exceeded", key="thrifty")
        bench.serves(chat(tools=tools))


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


def asked(parts):
    return {"model": "small", "messages": [{"role": "user", "content": parts}]}


@row(45, "images in the body: each is held at its most", calls=5)
def _(bench):
    large = image("data:image/png;base64," + "A" * (3 << 20))
    small_one = image("data:image/png;base64,AA==", detail="high")
    for parts in ([large], [small_one], [image("data:image/png;base64,!!!")]):
        bench.serves(asked(parts))
    bench.serves(asked([small_one]), key="thrifty")
    # 65,536 tokens each at 1 USD a million, and never more than the window of 128,000.
    bench.refuses(asked([small_one] * 2), 402, "budget_exceeded", key="thrifty")
    bench.serves(asked([small_one] * 500))


@row(45, "images elsewhere, under a money budget")
def _(bench):
    for url in ("http://x/y.png", "file-abc", "data:application/pdf;base64,AA==", ""):
        bench.refuses(asked([image(url)] * 500), 400, "not_boundable")


@row(46, "endpoints that nobody enabled")
def _(bench):
    for path in ("/v1/batches", "/v1/files", "/v1/fine_tuning/jobs", "/v1/assistants", "/v1/threads",
                 "/v1/responses", "/v1/realtime", "/v1/messages", "/v1/images/generations",
                 "/v1/audio/speech", "/v1/moderations"):
        assert bench.raw(post({"model": "small", "background": True},
                              target=path.encode())).code() == "not_found"
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    assert bench.raw(post(b"", fields=upgrade, target=b"/v1/realtime?model=small")).status == 404


@row(47, "embeddings of 2,048 texts and of token ids: all are counted", calls=3)
def _(bench):
    texts = ["some words"] * 2048
    ids = [[7, 12345]] * 2048
    for given in (texts, ids, [7, 12345] * 1024):
        body = {"model": "small", "input": given}
        assert bench.raw(post(body, target=b"/v1/embeddings")).status == 200
        # 120 KB and more at 1 USD a million: over a dime.
        large = post({**body, "input": given * 12}, key=b"weir_thrifty", target=b"/v1/embeddings")
        assert bench.raw(large).code() == "budget_exceeded"
    for given in (True, {"a": 1.5}, [], [["a"]], [[1], 2], [1, "a"], [None]):
        assert bench.raw(post({"model": "small", "input": given},
                              target=b"/v1/embeddings")).code() == "invalid_value"


@row(48, "users and metadata that would break a log or a label", calls=4)
def _(bench):
    texts = ['a\n{"status":200,"tenant":"evil"}', '%s%n"\\\'', "a\u2028b\u0085\x1b[31m", "u" * (1 << 20)]
    for text in texts:
        bench.serves(chat(user=text, metadata={"k": text}), **{"x-weir-session": "s\\\"%n"})
    bench.settled()
    lines = bench.gateway.access_log()  # each is JSON
    assert not [line for line in lines if line.get("tenant") == "evil"]
    assert "evil" not in bench.gateway.metrics().text  # which was read strictly


@row(49, "1 M entries of logit_bias: over the body's cap; 250 k: bounded by their bytes", calls=1)
def _(bench):
    def bias(count):
        return small('"logit_bias":{' + ",".join(f'"{i}":1' for i in range(count)) + "}")
    assert bench.raw(post(bias(1000000))[:100000]).status == 413  # at the head; so the rest is not sent
    assert in_time(bench, bias(250000)).status == 200


@row(49, "what only looks like JSON")
def _(bench):
    invalid(bench, small('"temperature":NaN'), small('"temperature":Infinity'),
            small('"temperature":-Infinity'), small('"a":1,'), small('"a":[1,]'),
            small("'a':1"), small('"a":0x10'), small('"a":1 // one'), small('"a":/* x */1'),
            small('"a":01'), small('"a":+1'), small('"a":.5'), small('"a":5.'), small("a:1"),
            small('"a":"\t"'), small('"a":"\\x41"'), small('"a":TRUE'))


@row(50, "unknown members, byte for byte", calls=1)
def _(bench):
    members = ('"x" : { "big":9007199254740993 , "e":1E+2,"f":0.10,"u":"\\u00e9\\/" },\n'
               '"seed":123456789012345678901234567890')
    bench.serves(small(members))
    assert members.encode() in bench.sent()[1], bench.sent()[1]


@row(51, "other media types")
def _(bench):
    for kind in (b"text/plain", None, b"application/json; charset=utf-16", b"application/xml", b"",
                 b"multipart/form-data; boundary=" + b"b" * 10240, b"application/jsonp",
                 b"application/json+x", b"application/x-www-form-urlencoded"):
        reply = bench.raw(post(chat(), content_type=kind))
        assert reply.status == 415 and reply.code() == "unsupported_media_type", (kind, reply.head)


@row(52, "bodies that are not one object")
def _(bench):
    good = json.dumps(chat()).encode()
    invalid(bench, good + good, good + b"x", good + b"\0", b"null", b"[]", b'"x"', b"1", b"{",
            good[:-1], b" ")
    assert bench.raw(post(b"")).code() == "invalid_json"
