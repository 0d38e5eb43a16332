#!/bin/sh
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# Installs the SDKs that the end-to-end tests drive, pinned, below the folder named: a virtual
# environment for Python, one folder for each Node SDK. A no-op when they are there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$1

# openai 7 needs Node 22; 6 also runs on Debian 12's Node 18.
NODE_SDKS="openai@6.49.0 openai@7.57.0"

stamp=$(cat "$here/requirements.txt" "$here/setup.sh" | cksum)
[ "$(cat "$target/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

echo "setup: installing the SDKs of the end-to-end tests" >&2
rm -rf "$target"
mkdir -p "$target"
python3 -m venv "$target/python"
"$target/python/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    -r "$here/requirements.txt"
for sdk in $NODE_SDKS; do
    folder=$target/node-$(echo "$sdk" | tr @ -)
    mkdir -p "$folder"
    npm install --silent --no-save --no-audit --no-fund --ignore-scripts --engine-strict=false \
        --prefix "$folder" "$sdk" >&2
done
echo "$stamp" >"$target/stamp"
