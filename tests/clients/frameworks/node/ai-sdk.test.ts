import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  convertToModelMessages,
  createIdGenerator,
  generateText,
  jsonSchema,
  streamText,
  ToolLoopAgent,
  type ToolSet,
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

/** A model that answers as it is. */
const doGenerate = async () => ({
  content: [{ type: "text" as const, text: "Yes." }],
  finishReason: { unified: "stop" as const, raw: "stop" },
  usage: {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  },
  warnings: [],
});

const BAD_URLS = [
  ...["no URL", "blob:http://localhost/1", "file:///etc/passwd", "content://media/1", "ph://x"],
  ...["ftp://a/b.png", "about:blank", "javascript:1", "data:,%%%", "data:image/png,%%%"],
  ...["%%%", "a", "ab=", "abcde", "abc=="].map((digits) => `data:image/png;base64,${digits}`),
];

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
  ...BAD_URLS.map((url): [UIMessage["role"], object[], string] => ["user", [file(url)], ""]),
  ["user", [file("data:image/png;base64,abc")], "user:file"],
  ["user", [{ type: "text", text: "" }], ""],
  ["user", [{ type: "text", text: " \n" }, file("https://files.example/a.png")], "user:file"],
  ["assistant", [{ type: "step-start" }, { type: "text", text: "", state: "streaming" }], ""],
  ["assistant", [{ type: "reasoning", text: "Hm." }], ""],
  [
    "assistant",
    [{ type: "reasoning", text: "Hm." }, { type: "text", text: "x" }],
    "assistant:reasoning:text",
  ],
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
    const supportedUrls = { "image/*": [/^(https|gs):/] };
    const prompt = await toPrompt(loaded, { supportedUrls });
    const given = prompt.messages.slice(0, -1).map(({ role, content }) =>
      [role, ...(typeof content === "string" ? [] : content.map(({ type }) => type))].join(":"),
    );
    assert.equal(given.join(" "), expected, `${place}: ${JSON.stringify(parts)}`);
    const answering = new MockLanguageModelV4({ supportedUrls, doGenerate });
    assert.equal((await generateText({ model: answering, ...prompt })).text, "Yes.");
    const sent = answering.doGenerateCalls[0]!.prompt;
    assert(sent.every(({ content }) => content.length > 0));
  }
});

test("an application's own instructions stay, in front of what the chat has of them", async () => {
  const prompt = await toPrompt([said("a", "Hi"), said("b", "Be brief.", "system")]);
  const own = "You are a guide.";
  const answering = new MockLanguageModelV4({ doGenerate });
  await generateText({ model: answering, system: own, ...prompt });
  await generateText({ model: answering, ...prompt, instructions: own });
  await new ToolLoopAgent({ model: answering, instructions: own }).generate({ ...prompt });
  for (const { prompt } of answering.doGenerateCalls) {
    const [first, second, ...others] = prompt;
    assert.deepEqual([first?.content, second?.content], [own, "Be brief."]);
    assert.deepEqual(others.map(({ role }) => role), ["user"]);
  }
  assert.equal(answering.doGenerateCalls.length, 3);
});

test("what an application cannot convert any more keeps no chat from going on", async () => {
  const fails = () => {
    throw new TypeError("It was otherwise then.");
  };
  const wrong = () => 5 as never;
  const noFile = () => ({ type: "content", value: [{ type: "file" }] }) as never;
  const tools: ToolSet = Object.fromEntries(
    [fails, wrong, noFile].map((toModelOutput, place) => {
      return ["fgh"[place]!, { inputSchema: jsonSchema<object>({}), toModelOutput }];
    }),
  );
  const parts = [
    { type: "data-x", data: 1 },
    call("output-available", { output: { a: 1 } }),
    { ...call("output-available", { output: "b" }), type: "tool-g", toolCallId: "d" },
    { ...call("output-available", { output: 7 }), type: "tool-h", toolCallId: "e" },
  ] as UIMessage["parts"];
  const options = { tools, convertDataPart: fails };
  const { messages } = await toPrompt([{ id: "a", role: "assistant", parts }], options);
  const results = messages.flatMap((message) => (message.role === "tool" ? message.content : []));
  assert.deepEqual(
    results.map((result) => result.type === "tool-result" && result.output),
    [
      { type: "json", value: { a: 1 } },
      { type: "text", value: "b" },
      { type: "json", value: 7 },
    ],
  );
});

