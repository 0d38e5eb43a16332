# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""weir tokens: texts, lines and bodies, and each way to call it wrongly. What tokens there are is
tests/llm's; that they are tiktoken's is scripts/fuzz_tokens.py's."""

import base64
import json
import subprocess
import tempfile
from pathlib import Path

from harness import DEADLINE_S, Settings

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello there"}]}


def run(*arguments, text=b"", weir=None):
    return subprocess.run([weir or Settings.weir, "tokens", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=3 * DEADLINE_S,
                          input=text if isinstance(text, bytes) else text.encode())


def out(*arguments, text=b"", weir=None):
    done = run(*arguments, text=text, weir=weir)
    assert done.returncode == 0, done
    assert done.stderr == b"", done.stderr
    return done.stdout.decode()


def wanted(*arguments, text):
    """The same by the optimised program, from a text alone: what a cheaper way must give."""
    return out(*arguments, text=text, weir=Settings.release)


def refused(code, said, *arguments, text=b"", printed=""):
    done = run(*arguments, text=text)
    errors = done.stderr.decode(errors="replace")
    assert done.returncode == code, (arguments, done)
    assert said in errors, (arguments, errors)
    assert done.stdout.decode() == printed, (arguments, done.stdout)
    assert code == 1 or done.stdout == b""


def test_prints_the_number_alone():
    assert out(text="hello world") == "2\n"
    assert out(text="") == "0\n"
    assert out("--encoding", "cl100k_base", text="hello world\n") == "3\n"
    assert out("-e", "o200k_harmony", text="<|start|>") == out(text="<|start|>")
    assert out("--ids", text="hello world") == "24912 2375\n"
    assert out("--ids", "--encoding", "cl100k_base", text="hello world") == "15339 1917\n"
    assert out("--ids", text="") == "\n"


def test_the_model_names_the_encoding():
    text = "お誕生日おめでとう"
    for model, encoding in (("gpt-4o-mini", "o200k_base"), ("gpt-4", "cl100k_base"),
                            ("gpt-oss-20b", "o200k_harmony"), ("gpt-5-mini", "o200k_base"),
                            ("text-embedding-3-small", "cl100k_base")):
        assert out("--ids", "-m", model, text=text) == wanted("--ids", "-e", encoding, text=text), model
    assert out("-e", "cl100k_base", text=text) != out("-e", "o200k_base", text=text)


def test_reads_files_and_standard_input():
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"hello world")
        file.flush()
        assert out(file.name) == "2\n"
        assert out(file.name, "--ids") == "24912 2375\n"  # in any order
    assert out("-", text="hello world") == "2\n"
    refused(1, "cannot read /nowhere/to/be/found: No such file", "/nowhere/to/be/found")
    refused(1, "Is a directory", "/")


def test_bytes_that_are_no_utf8_are_replaced():
    assert out("--ids", text=b"a\xff\xe4\xb8b") == out("--ids", text="a\ufffd\ufffdb")
    assert out("--ids", "--lines", text=b'"a\xff\xe4\xb8b"') == out("--ids", text="a\ufffd\ufffdb")


def test_a_text_too_large_to_hold_is_counted_in_parts():
    line = b"The quick brown fox jumps over the lazy dog; 12345 times, it's said.\n"
    each = int(out(text=line))
    times = (70 << 20) // len(line)
    assert out(text=line * times, weir=Settings.release) == f"{each * times}\n"
    done = run("--ids", text=line * times)
    assert done.returncode == 1 and b"more than 64 MiB" in done.stderr, done.stderr


def test_lines():
    lines = ['"hello world"', '""', r'  "a\u00e9\ud83d\ude00\n\"\\\/\b\f\r\t"  ', '"é😀"']
    texts = ["hello world", "", 'aé😀\n"\\/\b\f\r\t', "é😀"]
    text = "\n".join(lines)
    assert out("--lines", "--ids", text=text).split("\n")[:-1] == [
        wanted("--ids", text=one).rstrip("\n") for one in texts]
    counts = out("--lines", text=text + "\n")
    assert counts == "".join(wanted(text=one) for one in texts)
    assert out("--lines", text=text.replace("\n", "\r\n")) == counts
    assert out("--lines", text="") == ""


def test_lines_take_what_a_tokenizer_takes():
    assert out("--lines", "--ids", text=r'"a\u0000b"') == out("--ids", text="a\0b")
    for half in (r"\ud800", r"\udfff", r"\ud800\u0041", r"\ud800\ud800", r"\ud83d\ude00\udc00"):
        whole = json.loads(f'"{half}"').encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert out("--lines", "--ids", text=f'"{half}"') == wanted("--ids", text=whole), half


def test_many_lines_and_long_ones():
    texts = [f"number {i}: " + "x" * (i % 97) for i in range(20000)] + ["a b " * 200000]
    counts = out("--lines", text="\n".join(map(json.dumps, texts))).split()
    assert len(counts) == len(texts)
    for place in (0, 1, 96, 12345, len(texts) - 1):
        assert counts[place] == wanted(text=texts[place]).strip(), place


def test_a_bad_line_ends_it_after_those_before():
    good = '"hello world"\n'
    for bad, said in (("hello", "1: not a JSON string"), ("", "1: not a JSON string"),
                      ("  [1]", "3: not a JSON string"), ('"open', "6: unterminated string"),
                      ('"a\tb"', "3: control character in a string"),
                      (r'"é\x"', "3: malformed escape"), (r'"\u12g4"', "2: malformed escape"),
                      (r'"\u12"', "2: malformed escape"), ('"\\', "2: malformed escape"),
                      ('"a" x', "5: something follows the string"),
                      ('"a""b"', "4: something follows the string")):
        refused(1, f"standard input:3:{said}", "--lines", text=good * 2 + bad + "\n" + good,
                printed="2\n2\n")
    refused(1, "standard input:1:1: not a JSON string", "--lines", "--ids", text="x")


