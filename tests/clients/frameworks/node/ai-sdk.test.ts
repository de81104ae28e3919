import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  createIdGenerator,
  generateText,
  streamText,
  toUIMessageStream,
  type UIMessage,
} from "ai";
import { MockLanguageModelV4, simulateReadableStream } from "ai/test";
import { external, InvalidInputError } from "chat-sessions-client";
import { ChatStore, toPrompt } from "chat-sessions-client/ai-sdk";

import { Service } from "./service.ts";

const service = await Service.start();
after(() => service.stop());
const client = service.client();
const store = new ChatStore(client);

const said = (id: string, text: string, role: UIMessage["role"] = "user"): UIMessage => ({
  id,
  role,
  parts: [{ type: "text", text }],
});

function model(text: string) {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  const finishReason = { unified: "stop" as const, raw: "stop" };
  return new MockLanguageModelV4({
    doStream: async () => ({
      stream: simulateReadableStream({
        chunks: [
          { type: "stream-start" as const, warnings: [] },
          { type: "text-start" as const, id: "0" },
          { type: "text-delta" as const, id: "0", delta: text },
          { type: "text-end" as const, id: "0" },
          { type: "finish" as const, finishReason, usage },
        ],
      }),
    }),
  });
}

/** A turn as the handler of a chat's route takes it. */
async function turn(chatId: string, message: UIMessage, answer: string): Promise<void> {
  const messages = [...(await store.load(chatId)), message];
  await store.save(chatId, [message]);
  const { stream } = streamText({ model: model(answer), ...(await toPrompt(messages)) });
  let saved = Promise.resolve();
  const chunks = toUIMessageStream({
    stream,
    originalMessages: messages,
    generateMessageId: createIdGenerator({ prefix: "msg" }),
    onEnd: ({ messages }) => (saved = store.save(chatId, messages)),
  });
  for await (const _ of chunks);
  await saved;
}

test("a chat goes on after the service was killed", async () => {
  assert.deepEqual(await store.load("trip"), []);
  await turn("trip", said("u1", "Where to?"), "To Lisbon.");
  await service.kill();
  await service.start();
  await turn("trip", said("u2", "When?"), "In May.");
  const messages = await store.load("trip");
  const texts = messages.map(({ parts }) =>
    parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(),
  );
  assert.deepEqual(texts, ["Where to?", "To Lisbon.", "When?", "In May."]);
  const stored = await client.messages(external("trip")).all();
  assert.deepEqual(
    stored.map(({ content }) => content),
    texts,
  );
  assert.deepEqual(
    stored.map(({ body }) => body),
    JSON.parse(JSON.stringify(messages)),
  );
  assert.deepEqual(
    stored.map(({ edited_at }) => edited_at),
    [null, null, null, null],
  );
});

test("a message that grows is one message, whatever is saved with it", async () => {
  await store.save("grows", [said("a", "1"), said("b", "1", "assistant")]);
  await store.save("grows", [said("b", "1 2", "assistant")]);
  const whole = [said("a", "1"), said("b", "1 2 3", "assistant"), said("c", "4")];
  await store.save("grows", whole);
  assert.deepEqual(await store.load("grows"), whole);
  const grown = Array.from({ length: 9 }, (_, n) => said("b", "x".repeat(n), "assistant"));
  await Promise.all(grown.map((message) => store.save("grows", [message])));
  assert.deepEqual((await store.load("grows"))[1], grown.at(-1));
  await store.remove("grows", ["b", "b", "none"]);
  assert.deepEqual(await store.load("grows"), [whole[0], whole[2]]);
  await store.delete("grows");
  await store.delete("grows");
  assert.deepEqual(await store.load("grows"), []);
});

test("a long chat is saved at once, and in its order", async () => {
  const long = Array.from({ length: 130 }, (_, n) => said(`m${n}`, "ü".repeat(10_000)));
  await store.save("long", long);
  assert.deepEqual(await store.load("long"), long);
});

test("what another client said is there by its text, and stays as it is", async () => {
  const messages = [
    { role: "developer" as const, content: "Be brief." },
    { role: "user" as const, content: "Hello", external_id: "x" },
    { role: "tool" as const, content: "9" },
  ];
  await client.createSession({ external_id: "other", messages });
  const loaded = await store.load("other");
  const [system, user, ...others] = loaded;
  assert.deepEqual([system?.role, user], ["system", said("x", "Hello")]);
  assert.deepEqual(others, []);
  await store.save("other", [...loaded, said("y", "Well")]);
  const stored = await client.messages(external("other")).all();
  assert.deepEqual(
    stored.map(({ content, format }) => [content, format]),
    [["Be brief.", null], ["Hello", null], ["9", null], ["Well", "ai-sdk.ui-message"]],
  );
  await store.save("other", [said(system!.id, "Be long.")]);
  await store.remove("other", ["x"]);
  const texts = (await client.messages(external("other")).all()).map(({ content }) => content);
  assert.deepEqual(texts, ["Be long.", "9", "Well"]);
});

