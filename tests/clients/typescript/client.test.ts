import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, test } from "node:test";

import * as sessions from "chat-sessions-client";
import { Client, etagOf, external, type SessionEvent } from "chat-sessions-client";

import { Service, take } from "./service.ts";

const service = await Service.start({
  CHAT_SESSIONS_DATABASE_URL: "memory://",
  CHAT_SESSIONS_EVENTS_SECONDS: "0.3",
});
after(() => service.stop());
const client = service.client();

const user = (content: string) => ({ role: "user" as const, content });
const texts = (messages: { content: string }[]) => messages.map(({ content }) => content);

test("a conversation is made, read in pages, changed and taken away", async () => {
  const trip = external("trip 1/ü");
  const metadata = { model: "small", n: 1 };
  const made = await client.createSession({ external_id: "trip 1/ü", title: "Trip", metadata });
  assert.equal((await client.session(trip)).id, made.id);
  const said = await client.append(trip, ["a", "b", "c", "d", "e"].map(user));
  assert.deepEqual(
    said.map(({ message_order }) => message_order),
    [1, 2, 3, 4, 5],
  );

  for (const [query, found] of [
    [{ limit: 2 }, "abcde"],
    [{ limit: 2, sort_order: "desc" }, "edcba"],
    [{ limit: 2, after: 3 }, "de"],
    [{ limit: 2, before: 3, sort_order: "desc" }, "ba"],
    [{ limit: 2, offset: 1 }, "bcde"],
    [{ limit: 2, view: "text" }, "abcde"],
  ] as const) {
    assert.equal(texts(await client.messages(trip, query).all()).join(""), found);
  }
  const page = await client.messages(trip, { limit: 2 }).page();
  assert.equal(page.pagination.total, 5);

  assert.equal((await client.message(trip, "last")).content, "e");
  assert.equal((await client.putMessage(trip, 2, user("B"))).content, "B");
  assert.equal((await client.putMessage(trip, "last", user("E"))).message_order, 5);
  assert.equal((await client.deleteMessage(trip, "last"))?.content, "E");
  assert.equal((await client.deleteMessage(trip, 1))?.content, "a");
  await client.clearMessages(trip, { before: 3 });
  assert.equal(texts(await client.messages(trip).all()).join(""), "cd");
  await client.clearMessages(trip);
  await client.clearMessages(trip);
  assert.deepEqual(await client.messages(trip).all(), []);

  const changed = await client.changeSession(made.id, { title: null, pinned: true });
  assert.deepEqual([changed.title, changed.pinned, changed.metadata], [null, true, metadata]);
  await client.deleteSession(trip);
  await assert.rejects(client.session(trip), sessions.SessionNotFoundError);
});

test("items of a framework come back as they were, whichever way they are walked", async () => {
  const items = [
    { role: "user", content: [{ type: "text", text: "\ud800 \0 ü" }] },
    { role: "tool", tool_call_id: "1", content: "9" },
    { type: "reasoning", summary: [] },
  ];
  const chat = external("items");
  await client.append(chat, items, { format: "openai.chat", create: true });
  await client.append(chat, [user("plain")]);
  const all = [...items, user("plain")];
  const walk = (query: object) => client.messages(chat, { ...query, limit: 1, view: "body" }).all();
  assert.deepEqual(await walk({}), all);
  assert.deepEqual(await walk({ sort_order: "desc" }), all.toReversed());
});

test("sessions are listed by page and filter, found by their words, and deleted together", async () => {
  const ids = [];
  for (const n of [1, 2, 3, 4, 5]) {
    const metadata = { batch: "x", n, text: "1" };
    const messages = [user(`needle ${n}`)];
    ids.push((await client.createSession({ metadata, messages })).id);
  }
  await client.changeSession(ids[0]!, { archived: true });
  const find = async (query: sessions.SessionQuery) =>
    (await client.sessions({ limit: 2, sort_by: "created_at", ...query }).all()).map(
      ({ id }) => id,
    );
  const batch = { batch: "x" };
  assert.deepEqual(await find({ metadata: batch }), ids.slice(1).toReversed());
  assert.deepEqual(await find({ metadata: batch, archived: "any", sort_order: "asc" }), ids);
  assert.deepEqual(await find({ metadata: { ...batch, n: 3, text: "1" } }), [ids[2]]);
  const hits = await client.search("needle", { limit: 2 }).all();
  assert.equal(hits.length, 5);

  const dry = await client.deleteSessions({ session_ids: ids, dry_run: true });
  assert.deepEqual(dry, { sessions: 5, messages: 5, dry_run: true });
  assert.equal((await client.deleteSessions({ session_ids: ids })).sessions, 5);
  assert.deepEqual(await find({ metadata: batch, archived: "any" }), []);
});

