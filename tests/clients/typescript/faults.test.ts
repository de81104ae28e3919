import assert from "node:assert/strict";
import { after, test } from "node:test";

import {
  type Client,
  etagOf,
  external,
  NotFoundError,
  type ProblemError,
  RateLimitedError,
  UnavailableError,
  UnexpectedAnswerError,
} from "chat-sessions-client";

import { LosingProxy, Service, take, until } from "./service.ts";

const service = await Service.start();
const proxy = await new LosingProxy(service).start();
after(async () => {
  proxy.stop();
  await service.stop();
});
const sure = service.client();
const client = service.client({ baseUrl: proxy.url, retries: 20 });
const chat = external("chat");

const user = (content: string) => ({ role: "user" as const, content });
const stored = async (id: string) => (await sure.messages(id).all()).map(({ content }) => content);

// Whatever is asked, its first answer is lost: [method, what is asked, what is stored then].
const asked: [string, string, () => Promise<unknown>, string[] | undefined][] = [
  ["creating", "POST", () => client.createSession({ external_id: "chat" }), []],
  ["appending", "POST", () => client.append(chat, ["a", "b", "c"].map(user)), ["a", "b", "c"]],
  [
    "appending by PUT",
    "PUT",
    () => client.putMessage(chat, external("d"), user("d")),
    ["a", "b", "c", "d"],
  ],
  ["replacing", "PUT", () => client.putMessage(chat, 1, user("A")), ["A", "b", "c", "d"]],
  [
    "replacing the last",
    "PUT",
    () => client.putMessage(chat, "last", user("D")),
    ["A", "b", "c", "D"],
  ],
  ["taking one back", "DELETE", () => client.deleteMessage(chat, 1), ["b", "c", "D"]],
  ["taking the last back", "DELETE", () => client.deleteMessage(chat, "last"), ["b", "c"]],
  ["renaming", "PATCH", () => client.changeSession(chat, { title: "T" }), ["b", "c"]],
  ["reading", "GET", () => client.messages(chat).all(), ["b", "c"]],
  ["clearing", "DELETE", () => client.clearMessages(chat), []],
  ["deleting", "DELETE", () => client.deleteSession(chat), undefined],
];
for (const [name, method, ask, left] of asked) {
  test(`an answer to ${name} is lost, and nothing is done twice`, async () => {
    proxy.lost = 0;
    proxy.loseNext(method);
    await ask();
    assert.equal(proxy.lost, 1);
    if (left) assert.deepEqual(await stored(chat), left);
    else await assert.rejects(sure.session(chat), { status: 404 });
  });
}

// What another does while the answer to a removal is lost stays: [method's name, what is asked].
const here = external("here");
const removals: [string, () => Promise<unknown>, () => Promise<unknown>, string[]][] = [
  ["clearing", () => client.clearMessages(here), () => sure.append(here, [user("c")]), ["c"]],
  [
    "clearing before an order",
    () => client.clearMessages(here, { before: 9 }),
    () => sure.append(here, [user("c")]),
    ["c"],
  ],
  ["deleting", () => client.deleteSession(here), () => anew("c"), ["c"]],
  ["clearing what is made anew", () => client.clearMessages(here), () => anew("c"), ["c"]],
  [
    "taking back",
    () => client.deleteMessage(here, external("b")),
    () => sure.putMessage(here, external("b"), user("B")),
    ["a", "B"],
  ],
  ["taking back from what is made anew", () => client.deleteMessage(here, 1), () => anew("c"), ["c"]],
  ["taking the last back", () => client.deleteMessage(here, "last"), () => anew("c", "d"), ["c", "d"]],
];
async function anew(...contents: string[]) {
  await sure.deleteSession(here).catch((error: ProblemError) => assert.equal(error.status, 404));
  const messages = contents.map((content) => ({ ...user(content), external_id: content }));
  return sure.createSession({ external_id: "here", messages });
}
for (const [name, remove, meanwhile, left] of removals) {
  test(`what another does while the answer to ${name} is lost stays`, async () => {
    await anew("a", "b");
    const tag = etagOf(await sure.session(here));
    proxy.loseNext("DELETE");
    proxy.hold();
    const removed = remove();
    await until(() => sure.session(here).then((is) => etagOf(is) !== tag, () => true));
    await meanwhile();
    proxy.release();
    await removed;
    assert.deepEqual(await stored(here), left);
  });
}

// What a proxy answers, or the service of another path, once an answer was lost.
const URN = "urn:problem-type:chat-sessions:";
const notOurs: [string, () => Response][] = [
  ["text", () => new Response("default backend - 404", { status: 404 })],
  ["null", () => Response.json(null, { status: 404 })],
  ["another type", () => Response.json({ type: 5 }, { status: 404 })],
  ["no route", () => Response.json({ type: `${URN}route-not-found` }, { status: 404 })],
];
for (const [name, answer] of notOurs) {
  test(`a 404 that is not of what was to be removed is told: ${name}`, async () => {
    const { id } = await anew("a");
    const removals: ((client: Client) => Promise<unknown>)[] = [
      (client) => client.deleteSession(id),
      (client) => client.deleteMessage(id, 1),
      (client) => client.clearMessages(id),
    ];
    for (const remove of removals) {
      let asked = 0;
      const away: typeof fetch = async (input, init) => {
        if (init?.method !== "DELETE") return fetch(input, init);
        return asked++ ? answer() : new Response("<p>", { status: 502 });
      };
      const error = await remove(service.client({ fetch: away })).catch((reason: unknown) => reason);
      assert(error instanceof NotFoundError, String(error));
      assert(error.afterLostAnswer);
      assert.equal(asked, 2);
    }
    assert.deepEqual(await stored(id), ["a"]);
  });
}

