# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of test_clients.py through OpenAI's SDK for Python. Arguments: base URL, key, the key of
a tenant without money, the cases. Prints "CASE: ok" or what went wrong, a line each."""

import sys
import time

import openai

BASE, KEY, POOR = sys.argv[1:4]
CASES = sys.argv[4:]
MESSAGES = [{"role": "user", "content": "Hello there"}]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}]

client = openai.OpenAI(base_url=BASE, api_key=KEY, max_retries=0, timeout=20)


def whole():
    raw = client.chat.completions.with_raw_response.create(model="small", messages=MESSAGES)
    answer = raw.parse()
    assert answer.choices[0].message.content.startswith("word")
    assert answer.usage.completion_tokens == 8
    assert float(raw.headers["x-weir-cost-usd"]) > 0 and raw.headers["x-request-id"]


def streamed():
    chunks = list(client.chat.completions.create(model="small", messages=MESSAGES, stream=True))
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text.split() == ["word"] * 8, text
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def streamed_with_usage():
    chunks = list(client.chat.completions.create(model="small", messages=MESSAGES, stream=True,
                                                 stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 8
    assert chunks[-1].usage.cost > 0


def tools():
    answer = client.chat.completions.create(model="tools", messages=MESSAGES, tools=TOOLS)
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Paris"}')
    assert answer.choices[0].finish_reason == "tool_calls"
    history = MESSAGES + [answer.choices[0].message.model_dump(exclude_none=True),
                          {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    again = client.chat.completions.create(model="tools", messages=history, tools=TOOLS)
    assert again.choices[0].message.content


def tools_streamed():
    parts = ""
    for chunk in client.chat.completions.create(model="tools", messages=MESSAGES, tools=TOOLS,
                                                stream=True):
        for call in chunk.choices[0].delta.tool_calls or []:
            parts += call.function.arguments or ""
    assert parts == '{"city":"Paris"}', parts


def completed():
    raw = client.completions.with_raw_response.create(model="small", prompt="Once upon a time",
                                                      max_tokens=30)
    answer = raw.parse()
    assert answer.choices[0].text.split() == ["word"] * 8, answer
    assert answer.usage.completion_tokens == 8 and answer.object == "text_completion"
    assert float(raw.headers["x-weir-cost-usd"]) > 0
    several = client.completions.create(model="small", prompt=["One", "Two"], n=2, best_of=3,
                                        max_tokens=2)
    assert len(several.choices) == 4 and several.usage.completion_tokens == 2 * 3 * 2, several
    ids = client.completions.create(model="small", prompt=[[1, 2, 3], [4, 5]], max_tokens=1)
    assert ids.usage.prompt_tokens == 5 and len(ids.choices) == 2, ids


def completed_streamed():
    def stream(**more):
        return list(client.completions.create(model="small", prompt="Once", max_tokens=30,
                                              stream=True, **more))
    chunks = stream()
    assert "".join(chunk.choices[0].text for chunk in chunks).split() == ["word"] * 8
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    chunks = stream(stream_options={"include_usage": True})
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 8
    assert chunks[-1].usage.cost > 0


def embedded():
    def vectors(text, **more):
        raw = client.embeddings.with_raw_response.create(model="small", input=text, **more)
        answer = raw.parse()
        assert float(raw.headers["x-weir-cost-usd"]) > 0
        assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0, answer.usage
        return [item.embedding for item in answer.data]
    packed = vectors("Hello there")  # asks for base64 and unpacks it
    plain = vectors("Hello there", encoding_format="float")
    assert len(packed[0]) == len(plain[0]) == 256
    assert max(abs(a - b) for a, b in zip(packed[0], plain[0])) < 1e-6
    assert len(vectors(["a", "b", "c"], dimensions=8)[2]) == 8
    assert len(vectors([1, 2, 3])) == 1 and len(vectors([[1, 2], [3]])) == 2


def models():
    assert "small" in [model.id for model in client.models.list()]
    assert client.models.retrieve("small").id == "small"


def expect(error, code, call):
    try:
        call()
    except error as caught:
        assert caught.code == code, caught.code
        return
    raise AssertionError(f"no {error.__name__}")


def create(a_client=client, **more):
    return a_client.chat.completions.create(**{"model": "small", "messages": MESSAGES, **more})


def bad_key():
    other = client.with_options(api_key="weir_wrong")
    expect(openai.AuthenticationError, "invalid_api_key", lambda: create(other))


def unknown_model():
    expect(openai.NotFoundError, "model_not_found", lambda: create(model="nothing"))


def bad_request():
    expect(openai.BadRequestError, "invalid_value", lambda: create(max_tokens=-1))


def no_money():
    poor = client.with_options(api_key=POOR, max_retries=2)
    begun = time.monotonic()
    try:
        create(poor)
    except openai.APIStatusError as caught:
        assert caught.status_code == 402 and caught.code == "budget_exceeded", caught
        assert time.monotonic() - begun < 0.4, "it was retried"
        return
    raise AssertionError("no 402")


def provider_error():
    try:
        create(model="failing")
    except openai.InternalServerError as caught:
        assert caught.status_code == 503
        return
    raise AssertionError("no 503")


def broken_stream():
    try:
        for _ in create(model="broken", stream=True):
            pass
    except openai.APIError as caught:
        assert "broke off" in str(caught), caught
        return
    raise AssertionError("a broken stream looked whole")


def abort_stream():
    stream = create(model="slow", stream=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    left = int(time.time() * 1000)
    stream.close()
    return f"left_unix_ms={left}"


def abort_whole():
    begun = time.time()
    try:
        create(client.with_options(timeout=0.3), model="late")
    except openai.APITimeoutError:
        return f"left_unix_ms={int((begun + 0.3) * 1000)}"
    raise AssertionError("no time-out")


def no_money_embedded():
    poor = client.with_options(api_key=POOR)
    expect(openai.APIStatusError, "budget_exceeded",
           lambda: poor.embeddings.create(model="small", input="word " * 1000))
    expect(openai.APIStatusError, "budget_exceeded",
           lambda: poor.completions.create(model="small", prompt="Once"))


def main():
    failed = False
    for case in CASES:
        try:
            print(f"{case}: ok {globals()[case]() or ''}", flush=True)
        except Exception as why:
            failed = True
            print(f"{case}: {type(why).__name__} {why!r}", flush=True)
    return failed


sys.exit(main())
