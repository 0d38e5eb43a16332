# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Bad inputs 1 to 25: identity, routing and framing."""

import os
import socket

from bad_inputs import PROVIDER_KEY, post, row
from harness import KEY, chat
from raw_http import Peer, Reply

GET = b"GET /v1/models HTTP/1.1\r\nHost: weir\r\n"
AUTH = f"Authorization: Bearer {KEY}\r\n".encode()
GOOD = post(chat())


def expect(bench, data, status, code=None, closed=None):
    reply = bench.raw(data)
    shown = data if len(data) < 300 else data[:200] + b"..."
    assert reply.status == status and code in (None, reply.code()), (
        f"{shown!r}: {reply.status} {reply.code()}, not {status} {code}")
    assert closed is None or reply.closed == closed, f"{shown!r}: closed {reply.closed}"
    return reply


# ---- identity and routing ----

@row(1, "no, empty and two Authorization fields")
def _(bench):
    expect(bench, GET + b"\r\n", 401, "invalid_api_key")
    expect(bench, GET + b"Authorization:\r\n\r\n", 401, "invalid_api_key")
    expect(bench, GET + b"Authorization: Bearer\r\n\r\n", 401, "invalid_api_key")
    expect(bench, GET + AUTH + AUTH + b"\r\n", 400, "ambiguous_api_key")
    expect(bench, GET + AUTH + b"x-api-key: other\r\n\r\n", 400, "ambiguous_api_key")


@row(2, "SQL, NUL, non-ASCII and huge tokens")
def _(bench):
    bodies = set()
    for token in (b"' OR 1=1--", b"x" * 30000, "schlüssel".encode(), b"\xff\xfe", b"%00", b"a b c"):
        bodies.add(expect(bench, GET + b"Authorization: Bearer " + token + b"\r\n\r\n", 401,
                          "invalid_api_key").body)
    assert len(bodies) == 1, bodies
    expect(bench, GET + b"Authorization: Bearer a\0b\r\n\r\n", 400, "malformed_http", True)
    expect(bench, GET + b"Authorization: Bearer " + b"x" * 65536 + b"\r\n\r\n", 431, None, True)


@row(3, "a good key with a byte changed, its prefix, another case")
def _(bench):
    for key in (KEY[:-1], KEY[:-1] + "X", KEY.upper(), KEY + "x", " " + KEY[1:], KEY + KEY):
        bench.refuses(chat(), 401, "invalid_api_key", Authorization=f"Bearer {key}")


@row(4, "the key in the query string")
def _(bench):
    target = f"/v1/chat/completions?api_key={KEY}&key=canary-in-query".encode()
    reply = bench.raw(post(chat(), target=target).replace(AUTH, b""))
    assert reply.status == 401, reply.status
    assert "canary-in-query" not in (bench.gateway.dir / "access.log").read_text()


IDENTITIES = {"X-Tenant-Id": "free", "X-User-Id": "root", "X-Forwarded-User": "root",
              "x-litellm-tags": "a", "x-litellm-customer-id": "free"}


@row(5, "another tenant's name in a header", calls=1)
def _(bench):
    before = bench.gateway.metrics().total("weir_requests_total", tenant="acme")
    bench.serves(chat(), **IDENTITIES)
    head = bench.sent()[0].lower()
    assert not [name for name in IDENTITIES if name.lower() in head], head
    bench.settled()
    after = bench.gateway.metrics().total("weir_requests_total", tenant="acme")
    assert after == before + 1


@row(6, "another X-Forwarded-For each time", calls=2)
def _(bench):
    statuses = [bench.chat(key="rated", **{"X-Forwarded-For": f"10.0.0.{i}"}).status
                for i in range(4)]
    assert statuses == [200, 200, 429, 429], statuses


@row(7, "a Host that names something else")
def _(bench):
    for host in (b"admin.internal", b"127.0.0.1:9090", b"localhost"):
        expect(bench, GET.replace(b"weir", host) + AUTH + b"\r\n", 200)
    for host in (b"x/admin", b"x@y", b"x y", b""):
        expect(bench, GET.replace(b"weir", host) + AUTH + b"\r\n", 400, "malformed_http", True)
    absolute = GET.replace(b"/v1/models", b"http://evil.example/v1/models")
    expect(bench, absolute + AUTH + b"\r\n", 400, "malformed_http", True)
    expect(bench, absolute.replace(b"weir", b"evil.example") + AUTH + b"\r\n", 200)
    expect(bench, absolute.replace(b"weir", b"evil.example").replace(b"/v1/models", b"/metrics")
           + AUTH + b"\r\n", 404)


