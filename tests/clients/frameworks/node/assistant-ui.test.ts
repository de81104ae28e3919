// assistant-ui as an application mounts it, its components aside: React without a window.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  AssistantRuntimeProvider,
  type AssistantRuntime,
  type ChatModelAdapter,
  type ThreadMessage,
  useAui,
  useLocalRuntime,
  useRemoteThreadListRuntime,
} from "@assistant-ui/react";
import { useChatRuntime } from "@assistant-ui/react-ai-sdk";
import {
  type ChatTransport,
  generateId,
  simulateReadableStream,
  type UIMessage,
  type UIMessageChunk,
} from "ai";
import { type Client, external, InvalidInputError, type Item } from "chat-sessions-client";
import {
  THREAD_MESSAGE_FORMAT,
  threadHistory,
  threadList,
} from "chat-sessions-client/assistant-ui";
import { createElement, useMemo } from "react";
import { create, type ReactTestRenderer } from "react-test-renderer";

import { Service, until } from "./service.ts";

const service = await Service.start();
after(() => service.stop());
const client = service.client();

const echo: ChatModelAdapter = {
  run: async ({ messages }) => {
    const asked = messages.at(-1)?.content[0];
    return { content: [{ type: "text", text: asked?.type === "text" ? `${asked.text}!` : "" }] };
  },
};

const useEcho = () => useLocalRuntime(echo);

/** The AI SDK's own runtime, and what would come from its route. */
const useEchoedChat = () => useChatRuntime({ transport });
const transport: ChatTransport<UIMessage> = {
  reconnectToStream: async () => null,
  sendMessages: async ({ messages }) => {
    const asked = messages.at(-1)?.parts.find(({ type }) => type === "text");
    const delta = asked?.type === "text" ? `${asked.text}!` : "";
    return simulateReadableStream<UIMessageChunk>({
      chunks: [
        { type: "start", messageId: generateId() },
        { type: "text-start", id: "0" },
        { type: "text-delta", id: "0", delta },
        { type: "text-end", id: "0" },
        { type: "finish" },
      ],
    });
  },
};

function adapterOf(client: Client) {
  return {
    ...threadList(client),
    unstable_useAdapters: function useAdapters() {
      const aui = useAui();
      return useMemo(() => {
        const item = aui.threadListItem();
        const initialize = async () => (await item.initialize()).remoteId;
        return { history: threadHistory(client, initialize, () => item.getState().remoteId) };
      }, [aui]);
    },
  };
}

/** Mount an application anew, as a reload of its page does. */
async function mounted(
  runtimeHook = useEcho,
): Promise<{ runtime: AssistantRuntime; app: ReactTestRenderer }> {
  let runtime: AssistantRuntime | undefined;
  const adapter = adapterOf(client);
  function App() {
    runtime = useRemoteThreadListRuntime({ runtimeHook, adapter });
    return createElement(AssistantRuntimeProvider, { runtime, children: null });
  }
  const app = create(createElement(App));
  await until(() => runtime !== undefined);
  return { runtime: runtime!, app };
}

const texts = (runtime: AssistantRuntime) =>
  runtime.thread
    .getState()
    .messages.map(({ content: [part] }) => (part?.type === "text" ? part.text : ""));

for (const [name, hook] of [
  ["a thread", useEcho],
  ["a thread of the AI SDK's messages", useEchoedChat],
] as const) {
  test(`${name} is made, answered, named, and there again after a restart`, async () => {
    await client.deleteSessions({ all: true });
    const { runtime, app } = await mounted(hook);
    runtime.thread.append("Where to?");
    const threads = () => client.sessions().all();
    await until(async () => (await threads())[0]?.message_count === 2);
    await until(async () => (await threads())[0]?.title === "Where to?");
    app.unmount();

    await service.kill();
    await service.start();
    const later = await mounted(hook);
    const id = (await threads())[0]!.id;
    await until(() => later.runtime.threads.getState().threadIds.includes(id));
    await later.runtime.threads.switchToThread(id);
    await until(() => texts(later.runtime).length === 2);
    assert.deepEqual(texts(later.runtime), ["Where to?", "Where to?!"]);
    later.runtime.thread.append("When?");
    await until(async () => (await client.session(id)).message_count === 4);
    const stored = await client.messages(id).all();
    assert.deepEqual(
      stored.map(({ role, content, metadata }) => [role, content, metadata["parent_id"]]),
      [
        ["user", "Where to?", null],
        ["assistant", "Where to?!", stored[0]?.external_id],
        ["user", "When?", stored[1]?.external_id],
        ["assistant", "When?!", stored[2]?.external_id],
      ],
    );
    later.app.unmount();
  });
}

