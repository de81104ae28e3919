// What the pages of docs/ show is so: their programs are checked, and print what is shown.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { useAui } from "@assistant-ui/react";
import type { Client } from "chat-sessions-client";
import { createElement, type FunctionComponent, type ReactNode } from "react";
import { create } from "react-test-renderer";

import { Service, until } from "./service.ts";

const DOCS = join(process.env["ROOT"] ?? "", "docs");
const HERE = import.meta.dirname;

const service = await Service.start({ CHAT_SESSIONS_OPENAI_DIALECT: "true" });
after(() => service.stop());

interface Page {
  folder: string;
  /** Commands, each with what it prints. */
  shown: [string, string][];
}

/** The programs of a page, in files of a folder, their types checked and .tsx made to .js. */
function written(name: string): Page {
  const text = readFileSync(join(DOCS, name), "utf8");
  const folder = join(HERE, name.replaceAll("/", "-"));
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (const [, , file, program] of text.matchAll(/^```(tsx?)\n\/\/ (\S+)\n(.*?)^```$/gms)) {
    files.push(file!);
    writeFileSync(join(folder, file!), program!);
  }
  assert(files.length);
  const { compilerOptions } = JSON.parse(readFileSync(join(HERE, "tsconfig.json"), "utf8"));
  const { noPropertyAccessFromIndexSignature: _, ...options } = compilerOptions;
  const settings = { ...options, jsx: "react-jsx", noEmit: false, outDir: "made" };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: settings, files }),
  );
  const tsc = join(HERE, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc], { cwd: folder, stdio: "inherit" });
  const shown = [...text.matchAll(/^```text\n\$ ([^\n]*)\n(.*?)^```$/gms)];
  return { folder, shown: shown.map(([, command, printed]) => [command!, printed!]) };
}

const PAGES = ["typescript.md", "frameworks/ai-sdk.md", "frameworks/openai-agents-js.md"];
for (const name of PAGES) {
  test(`${name}: each program prints what is shown, the service killed in between`, async () => {
    await service.client().deleteSessions({ all: true });
    const { folder, shown } = written(name);
    assert(shown.length > 1);
    const env = { ...process.env, CHAT_URL: service.url, CHAT_TOKEN: service.token() };
    for (const [command, printed] of shown) {
      const [, file, said] = /^node (\S+)(?: "(.*)")?$/.exec(command) ?? [];
      const args = [file!, ...(said ? [said] : [])];
      const given = execFileSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
      assert.equal(given, printed);
      await service.kill();
      await service.start();
    }
  });
}

/** What stands before a program that asks a page's handler. */
const ASKING = `
  import { Client, external } from "chat-sessions-client";
  import { POST, store } from "./handler.ts";
  import { model } from "./model.ts";
  import { transport } from "./transport.ts";
  const client = new Client({ baseUrl: process.env.CHAT_URL, token: process.env.CHAT_TOKEN });
  console.error = () => {};
  const post = (message, more, signal) => {
    const body = JSON.stringify({ id: "asked", message, ...more });
    return POST(new Request("http://localhost", { method: "POST", body, signal }));
  };
  const ask = async (message, more) => {
    const answer = await post(message, more);
    const hasFailed = (await answer.text()).includes('"error"');
    return hasFailed ? "failed" : answer.status;
  };
  const said = { id: "a", role: "user", parts: [{ type: "text", text: "One" }] };
  const show = async () => {
    const shown = (await store.load("asked")).map(({ id, parts }) =>
      [id, ...parts.flatMap(({ text }) => text?.match(/[0-9]+|One|Two/) ?? [])].join(":"));
    console.log(shown.join(" "));
  };
  const { doStream } = model;
`;
async function asked(program: string): Promise<string[]> {
  await service.client().deleteSessions({ all: true });
  const { folder } = written("frameworks/ai-sdk.md");
  const env = { ...process.env, CHAT_URL: service.url, CHAT_TOKEN: service.token() };
  const args = ["--expose-gc", "--input-type=module-typescript", "--eval", ASKING + program];
  const given = execFileSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
  return given.split("\n").slice(0, -1);
}