const MALFORMED: Record<string, [object, string?]> = {
  "no parts": [{ parts: [] }],
  "another version's": [{ content: "hi" }, "hi"],
  "no role of theirs": [{ role: "tool", parts: [{ type: "text", text: "hi" }] }],
  "a text without one": [{ parts: [{ type: "text" }] }],
  "a file that is nowhere": [{ parts: [{ type: "file", mediaType: "image/png" }] }],
  "a part of no kind": [{ parts: [{ type: "none", text: "hi" }] }, "hi"],
};
for (const [name, [malformed, text]] of Object.entries(MALFORMED)) {
  test(`a message with ${name} does not cost the chat`, async () => {
    const bad = { id: "bad", role: "user", ...malformed } as UIMessage;
    await store.save(name, [said("a", "one"), bad, said("b", "two")]);
    const readable = text === undefined ? [] : [said("bad", text)];
    const loaded = await store.load(name);
    assert.deepEqual(loaded, [said("a", "one"), ...readable, said("b", "two")]);
    await store.save(name, [...loaded, said("c", "three")]);
    const [, kept] = await client.messages(external(name)).all();
    assert.deepEqual(kept?.body, bad);
  });
}

const call = (state: string, more: object = {}) => ({
  type: "tool-f",
  toolCallId: "c",
  state,
  input: {},
  ...more,
});
const approval = { id: "p", approved: true };
const file = (url: string, more: object = {}) => ({
  type: "file",
  mediaType: "image/png",
  url,
  ...more,
});

/** What is in a chat that may be stored, with the roles and kinds of what a model is given of it. */
const PROMPTS: [UIMessage["role"], object[], string][] = [
  ["system", [{ type: "text", text: "Be brief." }], "system"],
  ["assistant", [call("input-streaming", { input: undefined })], ""],
  ["assistant", [call("input-available")], ""],
  ["assistant", [{ ...call("input-available"), type: "dynamic-tool", toolName: "f" }], ""],
  ["assistant", [call("approval-requested", { approval: { id: "p" } })], ""],
  ["assistant", [call("approval-responded", { approval })], ""],
  ["assistant", [call("output-available", { output: 1, preliminary: true })], ""],
  ["assistant", [call("output-available", { output: 1 })], "assistant:tool-call tool:tool-result"],
  ["assistant", [call("output-error", { errorText: "x" })], "assistant:tool-call tool:tool-result"],
  ["assistant", [{ ...call("output-available", { output: 1 }), type: "tool-" }], ""],
  ["assistant", [{ type: "step-start" }], ""],
  ["user", [file("no URL")], ""],
  ["user", [file("blob:http://localhost/1")], ""],
  ["user", [file("file:///etc/passwd")], ""],
  ["user", [file("data:,%%%")], ""],
  ["user", [file("data:image/png,%%%")], ""],
  ["user", [file("data:image/png;base64,%%%")], ""],
  ["assistant", [file("no URL"), { type: "text", text: "x" }], "assistant:text"],
  ["assistant", [{ ...file("no URL"), type: "reasoning-file" }], ""],
  ["user", [file("data:image/png;base64,iVBORw0KGgo=")], "user:file"],
  ["user", [file("DATA:image/png;name=a;base64,iVBORw0KGgo=")], "user:file"],
  ["user", [file("gs://bucket/a.png")], "user:file"],
  ["user", [file("https://files.example/a.png")], "user:file"],
  ["user", [file("-", { providerReference: { p: "id" } })], "user:file"],
  ["user", [{ type: "data-x", data: 1 }], ""],
];
test("a model is given what it takes of a chat, and goes on", async () => {
  for (const [place, [role, parts, expected]] of PROMPTS.entries()) {
    const chat = `prompt-${place}`;
    const stored = { id: "a", role, parts } as UIMessage;
    await store.save(chat, [stored, said("b", "Well?")]);
    const loaded = await store.load(chat);
    assert.equal(loaded.length, 2, `${place}`);
    const { instructions, messages } = await toPrompt(loaded);
    const given = [...instructions, ...messages.slice(0, -1)].map(({ role, content }) =>
      [role, ...(typeof content === "string" ? [] : content.map(({ type }) => type))].join(":"),
    );
    assert.equal(given.join(" "), expected, `${place}: ${JSON.stringify(parts)}`);
    const supportedUrls = { "*/*": [/^(https|gs):/] };
    const doGenerate = async () => ({
      content: [{ type: "text" as const, text: "Yes." }],
      finishReason: { unified: "stop" as const, raw: "stop" },
      usage: {
        inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
        outputTokens: { total: 1, text: 1, reasoning: 0 },
      },
      warnings: [],
    });
    const answering = new MockLanguageModelV4({ supportedUrls, doGenerate });
    assert.equal((await generateText({ model: answering, instructions, messages })).text, "Yes.");
  }
});

test("an approved call that is not passed over is there for its tool", async () => {
  const parts = [call("approval-responded", { approval })] as UIMessage["parts"];
  const { messages } = await toPrompt([said("a", "Go"), { id: "b", role: "assistant", parts }]);
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["user", "assistant", "tool"],
  );
});

test("an id that cannot be one is told", async () => {
  await assert.rejects(store.save("wrong", [said("", "a")]), /generateMessageId/);
  for (const id of ["", " x ", "x".repeat(300), "a\nb", "\ud800"]) {
    assert.deepEqual(await store.load(id), []);
    await store.delete(id);
    for (const messages of [[said("a", "a")], [said("a", "a"), said("b", "b")]]) {
      await assert.rejects(store.save(id, messages), InvalidInputError, JSON.stringify(id));
    }
    if (id) await assert.rejects(store.save("wrong", [said(id, "a")]), InvalidInputError);
  }
});