test("each refusal is an error of its own, and tells what the service told", async () => {
  const bob = service.client({ token: service.token("bob") });
  const { id } = await client.createSession({ external_id: "taken" });
  const wrong = { ...user("a"), extra: 1 };
  for (const [asked, kind, status] of [
    [() => client.session("none"), sessions.SessionNotFoundError, 404],
    [() => client.message(id, 7), sessions.MessageNotFoundError, 404],
    [() => bob.session(id), sessions.SessionForbiddenError, 403],
    [() => client.append(id, [wrong]), sessions.InvalidInputError, 422],
    [() => client.createSession({ external_id: "taken" }), sessions.SessionExistsError, 409],
    [() => client.changeSession(id, {}, { ifMatch: "x" }), sessions.NotAnEntityTagError, 400],
    [() => service.client({ token: "x" }).session(id), sessions.UnauthorizedError, 401],
  ] as const) {
    const error = await (asked() as Promise<unknown>).catch((reason: unknown) => reason);
    assert(error instanceof kind, String(error));
    assert(error instanceof sessions.ProblemError);
    assert.equal(error.status, status);
    assert.match(error.requestId ?? "", /./);
    assert.match(error.type, /^urn:problem-type:chat-sessions:/);
    if (status === 409) assert.equal(error.sessionId, id);
    if (status === 422) assert.equal(error.errors[0]?.pointer, "#/messages/0");
  }
  const kept = await client.createSession({ external_id: "taken" }, { existing: "keep" });
  assert.equal(kept.id, id);
});

test("a type that is not known becomes the class of its status", () => {
  const response = new Response(null, { status: 404, headers: { "Retry-After": "3" } });
  const error = sessions.problemError(response, { type: "urn:new" });
  assert(error instanceof sessions.NotFoundError);
  assert.equal(error.retryAfter, 3);
  const html = sessions.problemError(new Response("<p>", { status: 500 }), "<p>");
  assert(html instanceof sessions.ServerError);
  for (const errors of ["no", {}, [null], ["no"], [{ pointer: "x" }]]) {
    const gateway = { type: 5, title: [], detail: {}, request_id: 7, errors };
    const theirs = sessions.problemError(response, gateway);
    assert.deepEqual([theirs.type, theirs.errors], ["about:blank", []]);
    assert.equal(theirs.message, "The answer has the status 404.");
  }
});

test("an old tag changes nothing", async () => {
  const session = await client.createSession();
  const ifMatch = etagOf(session);
  assert(ifMatch);
  await client.changeSession(session.id, { title: "one" }, { ifMatch });
  const again = client.changeSession(session.id, { title: "two" }, { ifMatch });
  await assert.rejects(again, sessions.VersionMismatchError);
  await assert.rejects(client.append(session.id, [user("a")], { ifMatch }), { status: 412 });
  assert.equal((await client.session(session.id)).title, "one");
});

test("a tag that is missing or empty lets nothing be written", async () => {
  const stripping: typeof fetch = async (input, init) => {
    const { headers, status, body } = await fetch(input, init);
    const others = [...headers].filter(([name]) => name !== "etag");
    return new Response(body, { status, headers: others });
  };
  const behind = service.client({ fetch: stripping });
  const { id } = await behind.createSession({ title: "as it was", messages: [user("a")] });
  for (const untagged of [
    await behind.session(id),
    await behind.message(id, "last"),
    (await client.messages(id).all())[0]!,
  ]) {
    assert.throws(() => etagOf(untagged), sessions.MissingTagError);
  }
  for (const ifMatch of ["", " ", "\t", null as unknown as string]) {
    for (const write of [
      () => client.changeSession(id, { title: "b" }, { ifMatch }),
      () => client.deleteSession(id, { ifMatch }),
      () => client.append(id, [user("b")], { ifMatch }),
      () => client.putMessage(id, 1, user("b"), { ifMatch }),
      () => client.deleteMessage(id, 1, { ifMatch }),
      () => client.clearMessages(id, { ifMatch }),
    ]) {
      await assert.rejects(async () => write(), TypeError);
    }
  }
  assert.deepEqual((await client.messages(id).all()).map(({ content }) => content), ["a"]);
  assert.equal((await client.session(id)).title, "as it was");
});