test("the list of threads is the caller's sessions", async () => {
  const list = threadList(client, () => ` ${"é".repeat(300)} `);
  const { remoteId, externalId } = await list.initialize("local", {
    custom: { a: 1, b: { c: 2 } },
  });
  assert.equal(externalId, "local");
  assert.equal((await list.initialize("local")).remoteId, remoteId);
  await list.rename(remoteId, "Trip");
  await list.archive(remoteId);
  assert.deepEqual((await list.fetch(remoteId)).status, "archived");
  await list.unarchive(remoteId);
  await list.updateCustom(remoteId, { b: { d: [3] }, e: "x" });
  const { lastMessageAt, ...thread } = await list.fetch(remoteId);
  assert(lastMessageAt instanceof Date);
  const custom = { a: 1, b: { d: [3] }, e: "x" };
  assert.deepEqual(thread, { status: "regular", remoteId, externalId, title: "Trip", custom });
  await list.updateCustom(remoteId, { a: undefined, b: { c: null }, e: [1] });
  assert.deepEqual((await list.fetch(remoteId)).custom, { b: {}, e: [1] });
  await list.updateCustom(remoteId, { b: { constructor: 1, ["__proto__"]: 2 }, toString: 3 });
  await list.updateCustom(remoteId, { b: { f: 4 } });
  assert.deepEqual((await list.fetch(remoteId)).custom, { b: { f: 4 }, e: [1], toString: 3 });
  await list.updateCustom(remoteId, { b: { f: undefined }, toString: undefined });
  const titled = await list.generateTitle(remoteId, []);
  const chunks = [];
  for await (const chunk of titled) chunks.push(chunk);
  assert.equal((await list.fetch(remoteId)).title, "é".repeat(200));

  for (let n = 0; n < 60; n++) await client.createSession();
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await list.list(after ? { after } : {});
    ids.push(...page.threads.map(({ remoteId }) => remoteId));
    after = page.nextCursor;
  } while (after);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, (await client.sessions({ archived: "any" }).all()).length);
  await list.delete(remoteId);
  await list.delete(remoteId);
  await assert.rejects(client.session(external("local")), { status: 404 });
});

test("what other frameworks keep in a session's metadata is neither shown nor changed", async () => {
  const list = threadList(client);
  const others: Record<string, unknown>[] = [
    { adk_app: "a", adk_user: "u", adk_session: "s" },
    { kind: "chatkit.thread", thread: "{}" },
    { strands: { session_id: "s" } },
    { pydantic_ai_scope: "p" },
  ];
  for (const metadata of others) {
    const { id } = await client.createSession({ metadata: { ...metadata, model: "small" } });
    const stale = (await list.fetch(id)).custom;
    assert.deepEqual(stale, { model: "small" });
    const names = Object.keys(metadata);
    const given = Object.fromEntries(names.map((name) => [name, 1]));
    await list.updateCustom(id, { ...given, color: "red" });
    const expected = { ...metadata, model: "small", color: "red" };
    assert.deepEqual((await client.session(id)).metadata, expected);
  }
  const { remoteId } = await list.initialize("own", { custom: { kind: "work", thread: 7 } });
  await list.updateCustom(remoteId, { kind: "play" });
  assert.deepEqual((await list.fetch(remoteId)).custom, { kind: "play", thread: 7 });
});

test("a thread's metadata is changed behind a proxy that takes entity tags away, too", async () => {
  const stripping: typeof fetch = async (input, init) => {
    const { headers, status, body } = await fetch(input, init);
    return new Response(body, { status, headers: [...headers].filter(([name]) => name !== "etag") });
  };
  const { id } = await client.createSession({ metadata: { a: 1 } });
  await threadList(service.client({ fetch: stripping })).updateCustom(id, { b: 2 });
  assert.deepEqual((await client.session(id)).metadata, { a: 1, b: 2 });
});

const TITLES: [string, string | null][] = [
  ["a\0b\ud800", "ab"],
  ["\ud800 x", "x"],
  ["\u200b", null],
  ["\u3164 \u2800", null],
  ["\0", null],
  ["\n\n", null],
  [`${"é".repeat(300)}`, "é".repeat(200)],
];
test("a title is what the service takes", async () => {
  const { id } = await client.createSession();
  for (const [given, title] of TITLES) {
    for (const list of [threadList(client, () => given), threadList(client)]) {
      await client.changeSession(id, { title: null });
      await list.generateTitle(id, [said("a", given)]);
      const found = (await client.session(id)).title;
      assert.equal(found?.slice(0, 59), title?.slice(0, 59), JSON.stringify(given));
    }
    await threadList(client).rename(id, given);
    assert.equal((await client.session(id)).title, title);
  }
});

