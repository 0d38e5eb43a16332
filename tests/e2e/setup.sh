#!/bin/sh
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the clients that the end-to-end tests drive, pinned, below the folder named: a virtual
# environment for each Python client, a folder for each Node one. A no-op when they are there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1

stamp=$(cat "$here"/requirements*.txt "$here/setup.sh" | cksum)
[ "$(cat "$target/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

python_client() { # FOLDER REQUIREMENTS
    python3 -m venv "$target/$1"
    "$target/$1/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/$2"
}

node_client() { # FOLDER PACKAGE...
    folder=$target/$1
    shift
    mkdir -p "$folder"
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --engine-strict=false \
        --prefix "$folder" "$@" >&2
}

echo "setup: installing the clients of the end-to-end tests" >&2
rm -rf "$target"
mkdir -p "$target"
python_client python requirements.txt
python_client langchain requirements-langchain.txt
python_client llm requirements-llm.txt
# openai 7 and ai 7 need Node 22; their forerunners also run on Debian 12's Node 18.
node_client node-openai-6.49.0 openai@6.49.0
node_client node-openai-7.57.0 openai@7.57.0
node_client node-ai-6.0.326 ai@6.0.326 @ai-sdk/openai@3.0.141 zod@4.6.7
node_client node-ai-7.0.173 ai@7.0.173 @ai-sdk/openai@4.0.118 zod@4.6.7
echo "$stamp" >"$target/stamp"