test("a follower hears each message once and in order, and what else happens", async () => {
  const { id } = await client.createSession({ messages: ["0", "1", "2"].map(user) });
  const heard: SessionEvent[] = [];
  const following = (async () => {
    for await (const event of client.events(id, { after: 1 })) heard.push(event);
  })();
  const heardOf = async (count: number) => {
    while (heard.length < count) await new Promise((done) => setTimeout(done, 10));
  };
  await heardOf(2);
  for (const n of [3, 4, 5]) {
    await client.append(id, [user(`${n}`)]);
    await heardOf(n);
  }
  // What has no id is told to those who listen just then.
  while (!heard.some(({ event }) => event === "session")) {
    await client.changeSession(id, { title: `${Math.random()}` });
    await new Promise((done) => setTimeout(done, 50));
  }
  await client.deleteSession(id);
  await assert.rejects(following, sessions.SessionNotFoundError);
  const messages = heard.flatMap(({ event, data }) => (event === "message" ? [data.content] : []));
  assert.deepEqual(messages, ["1", "2", "3", "4", "5"]);
});

test("a follower leaves by its loop, or by its signal", async () => {
  const { id } = await client.createSession({ messages: [user("0")] });
  assert.equal((await take(client.events(id, { after: 0 }), 1)).length, 1);
  const stop = new AbortController();
  const events = client.events(id, { signal: stop.signal });
  setTimeout(() => stop.abort(), 100);
  await assert.rejects(events.next(), { name: "AbortError" });
});

test("a long poll waits for a message", async () => {
  const { id } = await client.createSession({ messages: [user("0")] });
  const polled = client.messages(id, { after: 1, wait: 20 }).page();
  await client.append(id, [user("1")]);
  assert.deepEqual(texts((await polled).items), ["1"]);
});

test("an export comes in elsewhere as it was, in pieces, and again without a change", async () => {
  const [carol, dave] = ["carol", "dave"].map((who) =>
    service.client({ token: service.token(who) }),
  );
  for (const n of [1, 2, 3]) {
    const body = { text: "\ud800", n: { "2": 1, b: null } };
    const messages = [user("ü"), { role: "user" as const, body, format: "x" }];
    await carol!.createSession({ external_id: `s${n}`, title: `${n}`, metadata: { n }, messages });
  }
  const asked: number[] = [];
  const counting: typeof fetch = (input, init) => {
    asked.push((init?.body as ArrayBuffer).byteLength);
    return fetch(input, init);
  };
  const target = service.client({ token: service.token("dave"), fetch: counting });
  const told = [];
  const options = { pieceCharacters: 2000 };
  for await (const one of target.importLines(carol!.export(), options)) told.push(one);
  assert.deepEqual(
    told.map((one) => [one.external_id, one.status, one.messages]),
    [
      ["s1", "created", 2],
      ["s2", "created", 2],
      ["s3", "created", 2],
    ],
  );
  assert.equal(asked.length, 2);
  const bare = async (who: Client) => {
    const lines = [];
    for await (const line of who.export()) {
      const { id, user_id, session_id, exported_at, ...rest } = JSON.parse(line);
      if (rest.type === "session" || rest.type === "message") lines.push(rest);
    }
    return lines;
  };
  assert.deepEqual(await bare(dave!), await bare(carol!));
  for await (const { status } of dave!.importLines(dave!.export())) assert.equal(status, "kept");
  const refused = ['{"type":"header","format":"chat-sessions/1"}', '{"type":"session"}', "{"];
  for await (const { left_out } of dave!.importLines(refused)) assert.equal(left_out[0]?.line, 3);
});

