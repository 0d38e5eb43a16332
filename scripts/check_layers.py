#!/usr/bin/env python3
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
"""Checks the structure of the tree: a module includes headers of lower layers only, never of a
sibling; private headers stay in their folder; each third-party library is wrapped by one module;
nothing unknown lies at the top. Prints one line a violation and exits 1 when there is any."""

import argparse
import re
import sys
from pathlib import Path

# Lowest first. Modules that DESIGN names and no issue has built yet have their place already.
LAYERS = [
    ["base"],
    ["loop", "wire", "crypto"],
    ["llm", "net", "upstream"],
    ["ledger", "store", "embed"],
    ["policy", "cache", "telemetry"],
    ["config"],
    ["gateway"],
    ["admin", "sim"],
    ["app"],
]
LAYER = {module: depth for depth, modules in enumerate(LAYERS) for module in modules}

# Who may include which library's headers.
WRAPPERS = {
    r"^uv\.h$": {"loop", "net"},
    r"^curl/": {"upstream"},
    r"^hiredis/": {"store"},
    r"^(cjson/|cJSON\.h$)": {"wire"},
    r"^llhttp\.h$": {"wire"},
    r"^yaml\.h$": {"config"},
    r"^sqlite3\.h$": {"ledger"},
    r"^openssl/": {"crypto", "net"},
    r"^zlib\.h$": {"wire"},
    r"^pcre2\.h$": set(),
}

# sim judges the ledger: it must share no arithmetic with it.
FORBIDDEN = {"sim": {"llm", "policy", "telemetry", "config", "gateway"}}

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".git", ".gitattributes", ".gitignore",
    "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "bench", "build", "cmake",
    "config", "dev", "docker", "docs", "include", "scripts", "share", "src", "state", "tests",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1) == '"', found.group(2)


def check_library(module, name):
    for pattern, allowed in WRAPPERS.items():
        if re.search(pattern, name) and module not in allowed:
            return f"{name} belongs to {' and '.join(sorted(allowed)) or 'tests'}, not {module}"
    return None


def check_own(root, module, path, name):
    """An include in quotes: a public header of a module below, or a private one beside it."""
    target = name.split("/")[0]
    if "/" in name and target in LAYER:
        if not (root / "include" / name).exists():
            return f"{name} does not exist"
        if target == module:
            return None
        if LAYER[target] >= LAYER[module]:
            return f"{module} (layer {LAYER[module]}) must not include {name} (layer {LAYER[target]})"
        if target in FORBIDDEN.get(module, set()):
            return f"{module} must not include {target}"
        return None
    if not (path.parent / name).exists():
        return f"{name} is private to another module, or missing"
    return None


def check_file(root, module, path):
    for number, quoted, name in includes(path):
        fault = check_library(module, name)
        if fault is None and quoted:
            fault = check_own(root, module, path, name)
        if fault is not None:
            yield f"{path.relative_to(root)}:{number}: {fault}"


def check_tests(root):
    """A test of a module sees public headers, its own folder, tests/support, and for white-box
    checks the private headers of the module it tests."""
    for path in sorted((root / "tests").glob("*/*.[ch]")):
        for number, quoted, name in includes(path):
            if not quoted or (path.parent / name).exists():
                continue
            if (root / "include" / name).exists() or (root / "tests" / name).exists():
                continue
            if (root / "src" / path.parent.name / name).exists():
                continue
            yield f"{path.relative_to(root)}:{number}: {name} is not for this test"


def check_tree(root):
    for entry in sorted(root.iterdir()):
        if entry.name not in TOP_LEVEL:
            yield f"{entry.name}: nothing of that name belongs at the top of the tree"
    for folder in ("include", "src"):
        for entry in sorted((root / folder).iterdir()):
            if entry.name not in LAYER:
                yield f"{folder}/{entry.name}: not a module of DESIGN section 3"


def violations(root):
    yield from check_tree(root)
    for folder in ("include", "src"):
        for path in sorted((root / folder).glob("*/*")):
            if path.suffix in (".c", ".h", ".def") and path.parent.name in LAYER:
                yield from check_file(root, path.parent.name, path)
    yield from check_tests(root)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent)
    found = list(violations(parser.parse_args().root.resolve()))
    for line in found:
        print(line)
    print(f"check_layers: {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