class Weather {
  readonly #unit = " degrees";
  inputSchema = jsonSchema<object>({});
  toModelOutput({ output }: { output: number }) {
    return { type: "text" as const, value: output + this.#unit };
  }
}
const image = { type: "media", data: "AAAA", mediaType: "image/png" };
const OUTPUTS = [
  new Weather(),
  ...[
    { type: "json", value: { at: new Date(0) } },
    { type: "content", value: [image, { type: "text", text: "x" }] },
    { type: "error-text", value: "x" },
  ].map((output) => ({ inputSchema: jsonSchema<object>({}), toModelOutput: () => output })),
] as ToolSet[string][];
test("a tool's output is what the tool makes of it, wherever the SDK takes that", async () => {
  for (const f of OUTPUTS) {
    const parts = [call("output-available", { output: 5 })] as UIMessage["parts"];
    const messages: UIMessage[] = [{ id: "a", role: "assistant", parts }];
    const expected = await convertToModelMessages(messages, { tools: { f } });
    assert.deepEqual((await toPrompt(messages, { tools: { f } })).messages, expected);
  }
});

test("a whole chat is saved as it was loaded, and nothing of it is written anew", async () => {
  const parts = [
    { type: "tool-f", later: 1, state: "output-available", input: {}, toolCallId: "c", output: 1 },
    { state: "done", type: "text", providerMetadata: { p: { z: 1, a: 2 } }, text: "x" },
    { type: "tool-g", text: "broken" },
    call("output-available", { type: "tool-nothing" }),
  ];
  const bodies = [said("a", "Hi"), { role: "assistant", id: "b", parts } as unknown as UIMessage];
  await store.save("whole", bodies);
  const loaded = await store.load("whole");
  assert.deepEqual(loaded[1]?.parts.map(({ type }) => type), ["tool-f", "text", "tool-nothing"]);
  await store.save("whole", [...loaded, said("c", "Well?")]);
  await store.save("whole", [loaded[1]!]);
  const stored = await client.messages(external("whole")).all();
  assert.deepEqual(stored.map(({ body }) => body), [...bodies, said("c", "Well?")]);
  assert(stored.every(({ edited_at }) => edited_at === null));
});

test("a chat is given as far as a message, and loses what a page drops", async () => {
  const part = { type: "data-note", data: "of an older form" };
  const note = { id: "n", role: "user", parts: [part] } as UIMessage;
  const many = Array.from({ length: 20 }, (_, n) => said(`m${n}`, `${n}`));
  await store.save("cut", [said("a", "1"), note, said("b", "2", "assistant"), ...many]);
  await client.append(external("cut"), [{ role: "tool", content: "9" }]);
  const validate = () => ({ success: false as const, error: new TypeError("It is no number.") });
  const dataSchemas = { note: jsonSchema<number>({ type: "number" }, { validate }) };
  const strict = new ChatStore(client, { dataSchemas });
  assert.deepEqual(await strict.load("cut", { before: "n" }), [said("a", "1")]);
  const dropped = ["b", "b", "none", ...many.map(({ id }) => id)];
  for (const chat of ["cut", "cut", "none"]) await store.remove(chat, dropped);
  const left = await client.messages(external("cut")).all();
  assert.deepEqual(left.map(({ content, role }) => content || role), ["1", "user", "9"]);
});

test("an approved call that is not passed over is there for its tool", async () => {
  const parts = [call("approval-responded", { approval })] as UIMessage["parts"];
  const { messages } = await toPrompt([said("a", "Go"), { id: "b", role: "assistant", parts }]);
  assert.deepEqual(
    messages.map(({ role }) => role),
    ["user", "assistant", "tool"],
  );
});

const answer = (...parts: object[]) =>
  ({ id: "a", role: "assistant", parts: [{ type: "step-start" }, ...parts] }) as UIMessage;
const question = said("q", "1");
const text = (text: string) => ({ type: "text", text });

for (const reason of ["stop", "length", "content-filter", "tool-calls"] as const) {
  test(`an answer that ended by ${reason} takes the place of another`, async () => {
    await store.save(reason, [question, answer(text("Old"))]);
    const end = { responseMessage: answer(text("New")), finishReason: reason };
    await store.saveAnswer(reason, question, end);
    assert.deepEqual((await store.load(reason))[1], end.responseMessage);
  });
}
for (const reason of ["error", "interrupted", "other", undefined] as const) {
  test(`an answer that ended by ${reason} is stored where there is none`, async () => {
    const [chat, ended] = [`by ${reason}`, reason && { finishReason: reason }];
    await store.save(chat, [question]);
    for (const said of ["First", "New"]) {
      const responseMessage = answer(text(said));
      await store.saveAnswer(chat, question, { responseMessage, ...ended });
    }
    assert.deepEqual((await store.load(chat))[1], answer(text("First")));
  });
}

test("an answer that was stopped takes the place of its own beginning alone", async () => {
  const responded = { approval: { id: "p", approved: true } };
  const given = call("output-available", { output: 1 });
  const file = { type: "file", mediaType: "image/png", url: "https://a.example/1.png" };
  const cases: [object[], object[], boolean][] = [
    [[text("One")], [text("One"), text("Two")], true],
    [[text("On")], [text("One")], true],
    [[call("approval-responded", responded)], [given, text("Done")], true],
    [[given], [given, text("Done")], true],
    [[file], [file, text("Done")], true],
    [[text("One"), text("Two")], [text("One")], false],
    [[text("One")], [text("Two"), text("Three")], false],
    [[text("One")], [{ type: "reasoning", text: "One" }, text("Two")], false],
    [[given], [call("input-available", {}), text("Done")], false],
    [[given], [{ ...given, toolCallId: "other" }, text("Done")], false],
    [[file], [{ ...file, url: "https://a.example/2.png" }, text("Done")], false],
  ];
  for (const [place, [old, grown, isBeginning]] of cases.entries()) {
    await store.save(`stopped ${place}`, [question, answer(...old)]);
    await store.saveAnswer(`stopped ${place}`, question, { responseMessage: answer(...grown) });
    const [, stored] = await client.messages(external(`stopped ${place}`)).all();
    assert.deepEqual(stored?.body, answer(...(isBeginning ? grown : old)), `${place}`);
  }
});

test("of an answer that is too large what fits is stored", async () => {
  const large = (length: number) => call("output-available", { output: "x".repeat(length) });
  const [mine, providerMetadata] = [text("So"), { openai: { itemId: "i" } }];
  const theirs = { ...mine, providerMetadata };
  const finishReason = "stop";
  for (const length of [300_000, 6_000_000]) {
    await store.save("large", [question]);
    const responseMessage = answer(large(length), theirs, large(200_000), large(100_000));
    await store.saveAnswer("large", question, { responseMessage, finishReason });
    assert.deepEqual((await store.load("large"))[1], answer(mine, large(100_000)));
    const grown = answer(theirs, large(length));
    await store.saveAnswer("large", question, { responseMessage: grown, finishReason });
    assert.deepEqual((await store.load("large"))[1], answer(mine));
    await store.delete("large");
  }
  await store.save("large", [question]);
  const whole = { responseMessage: answer(text("x".repeat(300_000))), finishReason } as const;
  await assert.rejects(store.saveAnswer("large", question, whole), InvalidInputError);
  const wrong = { responseMessage: { ...answer(theirs, mine), id: " " }, finishReason } as const;
  await assert.rejects(store.saveAnswer("large", question, wrong), InvalidInputError);
  assert.deepEqual(await store.load("large"), [question]);
});

test("a place is the id of a message that has none of its own, and of no other", async () => {
  await store.save("place", [said("a", "1"), said("b", "2", "assistant")]);
  await client.append(external("place"), [{ role: "user", content: "3" }]);
  const before = await store.load("place");
  for (const id of ["message_order:2", "message_order:9"]) {
    const refused = store.save("place", [said("c", "4"), said(id, "5")]);
    await assert.rejects(refused, InvalidInputError);
    const responseMessage = said(id, "6", "assistant");
    const answered = store.saveAnswer("place", said("a", "1"), { responseMessage });
    await assert.rejects(answered, InvalidInputError);
  }
  await assert.rejects(store.save("no place", [said("message_order:1", "5")]), InvalidInputError);
  assert.deepEqual([await store.load("place"), await store.load("no place")], [before, []]);
  await store.save("place", [said("message_order:3", "7")]);
  const after = [...before.slice(0, 2), said("message_order:3", "7")];
  assert.deepEqual(await store.load("place"), after);
});

test("of a message that is given twice at once the last counts", async () => {
  const twice = [said("a", "1"), said("b", "2"), said("a", "3")];
  for (const _ of [1, 2]) {
    await store.save("twice", twice);
    assert.deepEqual(await store.load("twice"), [said("a", "3"), said("b", "2")]);
  }
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
