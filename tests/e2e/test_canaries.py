# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Secrets are planted in everything that passes through, requests of every kind are made, and then all
that the gateway has written anywhere is searched for them."""

import http.client
from hashlib import sha256

from harness import Gateway, chat, request, until
from provider import CHOICE, TOKEN, USAGE, Provider, stream, whole
from raw_http import ask

KEY = "weir_canary-client-key-a1"
WRONG_KEY = "weir_canary-wrong-key-b2"
PROVIDER_KEY = "sk-canary-provider-key-c3"
PROMPT = "canary-request-text-e5"
ANSWER = "canary-answer-text-f6"
HEADER = "canary-header-g7"
# The harness's admin token is one, too.
CANARIES = (KEY, WRONG_KEY, PROVIDER_KEY, "e2e-admin-token", PROMPT, ANSWER, HEADER)

ERROR = f'{{"error":{{"message":"bad key {PROVIDER_KEY}","type":"x","code":"y"}}}}'
ANSWERS = {
    "good": whole(f'{{{CHOICE.replace("Hi", ANSWER)},{USAGE}}}'),
    "stream": stream(TOKEN.replace(b"Hi", ANSWER.encode()), b"data: [DONE]\n\n"),
    "cut": stream(TOKEN.replace(b"Hi", ANSWER.encode())),
    "error": whole(ERROR, 401),
    "stream-error": stream(TOKEN, f"data: {ERROR}\n\n".encode()),
    "broken": f"HTTP/1.1 200 OK\r\nX: {ANSWER}\r\nContent-Length: 99\r\n\r\n{ANSWER}".encode(),
    "no-http": ANSWER.encode(),
    "redirect": whole("", 302, f"Location: http://127.0.0.1:1/{ANSWER}\r\n"),
    "nothing": b"",
}


def configuration(provider):
    models = "\n".join(f"  {name}: {{targets: [{{provider: fake, model: {name}}}], "
                       "price: {input: 1, output: 1}}" for name in ANSWERS)
    return (f'providers:\n  fake: {{kind: openai, base_url: "{provider.url}", api_key: {PROVIDER_KEY}}}\n'
            '  away: {kind: openai, base_url: "http://127.0.0.1:1/v1", api_key: ' + PROVIDER_KEY + "}\n"
            f"models:\n{models}\n"
            "  gone: {targets: [{provider: away, model: x}], price: {input: 1, output: 1}}\n"
            "tenants:\n  acme:\n    budgets: [{name: b, window: total, usd: 1}]\n"
            f"    keys: [{{id: k, sha256: {sha256(KEY.encode()).hexdigest()}}}]\n")


def texts_of_requests(gateway):
    """Makes them; what came back, but for the answers, where the answer's text belongs."""
    own = {"Authorization": f"Bearer {KEY}", "x-weir-note": HEADER, "Cookie": HEADER}
    message = [{"role": "user", "content": PROMPT}]
    for name in (*ANSWERS, "gone", "nobody"):
        for is_stream in (False, True):
            try:
                reply = gateway.post({"model": name, "messages": message, "stream": is_stream}, own)
                text = f"{reply.status} {reply.headers} {reply.text()}"
            except http.client.IncompleteRead as cut:
                text = cut.partial.decode()
            yield text.replace(ANSWER, "") if name in ("good", "stream", "cut") else text
    bad = [(f'{{"model":"good","messages":"{PROMPT}"', own), (f'["{PROMPT}"]', own),
           (f'{{"model":"good","{PROMPT}":1,"{PROMPT}":2}}', own),
           (chat("good", max_tokens=PROMPT), own), (chat("good", user=PROMPT, n=0), own),
           (chat("good"), {"Authorization": f"Bearer {WRONG_KEY}"}),
           (chat("good"), {**own, "x-api-key": WRONG_KEY}),
           (PROMPT, {**own, "Content-Type": "text/plain"})]
    for body, headers in bad:
        reply = gateway.post(body, headers)
        assert reply.status >= 400
        yield f"{reply.headers} {reply.text()}"
    for data in (f"GET /{PROMPT}?key={KEY} HTTP/1.1\r\nHost: x\r\nX: {HEADER}\r\n\r\n",
                 f"GET /v1/models?api_key={KEY} HTTP/1.1\r\nHost: x\r\n\r\n",
                 f"GET / HTTP/1.1\r\nHost: {HEADER} {HEADER}\r\nAuthorization: Bearer {KEY}\r\n\r\n",
                 f"{HEADER} {HEADER}\r\n\r\n"):
        yield ask(gateway.port, data.encode()).data.decode()
    for path in ("/admin/reload", "/metrics", "/admin/nothing"):
        for token in (KEY, PROVIDER_KEY, "e2e-admin-token"):
            yield gateway.admin_request("POST", path, token).text()
    yield request(gateway.admin, "GET", f"/metrics?key={KEY}", None, {"Host": HEADER}).text()


def test_no_secret_is_written_anywhere():
    provider = Provider(ANSWERS)
    with Gateway(configuration(provider)) as gateway:
        texts = [*texts_of_requests(gateway)]
        gateway.path.write_text(gateway.text(configuration(provider) + f"nonsense: {KEY}\n"))
        assert gateway.admin_request("POST", "/admin/reload").status == 400
        until("every line", lambda: len(gateway.access_log()) >= 30)
        texts.append(request(gateway.admin, "GET", "/metrics").text())
    provider.close()
    assert provider.requests and PROMPT.encode() in provider.requests[0][1]  # they were there
    texts += [gateway.process.seen.decode(errors="replace"), gateway.process.errors(),
              (gateway.dir / "access.log").read_text()]
    hits = [(canary, text[:500]) for text in texts for canary in CANARIES if canary in text]
    assert not hits, hits
    return f"{len(CANARIES)} canaries in {sum(map(len, texts))} bytes of {len(texts)} texts: 0 hits"