test("frameworks/ai-sdk.md: a chat goes on, whatever is sent to it or is in it", async () => {
  const lines = await asked(`
    const call = { type: "tool-f", toolCallId: "c", state: "input-available", input: {} };
    const file = { type: "file", mediaType: "image/png", url: "no URL" };
    const malformed = [
      ...[{ parts: [] }, { parts: [{ type: "text" }] }, { role: "tool" }, { id: 5 }],
      ...[{ role: "system" }, { role: "assistant" }, { role: "assistant", parts: [call] }],
      ...[file, call, { type: "text", text: "" }].map((part) => ({ parts: [part] })),
    ];
    const ids = ["", " b", "b\\n", "b".repeat(249)].map((id) => ({ id }));
    const given = [...malformed, ...ids].map((wrong) => ({ ...said, id: "b", ...wrong }));
    console.log(await ask(said), ...(await Promise.all([...given, null].map((one) => ask(one)))));
    const deep = JSON.parse("[".repeat(200) + "]".repeat(200));
    console.log(await ask({ ...said, id: "b", metadata: { deep } }));
    console.log(await ask({ ...said, id: "b", metadata: "x".repeat(6_000_000) }));
    const chats = ["", " b", "b\\n", "b".repeat(256), null, undefined, 5].map((id) => ({ id }));
    console.log(...(await Promise.all([...chats, { removed: 5 }].map((more) => ask(said, more)))));
    for (const body of ["", "null"]) {
      console.log((await POST(new Request("http://localhost", { method: "POST", body }))).status);
    }
    const others = ["system", "developer"].map((role) => ({ role, content: "Be brief." }));
    await client.append(external("asked"), others);
    console.log(await ask({ ...said, id: "c", parts: [...said.parts, file] }));
    model.doStream = async () => Promise.reject(new Error("The model is away."));
    console.log(await ask({ ...said, id: "d" }));
    const chunks = [{ type: "stream-start", warnings: [] }, { type: "error", error: "overload" }];
    model.doStream = async () => ({ stream: ReadableStream.from(chunks) });
    console.log(await ask({ ...said, id: "e" }));
    model.doStream = doStream;
    console.log(await ask({ ...said, id: "f" }));
    await show();
  `);
  const chat =
    "a:One a-answer:1 message_order:3 message_order:4 c:One c-answer:5 d:One e:One f:One f-answer:9";
  const messages = `200${" 400".repeat(11)} 422 422 400 400`;
  const chats = "400 422 422 422 400 400 400 400";
  const turns = ["200", "failed", "failed", "200", chat];
  assert.deepEqual(lines, [messages, "400", "413", chats, "400", "400", ...turns]);
});

test("frameworks/ai-sdk.md: what comes again is answered once, what is dropped goes", async () => {
  const lines = await asked(`
    const text = (id, text) => ({ ...said, id, parts: [{ type: "text", text }] });
    const two = text("b", "Two");
    await Promise.all([ask(said), ask(said)]);
    await ask(two);
    await ask(said);
    const asis = globalThis.fetch;
    globalThis.fetch = (url, init) =>
      url === "/api/chat" ? POST(new Request("http://localhost", init)) : asis(url, init);
    const page = { chatId: "asked", trigger: "regenerate-message" };
    const answer = { ...said, id: "a-answer", role: "assistant" };
    for (const messages of [[said, two], [said, two, answer]]) {
      await Array.fromAsync(await transport.sendMessages({ ...page, messages }));
    }
    await show();
    model.doStream = async (asked) => {
      const { stream } = await doStream(asked);
      const begun = (await Array.fromAsync(stream)).slice(0, 2);
      return { stream: ReadableStream.from([...begun, { type: "error", error: "overload" }]) };
    };
    console.log(await ask(two));
    model.doStream = doStream;
    await client.append(external("asked"), [{ role: "user", content: "From the phone" }]);
    const removed = ["a-answer", "b", "b-answer"];
    console.log(await ask(text("a", "x".repeat(300_000)), { removed }));
    await show();
    console.log(await ask(text("a", "Two"), { removed }));
    await show();
  `);
  const [whole, edited] = [
    "a:One a-answer:1 b:Two b-answer:3",
    "a:Two message_order:5 a-answer:1",
  ];
  assert.deepEqual(lines, [whole, "failed", "422", `${whole} message_order:5`, "200", edited]);
});