def test_a_line_over_the_limit():
    line = b'"' + b"a" * (65 << 20) + b'"\n'
    refused(1, "standard input:2: a line of more than 64 MiB", "--lines", text=b'"hello world"\n' + line,
            printed="2\n")


def test_a_body_is_counted_as_its_model_counts_it():
    # Three for the answer's start, three for the message, its role and its text.
    body = json.dumps(BODY)
    assert out("--chat", text=body) == "9\n"
    assert out("--chat", "--model", "gpt-4", text=body) == "9\n"
    assert out("--chat", "--model", "gpt-4", text=json.dumps({**BODY, "model": None})) == "9\n"
    assert out("--chat", "--lines", text=f"{body}\n{body}\n") == "9\n9\n"
    longer = json.dumps({**BODY, "messages": BODY["messages"] * 2}, indent=2)
    assert out("--chat", text=longer) == "15\n"


def test_bodies_of_other_apis():
    for body, count in (
            ({"model": "text-embedding-3-small", "input": ["hello world", "hello"]}, "3\n"),
            ({"model": "gpt-3.5-turbo-instruct", "prompt": "hello world"}, "2\n"),
            ({"model": "gpt-4o", "input": "Hello there"}, "9\n")):
        assert out("--chat", text=json.dumps(body)) == count, body


def test_an_estimate_says_so():
    for body in ({**BODY, "model": "claude-sonnet-4-5", "max_tokens": 5}, {**BODY, "model": "of-the-house"},
                 {"model": "gemini-2.5-flash", "contents": [{"parts": [{"text": "Hello there"}]}]}):
        done = run("--chat", text=json.dumps(body))
        assert done.returncode == 0 and 0 < int(done.stdout) < 100, (body, done)
        assert done.stderr.startswith(b"weir tokens: an estimate: "), (body, done.stderr)
        done = run("--chat", "--lines", text=json.dumps(BODY) + "\n" + json.dumps(body))
        assert done.returncode == 0 and len(done.stdout.split()) == 2, (body, done)
        assert b": at least one line is an estimate: " in done.stderr, (body, done.stderr)


def test_a_bad_body_has_its_place():
    cases = (('{"model": "gpt-4o",\n "messages": [}', "standard input:2:15: "),
             ('{"é": 1, "é": 2}', "standard input:1:"),
             ("", "standard input:1:1: "), ("[]", "a request body is an object"),
             ('{"messages": []}', "the body names no model: give --model"),
             ('{"model": 5, "messages": []}', "the body names no model: give --model"),
             ('{"model": "gpt-4o"}', "no messages"))
    for text, said in cases:
        refused(1, said, "--chat", text=text)
    refused(1, "standard input:2:3: ", "--chat", "--lines", text=json.dumps(BODY) + "\n{ nope }\n",
            printed="9\n")


def rank_file(folder, lines):
    path = Path(folder) / "ranks.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in lines))
    return str(path)


def test_rank_files():
    with tempfile.TemporaryDirectory() as folder:
        tokens = [(bytes((byte,)), byte) for byte in range(256)] + [(b"he", 256), (b"ll", 257)]
        path = rank_file(folder, tokens)
        for grammar in ("cl100k", "o200k", "llama3", "qwen", "deepseek", "tekken"):
            assert out("--ranks", path, "--grammar", grammar, "--ids",
                       text="hello") == "256 257 111\n", grammar
        assert out("--ranks", path, "--grammar", "llama3", "--chat",
                   text=json.dumps(BODY)).strip().isdigit()
        refused(2, "unknown grammar 'latin': there are cl100k, ", "--ranks", path, "--grammar", "latin")
        bad = Path(folder) / "bad.tiktoken"
        bad.write_text("aGU= 0\nnonsense\n")
        refused(1, f"{bad}: ", "--ranks", str(bad), "--grammar", "llama3")
        refused(1, "cannot read /nowhere: No such file", "--ranks", "/nowhere", "--grammar", "llama3")


def test_called_wrongly():
    for arguments, said in (
            (["--encoding", "o200k"], "unknown encoding 'o200k': it is one of cl100k_base, o200k_base or"),
            (["--model", "gpt-9000"], "no tokenizer is known for the model 'gpt-9000': give --encoding"),
            (["--encoding"], "'--encoding' takes a value"),
            (["--encoding", "o200k_base", "-e", "o200k_base"], "is given twice"),
            (["--fast"], "unknown option '--fast'"), (["--fast", "x"], "unknown option '--fast'"),
            (["a", "b"], "one FILE at a time"),
            (["--encoding", "o200k_base", "--model", "gpt-4o"], "--model names the encoding"),
            (["--ranks", "x"], "--ranks and --grammar go together"),
            (["--grammar", "llama3"], "--ranks and --grammar go together"),
            (["--ranks", "x", "--grammar", "llama3", "-e", "o200k_base"], "exclude each other"),
            (["--ranks", "x", "--grammar", "llama3", "-m", "gpt-4o"], "--model names the encoding"),
            (["--chat", "--ids"], "--chat has no ids")):
        refused(2, said, *arguments)


def test_output_that_cannot_be_written_is_an_error():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([Settings.weir, "tokens"], input=b"hello", stdout=full,
                              stderr=subprocess.PIPE, timeout=DEADLINE_S)
    assert done.returncode == 1 and b"cannot write: No space left" in done.stderr, done