const session = (id: string, ...contents: string[]) => [
  JSON.stringify({ type: "session", external_id: id, message_count: contents.length }),
  ...contents.map((content) => JSON.stringify({ type: "message", role: "user", content })),
];

test("a session that is too large is told, and the others go in", async () => {
  const small = await Service.start({
    CHAT_SESSIONS_DATABASE_URL: "memory://",
    CHAT_SESSIONS_IMPORT_MAX_BYTES: "20000",
  });
  after(() => small.stop());
  const header = '{"type":"header","format":"chat-sessions/1"}';
  const lines = [
    header,
    ...session("endless", ...Array(30).fill("y".repeat(1000))),
    ...session("a", "1"),
    ...session("taken back", "1"),
    '{"type":"discarded"}',
    ...session("large", "z".repeat(9_000), "z".repeat(12_000)),
    ...session("b", "1"),
    "{",
    '{"type":"footer"}',
  ];
  const told = [];
  const options = { pieceCharacters: 25_000, sessionCharacters: 28_000 };
  for await (const one of small.client().importLines(lines, options)) told.push(one);
  const reason = "the session is too large for one request";
  assert.deepEqual(
    told.map(({ external_id, status, messages, left_out }) => [
      external_id,
      status,
      messages,
      left_out[0]?.line && lines[left_out[0].line - 1],
      left_out[0]?.reason === reason,
    ]),
    [
      ["endless", "refused", 0, session("endless", ...Array(30))[0], true],
      ["a", "created", 1, undefined, false],
      ["large", "refused", 0, session("large", "", "")[0], true],
      ["b", "created", 1, undefined, false],
      [null, "refused", 0, "{", false],
    ],
  );
});

test("what is too large is not held", async () => {
  let held = 0;
  function* endless() {
    yield* session("endless");
    for (let n = 0; n < 400; n++) {
      yield JSON.stringify({ type: "message", role: "user", content: `${n}`.padEnd(1_000_000) });
      if (n % 100 === 99) held = Math.max(held, process.memoryUsage().rss);
    }
    yield* session("b");
  }
  const told = [];
  const before = process.memoryUsage().rss;
  for await (const one of client.importLines(endless())) told.push(one.status);
  assert.deepEqual(told, ["refused", "created"]);
  assert(held - before < 200_000_000, `${held - before}`);
});

test("a token is asked for anew once it does not hold", async () => {
  const given = ["old", service.token(), service.token()];
  const renewing = service.client({ token: async () => given.shift()! });
  await renewing.sessions().page();
  await renewing.sessions().page();
  assert.deepEqual(given, []);
  let asked = 0;
  const never = service.client({ token: () => `bad${asked++}` });
  await assert.rejects(never.sessions().page(), sessions.UnauthorizedError);
  assert.equal(asked, 2);
});

test("own headers go with each request", async () => {
  const seen: (string | null)[] = [];
  const traced = service.client({
    headers: () => ({ traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01` }),
    fetch: (input, init) => {
      seen.push(new Headers(init?.headers).get("traceparent"));
      return fetch(input, init);
    },
  });
  await traced.sessions({}, { headers: { "X-Request-ID": "mine" } }).page();
  assert.match(seen[0] ?? "", /^00-1/);
});

test("what does not answer is given up in time, and at once where its caller stops", async () => {
  let asked = 0;
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const counting: typeof fetch = (input, init) => (asked++, fetch(input, init));
  const baseUrl = `http://127.0.0.1:${port}`;
  const options = { baseUrl, timeout: 50, retries: 1, fetch: counting };
  const error = await service
    .client(options)
    .session("x")
    .catch((reason: unknown) => reason);
  assert(error instanceof sessions.ConnectionFailedError);
  assert.equal((error.cause as Error).name, "TimeoutError");
  assert.equal(asked, 2);
  const patient = service.client({ ...options, timeout: 60_000 });
  const stopped = patient.session("x", { signal: AbortSignal.timeout(50) });
  await assert.rejects(stopped, { name: "TimeoutError" });
  assert.equal(asked, 3);
});

test("the other operations of the description are there as openapi-fetch has them", async () => {
  assert.equal((await client.api.GET("/readyz")).data?.status, "ready");
});