test("frameworks/ai-sdk.md: a page asks what was answered, and drops what follows", async () => {
  const lines = await asked(`
    import { idsAfter } from "./removed.ts";
    const messages = ["a", "b", "a-answer", "b-answer"].map((id) =>
      ({ ...said, id, role: id.endsWith("answer") ? "assistant" : "user" }));
    const left = ["a", "b-answer", "none", undefined].map((id) => idsAfter(messages, id).length);
    console.log(...left);
    const sent = [];
    globalThis.fetch = async (_, { body }) => {
      sent.push(JSON.parse(body).message.id);
      return new Response("");
    };
    const send = (trigger, messages, messageId) =>
      transport.sendMessages({ chatId: "asked", trigger, messages, messageId });
    await send("regenerate-message", messages.slice(0, 2), "a-answer");
    await send("regenerate-message", messages.slice(0, 3), "b-answer");
    await send("regenerate-message", messages.slice(0, 1), "a");
    await send("regenerate-message", messages.slice(0, 3), undefined);
    await send("submit-message", messages.slice(0, 2), "a-answer");
    console.log(...sent);
  `);
  assert.deepEqual(lines, ["3 0 0 0", "a b a b b"]);
});

/** What is done while an answer is under way, and what is stored then. */
const MEANWHILE = {
  "stop.abort()": "a:One a-answer:7",
  "await ask({ ...said, id: 'b' })": "a:One b:One b-answer:2 a-answer:7",
  "await ask(edited)": "a:Two a-answer:1",
  "await store.remove('asked', ['a'])": "",
  "await store.delete('asked')": "",
};
test("frameworks/ai-sdk.md: an answer is stored where it is still asked for", async () => {
  const lines = await asked(`
    const edited = { ...said, parts: [{ type: "text", text: "Two" }] };
    let held;
    const slow = async () => ({
      stream: new ReadableStream({
        start: (controller) => {
          held = controller;
          held.enqueue({ type: "text-start", id: "0" });
          held.enqueue({ type: "text-delta", id: "0", delta: "7 things" });
        },
      }),
    });
    const usage = { inputTokens: {}, outputTokens: {} };
    const finish = { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage };
    for (const act of [${Object.keys(MEANWHILE).map((act) => `async (stop) => ${act}`)}]) {
      await store.delete("asked");
      const stop = new AbortController();
      model.doStream = slow;
      const answer = await post(said, {}, stop.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      while (!(await reader.read()).value.includes("7 things"));
      model.doStream = doStream;
      await new Promise(setImmediate);
      gc();
      await act(stop);
      if (!stop.signal.aborted) {
        for (const chunk of [{ type: "text-end", id: "0" }, finish]) held.enqueue(chunk);
        held.close();
      }
      while (!(await reader.read()).done);
      await show();
    }
  `);
  assert.deepEqual(lines, Object.values(MEANWHILE));
});

test("frameworks/assistant-ui.md: a thread is there again after a restart", async () => {
  const client = service.client();
  await client.deleteSessions({ all: true });
  const { folder } = written("frameworks/assistant-ui.md");
  const { ChatProvider } = (await import(pathToFileURL(join(folder, "made/runtime.js")).href)) as {
    ChatProvider: FunctionComponent<{ client: Client; children?: ReactNode }>;
  };

  const mounted = () => {
    let aui: ReturnType<typeof useAui> | undefined;
    const Inside = () => ((aui = useAui()), null);
    const app = create(createElement(ChatProvider, { client }, createElement(Inside)));
    return { app, aui: () => aui! };
  };
  const first = mounted();
  await until(() => first.aui() !== undefined);
  first.aui().thread().append("Where to?");
  const threads = () => client.sessions().all();
  await until(async () => (await threads())[0]?.message_count === 2);
  first.app.unmount();
  await service.kill();
  await service.start();

  const later = mounted();
  const id = (await threads())[0]!.id;
  await until(() => later.aui()?.threads().getState().threadIds.includes(id) ?? false);
  later.aui().threads().switchToThread(id);
  const texts = () => {
    const { messages } = later.aui().thread().getState();
    return messages.map(({ content: [part] }) => (part?.type === "text" ? part.text : ""));
  };
  await until(() => texts().length === 2);
  assert.deepEqual(texts(), ["Where to?", "You have said 1 things."]);
  later.app.unmount();
});