const said = (id: string, text = id, role: "user" | "assistant" = "user") =>
  ({
    id,
    role,
    content: [{ type: "text" as const, text }],
    createdAt: new Date("2026-01-02T03:04:05.678Z"),
    ...(role === "assistant" && { status: { type: "complete", reason: "stop" } }),
    attachments: [],
    metadata: { custom: {} },
  }) as unknown as ThreadMessage;

/** Each message and what it follows, as `a<b`. */
const TREE = ["u1<", "a1<u1", "u2<a1", "a2<u2", "u2x<a1", "a2x<u2x", "u3<a2"];
const REMOVED: [string, string][] = [
  ["a1", "u1< u2<u1 a2<u2 u2x<u1 a2x<u2x u3<a2"],
  ["u1", "a1< u2<a1 a2<u2 u2x<a1 a2x<u2x u3<a2"],
  ["u1 a1", "u2< a2<u2 u2x< a2x<u2x u3<a2"],
  ["u2x", "u1< a1<u1 u2<a1 a2<u2 a2x<a1 u3<a2"],
  ["u2 a2", "u1< a1<u1 u2x<a1 a2x<u2x u3<a1"],
];
for (const [removed, left] of REMOVED) {
  test(`${removed} is removed by another client, and its branches stay branches`, async () => {
    const { id } = await client.createSession();
    const history = threadHistory(client, () => id);
    for (const [name, parent] of TREE.map((one) => one.split("<"))) {
      await history.append({ message: said(name!), parentId: parent || null });
    }
    for (const name of removed.split(" ")) await client.deleteMessage(id, external(name));
    const shown = async () =>
      (await threadHistory(client, () => id).load()).messages
        .map(({ message, parentId }) => `${message.id}<${parentId ?? ""}`)
        .join(" ");
    assert.equal(await shown(), left);
  });
}

test("of a parent whose own is not known, what follows it stays together", async () => {
  const { id } = await client.createSession();
  for (const [name, parent] of TREE.slice(0, 6).map((one) => one.split("<"))) {
    const body = JSON.parse(JSON.stringify(said(name!))) as Item;
    const marks = { format: THREAD_MESSAGE_FORMAT, metadata: { parent_id: parent || null } };
    await client.putMessage(id, external(name!), { role: "user", body, ...marks });
  }
  await client.deleteMessage(id, external("a1"));
  const { messages } = await threadHistory(client, () => id).load();
  const found = messages.map(({ message, parentId }) => `${message.id}<${parentId ?? ""}`);
  assert.equal(found.join(" "), "u1< u2<u1 a2<u2 u2x<u1 a2x<u2x");
});

const createdAt = "2026-01-02T03:04:05.678Z";
const status = { type: "complete", reason: "stop" };
const metadata = { custom: {} };
const text = { type: "text", text: "hidden" };
const answer = { role: "assistant", content: [text], createdAt, status, metadata };
const question = { role: "user", content: [text], createdAt, attachments: [], metadata };

const call = { type: "tool-call", toolCallId: "c", toolName: "f", args: { a: 1 }, result: 1 };
const attachment = { id: "a", type: "file", name: "a", content: [] };

/** Each lacks what the runtime that has such messages cannot do without, and is shown so. */
const BROKEN: Record<string, [Item, string][]> = {
  "assistant-ui.thread-message": [
    [{ content: null }, "broken"],
    [{ ...answer, role: "constructor" }, "hidden"],
    ...[
      ...[{ status: undefined }, { status: null }, { status: {} }, { metadata: undefined }],
      ...[{ metadata: {} }, { metadata: { custom: {}, steps: 5 } }, { createdAt: "soon" }],
    ].map((lacking): [Item, string] => [{ ...answer, ...lacking }, "hidden"]),
    ...[null, 5, [], {}, { type: "text" }].flatMap((part): [Item, string][] => [
      [{ ...answer, content: [part] }, "broken"],
      [{ ...answer, content: [part, text, call] }, "hidden+tool-call"],
    ]),
    ...[
      ...[call, { ...call, args: [1], argsText: "[1]" }, { ...call, args: "x" }],
      ...[{ ...call, args: undefined }, { ...call, args: undefined, argsText: "" }],
      ...[{ type: "tool-call" }, { type: "file", data: "x" }, { type: "generative-ui", spec: [{}] }],
    ].map((part): [Item, string] => [{ ...answer, content: [part] }, part.type]),
    ...[
      ...[undefined, [null], [{}], [{ id: "a" }], [{ ...attachment, content: [null] }]],
      [attachment, attachment],
    ].map((attachments): [Item, string] => [{ ...question, attachments }, "hidden"]),
    [{ ...question, metadata: {} }, "hidden"],
    [{ role: "system", content: [null], createdAt, metadata }, "broken"],
  ],
  "ai-sdk/v6": [
    [{ content: null }, "broken"],
    [{ role: "toString", parts: [text] }, "hidden"],
    ...[null, 5, [], {}, { type: "text" }].flatMap((part): [Item, string][] => [
      [{ role: "assistant", parts: [part] }, "broken"],
      [{ role: "assistant", parts: [part, text] }, "hidden"],
    ]),
    [{ role: "assistant", parts: [{ type: "tool-f" }] }, "tool-call"],
    [{ role: "assistant", parts: [{ type: "file" }] }, "file"],
    [{ role: "user", parts: [{ type: "reasoning", text: "hidden" }] }, "broken"],
    [{ role: "user", parts: [{ type: "tool-f" }, text] }, "hidden"],
    [{ role: "user", parts: [text], metadata: { steps: [1] } }, "hidden"],
    [{ role: "assistant", parts: [text], metadata: { steps: 5 } }, "hidden"],
    [{ role: "assistant", parts: [text], metadata: { custom: null } }, "hidden"],
    [{ role: "system", parts: [] }, "broken"],
    [{ role: "system", parts: [text, text] }, "hiddenhidden"],
  ],
};

