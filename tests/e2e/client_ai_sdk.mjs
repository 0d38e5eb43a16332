// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0
// The cases of test_more_clients.py through Vercel's AI SDK, with its own retries left on. Arguments:
// the SDK's folder, base URL, key, the key of a tenant without money, the cases. Prints "CASE: ok" or
// what went wrong, a line each.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, baseURL, apiKey, poorKey, ...wanted] = process.argv.slice(2);

// The packages are for import only, and this file is not beside them.
const here = createRequire(join(folder, "node_modules", "x.js"));
const load = async (name) => import(pathToFileURL(here.resolve(name)).href);
const { generateText, streamText, stepCountIs, tool } = await load("ai");
const { createOpenAI } = await load("@ai-sdk/openai");
const { z } = await load("zod");

const model = (name = "small", key = apiKey) => createOpenAI({ baseURL, apiKey: key }).chat(name);
const prompt = "Hello there";
const eightWords = Array(8).fill("word");

const weather = tool({
  description: "Says what the weather is like.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const withTools = { tools: { weather }, stopWhen: stepCountIs(3) };

// Streams report failures to onError and as parts of the full stream. `thrown` is what they throw
// besides when the connection ends too early.
async function drain(options) {
  const errors = [];
  const stream = streamText({ prompt, onError: ({ error }) => errors.push(error), ...options });
  const parts = [];
  try {
    for await (const part of stream.fullStream) parts.push(part);
  } catch (thrown) {
    return { stream, parts, errors, thrown };
  }
  return { stream, parts, errors };
}

// Two steps: the call with its result, then the answer.
function checkSteps(steps) {
  assert.equal(steps.length, 2);
  assert.deepEqual(steps[0].toolCalls[0].input, { city: "Paris" });
  assert.equal(steps[0].toolResults[0].output, "sunny in Paris");
  assert.equal(steps[0].finishReason, "tool-calls");
  assert.ok(steps[1].text);
}

async function expect(status, code, call) {
  const caught = await call().then(
    () => assert.fail(`no ${status}`),
    (error) => error,
  );
  assert.equal(caught.statusCode, status, String(caught));
  assert.equal(JSON.parse(caught.responseBody).error.code, code);
}

const cases = {
  async whole() {
    const answer = await generateText({ model: model(), prompt });
    assert.deepEqual(answer.text.trim().split(" "), eightWords);
    assert.equal(answer.usage.outputTokens, 8);
    assert.equal(answer.finishReason, "stop");
    assert.ok(Number(answer.response.headers["x-weir-cost-usd"]) > 0);
  },
  async streamed() {
    const { stream, parts, errors } = await drain({ model: model() });
    assert.deepEqual(errors, []);
    assert.deepEqual((await stream.text).trim().split(" "), eightWords);
    assert.ok(parts.filter((part) => part.type === "text-delta").length >= 8);
    assert.equal(await stream.finishReason, "stop");
    assert.equal((await stream.usage).outputTokens, 8);
  },
  async tools() {
    checkSteps((await generateText({ model: model("tools"), prompt, ...withTools })).steps);
  },
  async tools_streamed() {
    const { stream, errors } = await drain({ model: model("tools"), ...withTools });
    assert.deepEqual(errors, []);
    checkSteps(await stream.steps);
  },
  async bad_key() {
    await expect(401, "invalid_api_key", () =>
      generateText({ model: model("small", "weir_wrong"), prompt }),
    );
  },
  async no_money() {
    await expect(402, "budget_exceeded", () =>
      generateText({ model: model("small", poorKey), prompt }),
    );
  },
  async no_money_streamed() {
    const { errors } = await drain({ model: model("small", poorKey) });
    assert.equal(errors.length, 1);
    await expect(402, "budget_exceeded", () => Promise.reject(errors[0]));
  },
  async broken_stream() {
    const { parts, errors, thrown } = await drain({ model: model("broken") });
    assert.ok(parts.some((part) => part.type === "text-delta"));
    assert.ok(parts.some((part) => part.type === "error"), "a broken stream looked whole");
    assert.match(JSON.stringify(errors), /broke off/);
    assert.equal(thrown?.statusCode, 200, "nothing was thrown");
  },
};

let failed = 0;
for (const name of wanted) {
  try {
    console.log(`${name}: ok ${(await cases[name]()) ?? ""}`);
  } catch (error) {
    failed = 1;
    console.log(`${name}: ${String(error).split("\n").join(" ")}`);
  }
}
process.exit(failed);
