# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of test_bad_inputs.py: one gateway, one scripted provider, and the rows.

A row has the number of the bad input it is about, and a function that tries it. Around each, the
bench checks what holds for all: so many calls upstream and no more (none, unless the row says so), no
charge without a call, no hold left, no 500, and no key of ours in what comes back."""

import json
from hashlib import sha256

from harness import Gateway, chat, until
from provider import Provider
from raw_http import ask

PROVIDER_KEY = "sk-provider-e2e-7d1f"
OTHER_KEYS = {"free": "weir_free", "rated": "weir_rated", "broke": "weir_broke",
              "nano": "weir_nano", "rich": "weir_rich", "thrifty": "weir_thrifty"}

TENANTS = """
  acme:
    budgets: [{name: total, window: total, usd: 1000}]
    keys: [{id: k, sha256: {hash}}]
  free:    {keys: [{id: free, sha256: FREE}]}
  rated:   {limits: {requests_per_minute: 2}, keys: [{id: rated, sha256: RATED}]}
  broke:   {budgets: [{name: none, window: total, usd: 0}], keys: [{id: broke, sha256: BROKE}]}
  nano:    {budgets: [{name: least, window: total, usd: 0.000000001}], keys: [{id: nano, sha256: NANO}]}
  rich:    {budgets: [{name: most, window: total, usd: 9223372036.854775807}], keys: [{id: rich, sha256: RICH}]}
  thrifty: {budgets: [{name: dime, window: total, usd: 0.10, max_hold: 100%}], keys: [{id: thrifty, sha256: THRIFTY}]}
"""

ROWS = []
NOT_HERE = {}   # number: why
ELSEWHERE = {}  # number: the unit tests that show it, with a clock that they set


def row(number, what, calls=0):
    """Registers the function as a row; `calls`: what it makes upstream."""
    def register(function):
        ROWS.append((number, what, calls, function))
        return function
    return register


def not_here(number, why):
    NOT_HERE[number] = why


def elsewhere(number, where):
    ELSEWHERE[number] = where


def configuration(provider, models):
    lines = [f"max_body: 4MiB\nproviders:\n  fake: {{kind: openai, base_url: \"{provider.url}\", "
             f"api_key: {PROVIDER_KEY}}}\nmodels:",
             "  unpriced: {targets: [{provider: fake, model: up-unpriced}]}",
             "  dear: {targets: [{provider: fake, model: up-dear}], price: {input: 900, output: 900}}"]
    for name in ["small", *models]:
        lines.append(f"  {name}: {{targets: [{{provider: fake, model: {name}}}], "
                     "price: {input: 1, output: 2}, context_window: 128000, "
                     "max_output_tokens: 1000, hidden_input: 0, retries: {attempts: 1}}")
    tenants = TENANTS
    for name, key in OTHER_KEYS.items():
        tenants = tenants.replace(name.upper(), sha256(key.encode()).hexdigest())
    return "\n".join(lines) + "\ntenants:" + tenants


class Bench:
    def __init__(self, answers):
        self.provider = Provider(answers)
        self.gateway = Gateway(configuration(self.provider, answers))
        self.port = self.gateway.port

    # ---- trying ----

    def checked(self, reply):
        text = reply.body.decode(errors="replace") + str(getattr(reply, "headers", ""))
        assert reply.status != 500, text
        for secret in (PROVIDER_KEY, *OTHER_KEYS.values()):
            assert secret not in text, f"{secret} in {text}"
        return reply

    def chat(self, body=None, key=None, **headers):
        """With the key of acme, or of another tenant; as JSON or as bytes."""
        if key:
            headers["Authorization"] = f"Bearer {OTHER_KEYS[key]}"
        return self.checked(self.gateway.post(body if body is not None else chat(), headers))

    def raw(self, data):
        return self.checked(ask(self.port, data))

    def refuses(self, body, status, code=None, **how):
        reply = self.chat(body, **how)
        got = reply.json().get("error", {}).get("code")
        assert reply.status == status and (code is None or got == code), (
            f"{str(body)[:200]}: {reply.status} {got}, not {status} {code}")
        return reply

    def serves(self, body, **how):
        reply = self.chat(body, **how)
        assert reply.status == 200, f"{str(body)[:200]}: {reply.status} {reply.text()[:300]}"
        return reply

    def sent(self):
        """The last request that the provider got: head and body."""
        return self.provider.requests[-1]

    # ---- the books ----

    def charged(self):
        return self.gateway.metrics().total("weir_cost_usd_total")

    def settled(self):
        """No hold is left anywhere."""
        until("every hold to end",
              lambda: self.gateway.metrics().total("weir_budget_held_usd") == 0)

    def run(self, calls, function):
        """The row's own complaint, or the bench's; None when all is right."""
        before, charged = len(self.provider.requests), self.charged()
        try:
            function(self)
            self.settled()
            made = len(self.provider.requests) - before
            assert made == calls, f"{made} calls upstream, not {calls}"
            assert calls > 0 or self.charged() == charged, "charged without a call"
        except Exception as wrong:  # whatever it is, it is wrong of this row alone
            return f"{type(wrong).__name__}: {str(wrong)[:600]}"
        return None

    def close(self):
        self.provider.close()
        code = self.gateway.process.stop()
        assert code == 0, self.gateway.process.errors()


def post(body=b"", fields=b"", key=None, target=b"/v1/chat/completions", length=True,
         content_type=b"application/json"):
    """A POST as bytes, with a good key unless told otherwise."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    authorization = b"Authorization: Bearer " + (key or b"weir_e2e") + b"\r\n"
    return (b"POST " + target + b" HTTP/1.1\r\nHost: weir\r\n" + authorization
            + (b"Content-Type: " + content_type + b"\r\n" if content_type else b"") + fields
            + (b"Content-Length: %d\r\n" % len(body) if length else b"") + b"\r\n" + body)