/** All parts: the AI SDK's runtime makes one answer of those that follow each other. */
const shown = (runtime: AssistantRuntime) =>
  runtime.thread
    .getState()
    .messages.flatMap(({ content }) =>
      content.map((part) => (part.type === "text" ? part.text : part.type)),
    )
    .join("+");

for (const [name, own, hook] of [
  ["thread", "assistant-ui.thread-message", useEcho],
  ["thread of the AI SDK's messages", "ai-sdk/v6", useEchoedChat],
] as const) {
  test(`a ${name} shows what other clients said, whatever they stored, and goes on`, async () => {
    await client.deleteSessions({ all: true });
    const broken = Object.entries(BROKEN).flatMap(([format, bodies]) =>
      bodies.map(([body]) => ({ role: "user" as const, content: "broken", format, body })),
    );
    const messages = [
      { role: "user" as const, content: "From a phone" },
      { role: "tool" as const, content: "18 degrees" },
      ...broken,
    ];
    const { id } = await client.createSession({ messages });
    const { runtime, app } = await mounted(hook);
    await until(() => runtime.threads.getState().threadIds.includes(id));
    await runtime.threads.switchToThread(id);
    const stored = Object.entries(BROKEN).flatMap(([format, bodies]) =>
      bodies.map(([, mended]) => (format === own ? mended : "broken")),
    );
    const expected = ["From a phone", ...stored].join("+");
    await until(() => shown(runtime).length >= expected.length);
    assert.equal(shown(runtime), expected);
    runtime.thread.append("And now?");
    await until(async () => (await client.session(id)).message_count === messages.length + 2);
    app.unmount();
    const later = await mounted(hook);
    await until(() => later.runtime.threads.getState().threadIds.includes(id));
    await later.runtime.threads.switchToThread(id);
    const goneOn = `${expected}+And now?+And now?!`;
    await until(() => shown(later.runtime).length >= goneOn.length);
    assert.equal(shown(later.runtime), goneOn);
    later.app.unmount();
  });
}

test("an id that cannot be one is told", async () => {
  const { id } = await client.createSession();
  const history = threadHistory(client, () => id);
  for (const wrong of ["", " x ", "x".repeat(300), "\ud800", "👩‍👩‍👧"]) {
    const item = { message: said(wrong), parentId: null };
    await assert.rejects(history.append(item), InvalidInputError, JSON.stringify(wrong));
    await history.delete([item]);
  }
});

test("a message is removed, and those that followed it stay", async () => {
  const { id } = await client.createSession();
  const history = threadHistory(client, () => id);
  const items = ["a", "b", "c"].map((name, place, all) => ({
    message: said(name),
    parentId: all[place - 1] ?? null,
    ...(place === 2 && { runConfig: { custom: { model: "small" } } }),
  }));
  for (const item of items) await history.append(item);
  assert.deepEqual((await history.load()).messages, items);
  const emptied = { ...said("a"), content: [] } as unknown as ThreadMessage;
  await history.update({ ...items[0]!, message: emptied });
  await history.delete([items[1]!, items[1]!]);
  const [first, last] = (await history.load()).messages;
  assert.deepEqual([first?.message.content, last?.parentId], [[], "a"]);
  await client.deleteSession(id);
  await history.delete([items[0]!]);
});