@row(8, "paths that are nearly right")
def _(bench):
    for path in ("/v1/../admin/reload", "/v1/%2e%2e/metrics", "//v1//chat/completions",
                 "/v1/chat/completions/", "/V1/chat/completions", "/v1/chat/completions;x=1",
                 "/v1/chat/completions%00", "/v1%2fchat/completions", "/v1/chat/completions%2f",
                 "/v1/chat/./completions", "/v1/chat%252fcompletions", "/metrics", "/admin/reload",
                 "/v1/models/../chat/completions", "/", "/v1/chat/completions%0d%0a"):
        expect(bench, post(chat(), target=path.encode()), 405 if "models/" in path else 404)
    expect(bench, post(b"x", target=b"/v1/chat/%63ompletions"), 400, "invalid_json")


@row(9, "admin endpoints without their token")
def _(bench):
    for token in (None, KEY, ""):
        assert bench.gateway.admin_request("POST", "/admin/reload", token).status == 401
    assert bench.gateway.admin_request("GET", "/admin/spend", KEY).status in (401, 404)


@row(10, "a tenant's key on every admin verb")
def _(bench):
    before = bench.gateway.reload_count()
    for verb in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        for path in ("/admin/reload", "/admin/budgets", "/admin/breakers/ack", "/admin/cache"):
            status = bench.gateway.admin_request(verb, path, KEY).status
            assert status in (401, 403, 404, 405), (verb, path, status)
    assert bench.gateway.reload_count() == before


@row(11, "methods that are not the endpoint's")
def _(bench):
    for method in (b"GET", b"PUT", b"DELETE", b"TRACE", b"OPTIONS", b"HEAD"):
        reply = bench.raw(GOOD.replace(b"POST", method, 1))
        assert reply.status == 405 and reply.field(b"allow") == "POST", (method, reply.head)
    override = b"X-HTTP-Method-Override: POST\r\n"
    expect(bench, post(chat(), fields=override).replace(b"POST", b"GET", 1), 405)
    for method in (b"post", b"Post", b"CONNECT", b"BREW", b"POST\t"):
        expect(bench, GOOD.replace(b"POST", method, 1), 400, "malformed_http", True)


@row(12, "hop-by-hop fields named in Connection", calls=2)
def _(bench):
    for name in ("Authorization", "X-Tenant"):
        bench.serves(chat(), Connection=name, **{"X-Tenant": "free"})
        head = bench.sent()[0]
        assert f"Authorization: Bearer {PROVIDER_KEY}" in head and "X-Tenant" not in head, head


STEERING = {"api_base": "http://127.0.0.1:1", "base_url": "http://127.0.0.1:1",
            "x-portkey-custom-host": "http://127.0.0.1:1", "OpenAI-Organization": "org-x",
            "x-goog-api-key": KEY, "api-key": KEY, "x-api-key": KEY, "Cookie": "a=b"}


@row(13, "headers that would steer the call", calls=1)
def _(bench):
    bench.serves(chat(), **STEERING)
    head = bench.sent()[0]
    assert KEY not in head and f"Bearer {PROVIDER_KEY}" in head, head
    assert not [name for name in STEERING if f"\n{name.lower()}:" in head.lower()], head


@row(14, "members of the body that would steer the call", calls=1)
def _(bench):
    members = {"api_base": "http://127.0.0.1:1", "base_url": "http://127.0.0.1:1", "api_key": "x",
               "extra_headers": {"a": "b"}, "custom_llm_provider": "other",
               "metadata": {"api_base": "http://127.0.0.1:1"}}
    bench.serves(chat(**members))
    assert all(f'"{name}"'.encode() in bench.sent()[1] for name in members)


@row(15, "image URLs: nothing is fetched", calls=5)
def _(bench):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        local = f"http://127.0.0.1:{trap.getsockname()[1]}/x.png"
        urls = (local, "http://169.254.169.254/latest/meta-data", "file:///etc/passwd",
                "http://[::1]/", f"http://localhost@127.0.0.1:{trap.getsockname()[1]}/")
        for url in urls:
            body = {"model": "small", "messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": url}}]}]}
            bench.refuses(body, 400, "not_boundable")
            bench.serves(body, key="free")
        trap.settimeout(0)
        try:
            trap.accept()
            raise AssertionError("an image was fetched")
        except BlockingIOError:
            pass


# ---- framing ----

def framed(fields, body=b"", version=b"1.1"):
    return post(body, fields=fields, length=False).replace(b"HTTP/1.1", b"HTTP/" + version, 1)


