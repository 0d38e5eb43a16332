// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
//
// The JavaScript engines of bench/tokens.py: node tokens.mjs MODULES ENGINE. Answers each line "count
// ENCODING FILE" with tokens and seconds of processor time: all documents once, as strings that are
// made before.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [modules, engine] = process.argv.slice(2);
const require = createRequire(join(modules, 'package.json'));

// Text from users is ordinary text: special tokens' names have no meaning in it.
const engines = {
    tiktoken(encoding) {
        const encoder = require('tiktoken').get_encoding(encoding);
        return (text) => encoder.encode_ordinary(text).length;
    },
    'gpt-tokenizer'(encoding) {
        const { countTokens } = require(`gpt-tokenizer/encoding/${encoding}`);
        const ordinary = { disallowedSpecial: new Set() };
        return (text) => countTokens(text, ordinary);
    },
};

const counters = new Map();
const corpora = new Map();

function once(map, key, make) {
    if (!map.has(key)) map.set(key, make(key));
    return map.get(key);
}

function documents(path) {
    const bytes = readFileSync(path);
    const ends = readFileSync(`${path}.ends`, 'utf8').trim().split('\n').map(Number);
    return ends.map((end, i) => bytes.toString('utf8', i ? ends[i - 1] : 0, end));
}

for await (const line of createInterface({ input: process.stdin })) {
    const [, encoding, path] = line.split(' ');
    const count = once(counters, encoding, engines[engine]);
    const texts = once(corpora, path, documents);
    let tokens = 0;
    const begun = process.cpuUsage();
    for (const text of texts) tokens += count(text);
    const { user, system } = process.cpuUsage(begun);
    const seconds = (user + system) / 1e6;
    console.log(`${tokens} ${seconds}`);
}
