// The session of OpenAI's agents, as it is published, against the service's second dialect.
import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  Agent,
  type Model,
  OpenAIConversationsSession,
  run,
  setTracingDisabled,
  Usage,
} from "@openai/agents";

import { LosingProxy, Service } from "./service.ts";

setTracingDisabled(true);
const service = await Service.start({ CHAT_SESSIONS_OPENAI_DIALECT: "true" });
const proxy = await new LosingProxy(service).start();
after(async () => {
  proxy.stop();
  await service.stop();
});

/** It tells how many items it was given. */
const counting: Model = {
  async getResponse({ input }) {
    const text = `${Array.isArray(input) ? input.length : 1} items`;
    const content = [{ type: "output_text" as const, text }];
    const message = { type: "message" as const, role: "assistant" as const, content };
    return { usage: new Usage(), output: [{ ...message, status: "completed" as const }] };
  },
  async *getStreamedResponse() {
    throw new Error("This model does not stream.");
  },
};
const agent = new Agent({ name: "Counter", model: counting });

const sessionOf = (url: string, conversationId?: string) =>
  new OpenAIConversationsSession({
    baseURL: `${url}/v1`,
    apiKey: service.token(),
    ...(conversationId && { conversationId }),
  });

/** The first answer to each of these methods is lost. */
function lost(...methods: string[]): LosingProxy["loses"] {
  const left = new Set<unknown>(methods);
  return ({ method }) => left.delete(method);
}

test("a conversation outlives a restart, and lost answers", async () => {
  const session = sessionOf(service.url);
  assert.equal((await run(agent, "One", { session })).finalOutput, "1 items");
  const id = await session.getSessionId();
  await service.kill();
  await service.start();
  proxy.loses = lost("GET", "POST");
  const later = sessionOf(proxy.url, id);
  assert.equal((await run(agent, "Two", { session: later })).finalOutput, "3 items");
  assert.equal(proxy.lost, 2);

  const items = await later.getItems();
  assert.deepEqual(
    items.map((item) => ("role" in item ? item.role : item.type)),
    ["user", "assistant", "user", "assistant"],
  );
  assert.deepEqual(await later.getItems(2), items.slice(2));
  assert.deepEqual(await later.popItem(), items.at(-1));
  assert.equal((await later.getItems()).length, 3);
  await later.clearSession();
});

test("two writers on one conversation: each item once", async () => {
  const id = await sessionOf(service.url).getSessionId();
  const write = async (who: string) => {
    const session = sessionOf(service.url, id);
    for (let n = 0; n < 8; n++) await session.addItems([{ role: "user", content: `${who}${n}` }]);
  };
  await Promise.all([write("a"), write("b")]);
  const said = (await sessionOf(service.url, id).getItems()).map((item) => JSON.stringify(item));
  for (const who of ["a", "b"]) {
    const found = said.flatMap((text) => new RegExp(`"(${who}\\d)"`).exec(text)?.[1] ?? []);
    assert.deepEqual(
      found,
      Array.from({ length: 8 }, (_, n) => `${who}${n}`),
    );
  }
  assert.equal(said.length, 16);
});
