// What a page of a chat front end does, with a client made of the API's description. It prints
// what it was answered. The compiler checks every name and type in it.
import createClient from "openapi-fetch";

import type { components, paths } from "./api.ts";

type Message = components["schemas"]["MessageResponse"];

declare const process: { argv: string[] }; // Node's

const [baseUrl = "", token = ""] = process.argv.slice(2);
const api = createClient<paths>({
  baseUrl,
  headers: { Authorization: `Bearer ${token}` },
});

async function create(title: string): Promise<string> {
  const { data, error } = await api.POST("/sessions", { body: { title } });
  if (!data) throw new Error(error.detail);
  return data.id;
}

async function everyMessage(session_id: string): Promise<Message[]> {
  const held: Message[] = [];
  for (;;) {
    const query = { limit: 2, after: held.at(-1)?.message_order ?? 0 };
    const path = "/sessions/{session_id}/messages";
    const { data, error } = await api.GET(path, { params: { path: { session_id }, query } });
    if (!data) throw new Error(error.detail);
    held.push(...data.items);
    if (!data.pagination.has_next) return held;
  }
}

async function everySession(): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: 2, ...(cursor && { cursor }) };
    const { data, error } = await api.GET("/sessions", { params: { query } });
    if (!data) throw new Error(error.detail);
    ids.push(...data.items.map(({ id }) => id));
    cursor = data.pagination.next_cursor ?? undefined;
  } while (cursor);
  return ids;
}

const ids = [await create("one"), await create("two"), await create("three")];
const session_id = ids[0]!;

const messages = ["0", "1", "2", "3", "4"].map((content) => ({ role: "user" as const, content }));
const append = "/sessions/{session_id}/messages";
await api.POST(append, { params: { path: { session_id } }, body: { messages } });

const missing = "01a20ab2-e3be-7336-be46-7b4184e042f7";
const gone = await api.GET("/sessions/{session_id}", { params: { path: { session_id: missing } } });
const refused = await api.POST(append, { params: { path: { session_id } }, body: { messages: [] } });
const errors = refused.error && "errors" in refused.error ? refused.error.errors : [];

console.log(
  JSON.stringify({
    created: ids,
    said: (await everyMessage(session_id)).map(({ content }) => content),
    listed: await everySession(),
    gone: gone.error && [gone.error.status, gone.error.detail],
    wrong: errors.map(({ pointer }) => pointer),
  }),
);
