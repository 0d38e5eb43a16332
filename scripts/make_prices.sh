#!/bin/sh
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# Writes share/prices.json, the price list that is embedded in the program, from the npm package
# @pydantic/genai-prices (or from PACKAGE, a file that `npm pack` wrote), with `weir prices import`.
# What the import left out or changed is printed. The same package gives the same file.
#   scripts/make_prices.sh [WEIR [PACKAGE]]
set -eu
cd "$(dirname "$0")/.."

package=@pydantic/genai-prices@0.1.8
sha256=8c9ba41e46719abc54a0ae4756ba5f2b5a768b8117fb29f40c5ca7ed3146eb5b
weir=${1:-build/release/weir}
[ -x "$weir" ] || { echo "make_prices: no program at $weir: ./dev build" >&2; exit 1; }
weir=$(realpath "$weir")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -ge 2 ]; then
    cp "$2" "$work/package.tgz"
else
    (cd "$work" && mv "$(npm pack --silent "$package" | tail -n 1)" package.tgz)
fi
echo "$sha256  $work/package.tgz" | sha256sum -c --quiet -

# The package has its data as a JavaScript array, the first constant of the module.
tar -xzf "$work/package.tgz" -C "$work"
cp "$work/package/dist/index.js" "$work/data.mjs"
name=$(sed -n '1s/^const \([A-Za-z_$][A-Za-z0-9_$]*\) = \[$/\1/p' "$work/data.mjs")
[ -n "$name" ] || { echo "make_prices: the package is not laid out as expected" >&2; exit 1; }
printf '\nexport { %s as prices };\n' "$name" >>"$work/data.mjs"
node --input-type=module -e '
import { writeFileSync } from "node:fs";
const { prices } = await import(process.argv[1]);
writeFileSync(process.argv[2], JSON.stringify(prices));
' "$work/data.mjs" "$work/data.json"

"$weir" prices import "$work/data.json" -o "$work/prices.json"
sed "1s|\"source\":\"genai-prices (MIT)\"|\"source\":\"${package#@} (MIT)\"|" "$work/prices.json" \
    >share/prices.json
echo "share/prices.json: $(wc -c <share/prices.json) bytes, SHA-256 $(sha256sum share/prices.json |
    cut -d ' ' -f 1)"
