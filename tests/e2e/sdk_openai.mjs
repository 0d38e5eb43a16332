// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
// The cases of test_clients.py through OpenAI's SDK for Node. Arguments: the SDK's folder, base URL,
// key, the key of a tenant without money, the cases. Prints "CASE: ok" or what went wrong, a line each.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, baseURL, apiKey, poorKey, ...wanted] = process.argv.slice(2);
const OpenAI = createRequire(join(folder, "node_modules", "x.js"))("openai").OpenAI;

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20000 });
const messages = [{ role: "user", content: "Hello there" }];
const tools = [
  {
    type: "function",
    function: {
      name: "weather",
      parameters: { type: "object", properties: { city: { type: "string" } } },
    },
  },
];
const create = (more = {}, options = {}, from = client) =>
  from.chat.completions.create({ model: "small", messages, ...more }, options);

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function expect(status, code, call) {
  const caught = await call().then(
    () => assert.fail(`no ${status}`),
    (error) => error,
  );
  assert.equal(caught.status, status);
  if (code) assert.equal(caught.code, code);
}

const cases = {
  async whole() {
    const { data, response } = await create().withResponse();
    assert.match(data.choices[0].message.content, /^word/);
    assert.equal(data.usage.completion_tokens, 8);
    assert.ok(Number(response.headers.get("x-weir-cost-usd")) > 0);
    assert.ok(data._request_id.startsWith("req_"));
  },
  async streamed() {
    const chunks = await collect(await create({ stream: true }));
    const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
    assert.equal(text.trim().split(" ").length, 8);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk)));
  },
  async streamed_with_usage() {
    const chunks = await collect(
      await create({ stream: true, stream_options: { include_usage: true } }),
    );
    assert.deepEqual(chunks.at(-1).choices, []);
    assert.equal(chunks.at(-1).usage.completion_tokens, 8);
    assert.ok(chunks.at(-1).usage.cost > 0);
  },
  async tools() {
    const answer = await create({ model: "tools", tools });
    const call = answer.choices[0].message.tool_calls[0];
    assert.deepEqual([call.function.name, call.function.arguments], ["weather", '{"city":"Paris"}']);
    const history = [
      ...messages,
      answer.choices[0].message,
      { role: "tool", tool_call_id: call.id, content: "sunny" },
    ];
    const again = await create({ model: "tools", tools, messages: history });
    assert.ok(again.choices[0].message.content);
  },
  async tools_streamed() {
    let parts = "";
    for await (const chunk of await create({ model: "tools", tools, stream: true }))
      for (const call of chunk.choices[0].delta.tool_calls ?? [])
        parts += call.function.arguments ?? "";
    assert.equal(parts, '{"city":"Paris"}');
  },
  async completed() {
    const ask = (more) => client.completions.create({ model: "small", max_tokens: 30, ...more });
    const { data, response } = await ask({ prompt: "Once upon a time" }).withResponse();
    assert.equal(data.choices[0].text.trim().split(" ").length, 8);
    assert.equal(data.usage.completion_tokens, 8);
    assert.ok(Number(response.headers.get("x-weir-cost-usd")) > 0);
    const several = await ask({ prompt: ["One", "Two"], n: 2, best_of: 3, max_tokens: 2 });
    assert.equal(several.choices.length, 4);
    assert.equal(several.usage.completion_tokens, 2 * 3 * 2);
    const ids = await ask({ prompt: [[1, 2, 3], [4, 5]], max_tokens: 1 });
    assert.equal(ids.usage.prompt_tokens, 5);
  },
  async completed_streamed() {
    const ask = async (more) =>
      collect(
        await client.completions.create({
          model: "small",
          prompt: "Once",
          max_tokens: 30,
          stream: true,
          ...more,
        }),
      );
    const chunks = await ask();
    const text = chunks.map((chunk) => chunk.choices[0].text).join("");
    assert.equal(text.trim().split(" ").length, 8);
    assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
    assert.ok(chunks.every((chunk) => !("usage" in chunk)));
    const counted = await ask({ stream_options: { include_usage: true } });
    assert.deepEqual(counted.at(-1).choices, []);
    assert.equal(counted.at(-1).usage.completion_tokens, 8);
    assert.ok(counted.at(-1).usage.cost > 0);
  },
  async embedded() {
    const ask = async (input, more) =>
      (await client.embeddings.create({ model: "small", input, ...more })).data;
    const [packed] = await ask("Hello there"); // asks for base64 and unpacks it
    const [plain] = await ask("Hello there", { encoding_format: "float" });
    assert.equal(packed.embedding.length, 256);
    assert.equal(plain.embedding.length, 256);
    packed.embedding.forEach((number, i) =>
      assert.ok(Math.abs(number - plain.embedding[i]) < 1e-6),
    );
    assert.equal((await ask(["a", "b", "c"], { dimensions: 8 }))[2].embedding.length, 8);
    assert.equal((await ask([[1, 2], [3]])).length, 2);
  },
  async no_money_embedded() {
    const poor = client.withOptions({ apiKey: poorKey });
    await expect(402, "budget_exceeded", () =>
      poor.embeddings.create({ model: "small", input: "word ".repeat(1000) }),
    );
    await expect(402, "budget_exceeded", () =>
      poor.completions.create({ model: "small", prompt: "Once" }),
    );
  },
  async models() {
    const names = (await collect(await client.models.list())).map((model) => model.id);
    assert.ok(names.includes("small"));
    assert.equal((await client.models.retrieve("small")).id, "small");
  },
  async bad_key() {
    const other = client.withOptions({ apiKey: "weir_wrong" });
    await expect(401, "invalid_api_key", () => create({}, {}, other));
  },
  async unknown_model() {
    await expect(404, "model_not_found", () => create({ model: "nothing" }));
  },
  async bad_request() {
    await expect(400, "invalid_value", () => create({ max_tokens: -1 }));
  },
  async no_money() {
    const poor = client.withOptions({ apiKey: poorKey, maxRetries: 2 });
    const begun = performance.now();
    await expect(402, "budget_exceeded", () => create({}, {}, poor));
    assert.ok(performance.now() - begun < 400, "it was retried");
  },
  async provider_error() {
    await expect(503, null, () => create({ model: "failing" }));
  },
  async broken_stream() {
    const stream = await create({ model: "broken", stream: true });
    const caught = await collect(stream).then(
      () => assert.fail("a broken stream looked whole"),
      (error) => error,
    );
    assert.match(String(caught.message), /broke off/);
  },
  async abort_stream() {
    const stream = await create({ model: "slow", stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    const left = Date.now();
    stream.controller.abort();
    return `left_unix_ms=${left}`;
  },
  async abort_whole() {
    const controller = new AbortController();
    const answer = create({ model: "late" }, { signal: controller.signal });
    let left;
    setTimeout(() => {
      left = Date.now();
      controller.abort();
    }, 300);
    await answer.then(
      () => assert.fail("no abort"),
      (error) => assert.equal(error.constructor.name, "APIUserAbortError"),
    );
    return `left_unix_ms=${left}`;
  },
};

let failed = 0;
for (const name of wanted) {
  try {
    console.log(`${name}: ok ${(await cases[name]()) ?? ""}`);
  } catch (error) {
    failed = 1;
    console.log(`${name}: ${String(error).split("\n")[0]}`);
  }
}
process.exit(failed);