// What a page's fallback at another path, or a captive portal, answers in the service's place.
const elsewhere: [string, () => Response][] = [
  ["a page", () => new Response("<p>", { headers: { "Content-Type": "text/html" } })],
  ["null", () => Response.json(null)],
  ["another object", () => Response.json({})],
  ["an empty list", () => Response.json([])],
];
const operations: [string, (client: Client) => Promise<unknown>][] = [
  ["createSession", (client) => client.createSession()],
  ["sessions", (client) => client.sessions().all()],
  ["session", (client) => client.session("a")],
  ["changeSession", (client) => client.changeSession("a", {})],
  ["deleteSession", (client) => client.deleteSession("a")],
  ["deleteSessions", (client) => client.deleteSessions({ all: true })],
  ["append", (client) => client.append("a", [user("a")])],
  ["messages", (client) => client.messages("a").all()],
  ["message", (client) => client.message("a", 1)],
  ["putMessage", (client) => client.putMessage("a", 1, user("a"))],
  ["deleteMessage", (client) => client.deleteMessage("a", 1)],
  ["clearMessages", (client) => client.clearMessages("a")],
  ["search", (client) => client.search("a").all()],
  ["events", (client) => take(client.events("a"), 1)],
  ["export", (client) => take(client.export(), 1)],
  ["importLines", (client) => take(client.importLines(["{}"]), 1)],
];
for (const [name, answer] of elsewhere) {
  test(`an answer that is not the service's is told: ${name}`, async () => {
    const client = service.client({ fetch: async () => answer() });
    for (const [operation, ask] of operations) {
      await assert.rejects(ask(client), UnexpectedAnswerError, operation);
    }
  });
}

test("deleting all is not asked for again after an answer was lost", async () => {
  proxy.loseNext("POST");
  const asking = proxy.asked.length;
  await assert.rejects(client.deleteSessions({ all: true }), { name: "ConnectionFailedError" });
  assert.equal(proxy.asked.length, asking + 1);
});

// A session by its line, and how many there are once an answer was lost: more than one is too many.
const named = { type: "session", external_id: "brought" };
const brought: [string, string, boolean][] = [
  ["an external id", JSON.stringify(named), true],
  ["an id", JSON.stringify({ type: "session", id: "0" }), true],
  ["none", JSON.stringify({ type: "session" }), false],
  ["none, and escapes", '{"type":"\\u0073ession"}', false],
];
for (const [name, line, isAgain] of brought) {
  test(`an import whose answer is lost stores a session once: with ${name}`, async () => {
    await sure.deleteSessions({ all: true });
    proxy.loseNext("POST");
    const bring = take(client.importLines([line]), 1);
    if (isAgain) await bring;
    else await assert.rejects(bring, { name: "ConnectionFailedError" });
    assert.equal((await sure.sessions().page()).pagination.total, 1);
  });
}

test("two writers whose answers get lost, and a service that is killed: each message once, in order", async () => {
  const { id } = await sure.createSession();
  const heard: string[] = [];
  const stop = new AbortController();
  const follow = async () => {
    for await (const { event, data } of client.events(id, { after: 0, signal: stop.signal })) {
      if (event === "message") heard.push(data.content);
    }
  };
  const following = follow().catch((error: Error) => assert.equal(error.name, "AbortError"));
  let count = 0;
  proxy.loses = (request) => request.method === "POST" && ++count % 3 === 0;
  const write = async (name: string, writer: Client) => {
    for (let n = 0; n < 12; n++) await writer.append(id, [user(`${name}${n}`)]);
  };
  const writers = [
    write("a", client),
    write("b", service.client({ baseUrl: proxy.url, retries: 20 })),
  ];
  await until(() => heard.length > 6);
  await service.kill();
  await service.start();
  await Promise.all(writers);
  await until(() => heard.length >= 24);
  stop.abort();
  await following;
  assert.deepEqual(heard, await stored(id));
  for (const name of ["a", "b"]) {
    const own = heard.filter((content) => content.startsWith(name));
    assert.deepEqual(
      own,
      Array.from({ length: 12 }, (_, n) => `${name}${n}`),
    );
  }
  assert(proxy.lost > 6);
});

test("a limit is waited for as long as it says, and told where that is too long", async () => {
  const limited = await Service.start({
    CHAT_SESSIONS_DATABASE_URL: "memory://",
    CHAT_SESSIONS_RATE_LIMITS: "on",
    CHAT_SESSIONS_RATE_LIMIT_CREATE: "1/second",
    CHAT_SESSIONS_RATE_LIMIT_READ: "1/day",
  });
  after(() => limited.stop());
  const patient = limited.client();
  for (let n = 0; n < 2; n++) await patient.createSession();
  assert.equal((await patient.sessions().page()).pagination.total, 2);
  const error = await patient
    .sessions()
    .page()
    .catch((reason: unknown) => reason);
  assert(error instanceof RateLimitedError);
  assert((error.retryAfter ?? 0) > 60);
});

test("what a proxy says of a service that is away is tried again, and told in the end", async () => {
  let asked = 0;
  const away = async () => {
    asked++;
    return new Response("<p>", { status: 503, headers: { "Retry-After": "0" } });
  };
  const error = await service
    .client({ fetch: away, retries: 2 })
    .createSession()
    .catch((reason: unknown) => reason);
  assert(error instanceof UnavailableError);
  assert(error.afterLostAnswer);
  assert.equal(asked, 3);
  assert.equal((await take(sure.sessions(), 1)).length, 1);
});
