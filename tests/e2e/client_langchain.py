# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of test_more_clients.py through LangChain for Python, with its own retries left on.
Arguments: base URL, key, the key of a tenant without money, the cases. Prints "CASE: ok" or what
went wrong, a line each."""

import sys

import openai
import tiktoken
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

BASE, KEY, POOR = sys.argv[1:4]
CASES = sys.argv[4:]
ASKED = [HumanMessage("Hello there")]


def model(name="small", key=KEY, **more):
    return ChatOpenAI(model=name, base_url=BASE, api_key=key, timeout=20, **more)


@tool
def weather(city: str) -> str:
    """Says what the weather is like."""
    return f"sunny in {city}"


def together(chunks):
    """What LangChain makes of a stream: the sum of its chunks."""
    total = None
    for chunk in chunks:
        total = chunk if total is None else total + chunk
    return total


def whole():
    answer = model().invoke(ASKED)
    assert answer.text.split() == ["word"] * 8, answer
    assert answer.usage_metadata["output_tokens"] == 8, answer.usage_metadata
    assert answer.response_metadata["finish_reason"] == "stop", answer.response_metadata


def streamed():
    chunks = list(model().stream(ASKED))
    assert len(chunks) >= 8, chunks
    answer = together(chunks)
    assert answer.text.split() == ["word"] * 8, answer
    assert answer.response_metadata["finish_reason"] == "stop", answer.response_metadata


def streamed_with_usage():
    answer = together(model(stream_usage=True).stream(ASKED))
    assert answer.usage_metadata["output_tokens"] == 8, answer.usage_metadata


def after_the_tool(able, answer):
    """The call is made, its result goes back, and an answer comes."""
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
        ("weather", {"city": "Paris"})], answer.tool_calls
    result = weather.invoke(answer.tool_calls[0])
    assert isinstance(result, ToolMessage) and result.content == "sunny in Paris", result
    again = able.invoke([*ASKED, answer, result])
    assert again.text and not again.tool_calls, again


def tools():
    able = model("tools").bind_tools([weather])
    after_the_tool(able, able.invoke(ASKED))


def tools_streamed():
    able = model("tools").bind_tools([weather])
    after_the_tool(able, together(able.stream(ASKED)))


def embedded():
    """LangChain cuts texts into tokens itself and posts their ids. The vocabulary would come over the
    network, so it gets one of single bytes."""
    letters = tiktoken.Encoding("letters", pat_str=".", special_tokens={},
                                mergeable_ranks={bytes([i]): i for i in range(256)})
    tiktoken.encoding_for_model = lambda name: letters
    able = OpenAIEmbeddings(model="small", base_url=BASE, api_key=KEY)
    vectors = able.embed_documents(["Hello there", "Good bye", "Hello there"])
    assert [len(vector) for vector in vectors] == [256] * 3 and vectors[0] == vectors[2] != vectors[1]
    assert able.embed_query("Hello there") == vectors[0]


def expect(error, code, call):
    try:
        call()
    except error as caught:
        assert caught.code == code, caught
        return
    raise AssertionError(f"no {error.__name__}")


def bad_key():
    expect(openai.AuthenticationError, "invalid_api_key",
           lambda: model(key="weir_wrong").invoke(ASKED))


def no_money():
    expect(openai.APIStatusError, "budget_exceeded", lambda: model(key=POOR).invoke(ASKED))


def no_money_streamed():
    expect(openai.APIStatusError, "budget_exceeded", lambda: list(model(key=POOR).stream(ASKED)))


def broken_stream():
    try:
        list(model("broken").stream(ASKED))
    except openai.APIError as caught:
        assert "broke off" in str(caught), caught
        return
    raise AssertionError("a broken stream looked whole")


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
