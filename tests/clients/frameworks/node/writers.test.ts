// Lost answers, a killed service and two writers, through each way in which messages are stored.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import type { ThreadMessage } from "@assistant-ui/react";
import { aiSDKV6FormatAdapter } from "assistant-cloud/ai-sdk";
import type { UIMessage } from "ai";
import { type Client, external } from "chat-sessions-client";
import { ChatStore } from "chat-sessions-client/ai-sdk";
import { threadHistory, threadList } from "chat-sessions-client/assistant-ui";

import { LosingProxy, Service, until } from "./service.ts";

const service = await Service.start();
const proxy = await new LosingProxy(service).start();
after(async () => {
  proxy.stop();
  await service.stop();
});
const sure = service.client();

interface Store {
  write(id: string): Promise<void>;
  read(): Promise<string[]>;
}
const uiMessage = (id: string): UIMessage => ({
  id,
  role: "user",
  parts: [{ type: "text", text: id }],
});
const threadMessage = (id: string): ThreadMessage => ({
  id,
  role: "user",
  content: [{ type: "text", text: id }],
  createdAt: new Date(),
  attachments: [],
  metadata: { custom: {} },
});
const open = (client: Client, name: string) => async () =>
  (await threadList(client).initialize(name)).remoteId;

const STORES: Record<string, (client: Client, name: string) => Store> = {
  "the AI SDK's chats": (client, name) => {
    const store = new ChatStore(client);
    return {
      write: (id) => store.save(name, [uiMessage(id)]),
      read: async () => (await store.load(name)).map(({ id }) => id),
    };
  },
  "assistant-ui's threads": (client, name) => {
    const history = threadHistory(client, open(client, name));
    return {
      write: (id) => history.append({ message: threadMessage(id), parentId: null }),
      read: async () => (await history.load()).messages.map(({ message }) => message.id),
    };
  },
  "assistant-ui's threads of AI SDK messages": (client, name) => {
    const history = threadHistory(client, open(client, name)).withFormat(aiSDKV6FormatAdapter);
    return {
      write: (id) => history.append({ message: uiMessage(id), parentId: null }),
      read: async () => (await history.load()).messages.map(({ message }) => message.id),
    };
  },
};

for (const [name, made] of Object.entries(STORES)) {
  test(`${name}: two writers, lost answers, a killed service: each message once`, async () => {
    let count = 0;
    proxy.lost = 0;
    proxy.loses = ({ method }) => method !== "GET" && ++count % 3 === 0;
    const write = async (who: string) => {
      const store = made(service.client({ baseUrl: proxy.url, retries: 20 }), name);
      for (let n = 0; n < 8; n++) await store.write(`${who}${n}`);
    };
    const writers = [write("a"), write("b")];
    const there = async () => (await sure.session(external(name))).message_count;
    await until(async () => (await there().catch(() => 0)) > 4);
    await service.kill();
    await service.start();
    await Promise.all(writers);
    const ids = await made(sure, name).read();
    for (const who of ["a", "b"]) {
      const own = ids.filter((id) => id.startsWith(who));
      assert.deepEqual(
        own,
        Array.from({ length: 8 }, (_, n) => `${who}${n}`),
      );
    }
    assert.equal(ids.length, 16);
    assert.equal(await there(), 16);
    assert(proxy.lost > 4);
  });
}
