// What a web application does, with a client and zod's schemas made of the API's description: it
// validates what it sends and what it gets. It prints what it was answered.
import * as api from "./api.ts";
import * as schemas from "./schemas.ts";

declare global {
  var process: { argv: string[] }; // Node's
}

const [, , , token = "", body = ""] = process.argv;
const signedIn = { headers: { Authorization: `Bearer ${token}` } };

type Answer = { status: number; data: unknown };
type Schema<Value> = { parse(value: unknown): Value };

/** What it was answered, once that holds. */
async function answered<Value>(schema: Schema<Value>, answer: Promise<Answer>): Promise<Value> {
  const { status, data } = await answer;
  if (status >= 300) throw new Error(`${status} ${JSON.stringify(data)}`);
  return schema.parse(data);
}

const create = schemas.CreateSessionBody.parse({
  title: "😀".repeat(150),
  external_id: "typescript/1",
  metadata: { starred: true },
});
const session = await answered(schemas.CreateSessionResponse, api.createSession(create, signedIn));
const held = await answered(schemas.GetSessionResponse, api.getSession("ext:typescript/1", signedIn));

const batch = schemas.AppendMessagesBody.parse({
  messages: [
    { role: "user", content: "hi" },
    { role: "assistant", format: "openai.chat", body: JSON.parse(body) },
  ],
});
const { items: appended } = await answered(
  schemas.AppendMessagesResponse,
  api.appendMessages(session.id, batch, {}, signedIn),
);

const put = schemas.PutMessageBody.parse({ role: "tool", content: "sunny" });
const made = await answered(
  schemas.PutMessageResponse,
  api.putMessage(session.id, "ext:m/1", put, signedIn),
);
const got = await answered(
  schemas.GetMessageResponse,
  api.getMessage(session.id, "ext:m/1", signedIn),
);

const after = schemas.ListMessagesQueryParams.parse({ after: 1, view: "text" });
const page = await answered(
  schemas.ListMessagesResponse,
  api.listMessages(session.id, after, signedIn),
);
const wanted = schemas.ListSessionsQueryParams.parse({
  limit: 10,
  archived: "any",
  external_id: "typescript/1",
  updated_after: session.last_updated,
});
const found = await answered(schemas.ListSessionsResponse, api.listSessions(wanted, signedIn));

const update = schemas.UpdateSessionBody.parse({ title: "Lisbon" });
const patched = await answered(
  schemas.UpdateSessionResponse,
  api.updateSession(session.id, update, signedIn),
);

const wrong = await api.updateSession(session.id, { title: "x".repeat(201) }, signedIn);
const taken = await api.createSession(create, signedIn);
const missing = await api.getSession("ext:none", signedIn);

await api.clearMessages(session.id, {}, signedIn);
const left = await answered(schemas.GetSessionResponse, api.getSession(session.id, signedIn));

console.log(
  JSON.stringify({
    held: [held.id === session.id, held.title, held.metadata],
    appended: appended.map((one) => [one.message_order, one.role, one.content, one.body]),
    put: [made.external_id, got.content, got.message_order, got.id === made.id],
    page: page.items.map((one) => [one.message_order, one.body]),
    found: found.items.map((one) => one.external_id),
    patched: [patched.title, patched.metadata, patched.archived],
    wrong: wrong.status === 422 && [wrong.status, wrong.data.errors[0]?.pointer],
    taken: taken.status === 409 && [taken.status, taken.data.session_id === session.id],
    missing: missing.status === 404 && [missing.status, missing.data.detail],
    left: left.message_count,
  }),
);
