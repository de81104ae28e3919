// assistant-ui as an application mounts it, its components aside: React without a window.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  AssistantRuntimeProvider,
  type AssistantRuntime,
  type ChatModelAdapter,
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
import { type Client, external } from "chat-sessions-client";
import { threadHistory, threadList } from "chat-sessions-client/assistant-ui";
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
  const custom = { b: { d: [3] }, e: "x" };
  assert.deepEqual(thread, { status: "regular", remoteId, externalId, title: "Trip", custom });
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

test("a message is removed, and those that followed it stay", async () => {
  const { id } = await client.createSession();
  const history = threadHistory(client, () => id);
  const said = (name: string) => ({
    id: name,
    role: "user" as const,
    content: [{ type: "text" as const, text: name }],
    createdAt: new Date("2026-01-02T03:04:05.678Z"),
    attachments: [],
    metadata: { custom: {} },
  });
  const items = ["a", "b", "c"].map((name, place, all) => ({
    message: said(name),
    parentId: all[place - 1] ?? null,
    ...(place === 2 && { runConfig: { custom: { model: "small" } } }),
  }));
  for (const item of items) await history.append(item);
  assert.deepEqual((await history.load()).messages, items);
  await history.update({ ...items[0]!, message: { ...said("a"), content: [] } });
  await history.delete([items[1]!, items[1]!]);
  const [first, last] = (await history.load()).messages;
  assert.deepEqual([first?.message.content, last?.parentId], [[], "a"]);
  await client.deleteSession(id);
  await history.delete([items[0]!]);
});