@row(16, "lengths and codings that disagree or are none")
def _(bench):
    chunked = b"0\r\n\r\n"
    for data in (framed(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunked),
                 framed(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunked),
                 framed(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
                 framed(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
                 framed(b"Content-Length: +2\r\n", b"{}"), framed(b"Content-Length: 2, 2\r\n", b"{}"),
                 framed(b"Content-Length: 0x2\r\n", b"{}"), framed(b"Content-Length: -2\r\n", b"{}"),
                 framed(b"Content-Length: 9223372036854775808\r\n", b"{}"),
                 framed(b"Content-Length: 18446744073709551618\r\n", b"{}"),
                 framed(b"Transfer-Encoding: chunked, identity\r\n", chunked),
                 framed(b"Transfer-Encoding: xchunked\r\n", chunked),
                 framed(b"Transfer-Encoding: gzip, chunked\r\n", chunked),
                 framed(b"Transfer-Encoding: chunked\r\n", chunked, b"1.0")):
        expect(bench, data, 400, "malformed_http", True)


@row(17, "lines that are no lines")
def _(bench):
    for data in (GOOD.replace(b"\r\n", b"\n"), GOOD.replace(b"weir\r\n", b"weir\n", 1),
                 GET + b"X: a\r\n b\r\n" + AUTH + b"\r\n", GET + b"X : a\r\n" + AUTH + b"\r\n",
                 GET + b"X: a\0b\r\n\r\n", GET + b"X: a\rb\r\n\r\n", GET + b"no colon\r\n\r\n",
                 GET + b": nameless\r\n\r\n", GET + b"X\0: a\r\n\r\n", GET + b"\x7f: a\r\n\r\n"):
        expect(bench, data, 400, "malformed_http", True)


@row(18, "heads over each cap")
def _(bench):
    many = b"".join(b"X-%d: a\r\n" % i for i in range(99))
    expect(bench, GET + many + AUTH + b"\r\n", 431, None, True)
    expect(bench, GET + AUTH + b"X: " + b"a" * 32768 + b"\r\n\r\n", 431, None, True)
    expect(bench, GET + AUTH + b"a" * 32768 + b": X\r\n\r\n", 431, None, True)
    target = b"/v1/models?" + b"a" * (8193 - len(b"/v1/models?"))
    expect(bench, GET.replace(b"/v1/models", target) + AUTH + b"\r\n", 414, None, True)
    expect(bench, GET.replace(b"/v1/models", target[:-1]) + AUTH + b"\r\n", 200)


@row(19, "a body over the limit, by length and in chunks")
def _(bench):
    most = 4 << 20
    expect(bench, framed(b"Content-Length: %d\r\n" % (most + 1)), 413, "body_too_large", True)
    peer = Peer(bench.port)
    peer.send(framed(b"Transfer-Encoding: chunked\r\n"))
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    for _ in range(most // 65536 + 2):
        peer.send(chunk)
    reply = peer.receive()
    peer.close()
    assert reply.status == 413 and reply.closed, (reply.status, reply.closed)


@row(20, "chunk sizes that are none")
def _(bench):
    for size in (b"0x5", b"5_0", b"-1", b"FFFFFFFFFFFFFFFFF", b"", b" 5", b"5 ", b"+5", b"5;",
                 b"5;" + b"e" * 65536):
        expect(bench, framed(b"Transfer-Encoding: chunked\r\n", size + b"\r\nhello\r\n0\r\n\r\n"),
               400, "malformed_http", True)


@row(21, "compressed bodies")
def _(bench):
    for coding in (b"gzip", b"br", b"zstd", b"deflate", b"gzip, identity"):
        expect(bench, post(b"{}", fields=b"Content-Encoding: " + coding + b"\r\n"), 415,
               "unsupported_content_encoding")


@row(22, "expectations")
def _(bench):
    data = post(b"{}", fields=b"Expect: 100-continue\r\n", key=b"wrong")
    reply = expect(bench, data[:-2], 401, "invalid_api_key", True)
    assert b"100 Continue" not in reply.data
    expect(bench, post(b"{}", fields=b"Expect: x\r\n"), 417, "expectation_failed", True)


@row(23, "a good request behind a rejected one")
def _(bench):
    for data in (GOOD.replace(b"Host: weir", b"Host : weir") + GOOD,
                 framed(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n") + GOOD,
                 framed(b"Content-Length: 99999999\r\n") + GOOD,
                 framed(b"Transfer-Encoding: chunked\r\n", b"zz\r\n") + GOOD,
                 post(GOOD, content_type=b"text/plain")):  # inside a body that is not read
        reply = bench.raw(data)
        assert reply.count == 1, reply.data


@row(24, "what is no HTTP/1.1")
def _(bench):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    hello = bytes.fromhex("16030100c8010000c40303") + os.urandom(190)
    for data in (preface, hello, *(os.urandom(256) for _ in range(20))):
        reply = bench.raw(data + b"\r\n\r\n")
        assert reply.status in (400, None) and reply.closed, (data[:20], reply.status, reply.closed)


@row(25, "a client that shuts its sending side", calls=1)
def _(bench):
    peer = Peer(bench.port)
    peer.send(GOOD)
    peer.socket.shutdown(socket.SHUT_WR)
    data = b""
    while piece := peer.socket.recv(65536):
        data += piece
    peer.close()
    reply = Reply(data[data.index(b"HTTP/1.1 200"):], True)
    assert len(reply.body) == int(reply.field(b"content-length")), data
