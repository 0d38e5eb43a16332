# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""The cases of test_more_clients.py through the command line `llm`, as its user would type them, in a
folder of its own. Run by the Python of llm's environment. Arguments: base URL, key, the key of a
tenant without money, the cases. Prints "CASE: ok" or what went wrong, a line each."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BASE, KEY, POOR = sys.argv[1:4]
CASES = sys.argv[4:]
PROGRAM = Path(sys.executable).parent / "llm"

MODELS = "".join(f"""
- model_id: weir-{name}
  model_name: {name}
  api_base: {BASE}
  api_key_name: weir
  supports_tools: true
""" for name in ("small", "tools", "broken"))

WEATHER = '''
def weather(city: str) -> str:
    "Says what the weather is like."
    return f"sunny in {city}"
'''


def llm(folder, *arguments):
    environment = {**os.environ, "LLM_USER_PATH": str(folder)}
    for name in ("OPENAI_API_KEY", "LLM_MODEL"):
        environment.pop(name, None)
    return subprocess.run([PROGRAM, *arguments], text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                          timeout=30)


def prompt(folder, name, *arguments):
    return llm(folder, "prompt", "-m", f"weir-{name}", "Hello there", *arguments)


def check_words(done):
    assert done.returncode == 0 and done.stdout.split() == ["word"] * 8, done


def whole(folder):
    check_words(prompt(folder, "small", "--no-stream"))
    logged = json.loads(llm(folder, "logs", "list", "-n", "1", "--json").stdout)[0]
    assert logged["output_tokens"] == 8 and logged["input_tokens"] > 0, logged


def streamed(folder):
    check_words(prompt(folder, "small"))


def check_tool(done):
    """It calls the function, sends the result back and prints the answer."""
    assert done.returncode == 0 and "word" in done.stdout, done
    assert "sunny in Paris" in done.stderr, done


def tools(folder):
    check_tool(prompt(folder, "tools", "--no-stream", "--functions", WEATHER, "--td"))


def tools_streamed(folder):
    check_tool(prompt(folder, "tools", "--functions", WEATHER, "--td"))


def check_error(done, *words):
    assert done.returncode == 1, done
    assert done.stderr.startswith("Error: "), done
    assert all(word in done.stderr for word in words), done.stderr


def bad_key(folder):
    check_error(prompt(folder, "small", "--no-stream", "--key", "weir_wrong"), "401", "API key")


def no_money(folder):
    check_error(prompt(folder, "small", "--no-stream", "--key", POOR), "402", "budget")


def no_money_streamed(folder):
    check_error(prompt(folder, "small", "--key", POOR), "402", "budget")


def broken_stream(folder):
    done = prompt(folder, "broken")
    assert done.stdout.split() == ["word"] * len(done.stdout.split()), done
    check_error(done, "broke off")


def main():
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "extra-openai-models.yaml").write_text(MODELS)
        (folder / "keys.json").write_text(json.dumps({"weir": KEY}))
        for case in CASES:
            try:
                print(f"{case}: ok {globals()[case](folder) or ''}", flush=True)
            except Exception as why:
                failed = True
                print(f"{case}: {type(why).__name__} {why!r}", flush=True)
    return failed


sys.exit(main())
