// assistant-ui's list of threads: a thread is a session, and `custom` its metadata, but for what
// the stores of other frameworks keep in it.
import type { RemoteThreadListAdapter, ThreadMessage } from "@assistant-ui/react";
import { createAssistantStream } from "assistant-stream";

import { tagOf } from "./answers.ts";
import type { Client } from "./client.ts";
import { VersionMismatchError } from "./errors.ts";
import { unlessGone } from "./gone.ts";
import { isObject } from "./mended-parts.ts";
import type { Session, SessionChanges } from "./types.ts";

type Thread = Awaited<ReturnType<RemoteThreadListAdapter["fetch"]>>;
type Metadata = Record<string, unknown>;
type MakeTitle = (messages: readonly ThreadMessage[]) => string | Promise<string>;

const TITLE_MAX = 200;
const BEGINNING_MAX = 60;

/** The caller's sessions as threads. `makeTitle` gives a thread's title from its first messages; by
 * default it is how the first text of the user's begins. */
export function threadList(client: Client, makeTitle: MakeTitle = beginning) {
  const change = async (id: string, changes: SessionChanges) => {
    await client.changeSession(id, changes);
  };
  return {
    async list({ after } = {}) {
      const query = after ? { cursor: after } : {};
      const { items, pagination } = await client.sessions({ archived: "any", ...query }).page();
      return { threads: items.map(thread), nextCursor: pagination.next_cursor ?? undefined };
    },
    fetch: async (id) => thread(await client.session(id)),
    async initialize(threadId, { custom } = {}) {
      const wanted = { external_id: threadId, metadata: ownOf(custom ?? {}) };
      const session = await client.createSession(wanted, { existing: "keep" });
      return { remoteId: session.id, externalId: threadId };
    },
    rename: (id, title) => change(id, { title: titleOf(title) || null }),
    archive: (id) => change(id, { archived: true }),
    unarchive: (id) => change(id, { archived: false }),
    async delete(id) {
      await client.deleteSession(id).catch(unlessGone);
    },
    /** What is given replaces what has that name; the rest stays, and undefined removes. */
    async updateCustom(id, custom = {}) {
      while (!(await changeMetadata(client, id, custom)));
    },
    async generateTitle(id, messages) {
      const title = titleOf(await makeTitle(messages));
      if (title) await change(id, { title });
      return createAssistantStream((stream) => stream.appendText(title));
    },
  } satisfies RemoteThreadListAdapter;
}

function thread({ id, external_id, title, archived, last_updated, metadata }: Session): Thread {
  return {
    status: archived ? "archived" : "regular",
    remoteId: id,
    externalId: external_id ?? undefined,
    title: title ?? undefined,
    lastMessageAt: new Date(last_updated),
    custom: ownOf(metadata),
  };
}

/** Whether it was changed: nobody else did meanwhile, or a proxy took the tag that would say so. */
async function changeMetadata(client: Client, id: string, given: Metadata): Promise<boolean> {
  const session = await client.session(id);
  const wanted = ownOf(given, session.metadata);
  const old = Object.entries(session.metadata).filter(([name]) => Object.hasOwn(wanted, name));
  const metadata = mergePatch(Object.fromEntries(old), wanted);
  try {
    await client.changeSession(id, { metadata }, { ifMatch: tagOf(session) });
    return true;
  } catch (error) {
    if (error instanceof VersionMismatchError) return false;
    throw error;
  }
}

const OTHERS = /^(adk_(app|user|session)|holds|pydantic_ai_scope|strands)$/;
const CHATKIT = "chatkit.thread";

/** What is no other framework's, in a session that has this metadata. */
function ownOf(given: Metadata, metadata = given): Metadata {
  const others = metadata["kind"] === CHATKIT ? ["kind", "thread"] : [];
  const isOwn = (name: string) => !OTHERS.test(name) && !others.includes(name);
  return Object.fromEntries(Object.entries(given).filter(([name]) => isOwn(name)));
}

/** The merge patch (RFC 7396) that makes one object of the other. */
function mergePatch(from: Metadata, to: Metadata): Metadata {
  const own = (object: Metadata, name: string) =>
    Object.hasOwn(object, name) ? object[name] : undefined;
  const names = new Set([...Object.keys(from), ...Object.keys(to)]);
  const patch = [...names].map((name) => {
    const [old, value] = [own(from, name), own(to, name)];
    return [name, isObject(old) && isObject(value) ? mergePatch(old, value) : (value ?? null)];
  });
  return Object.fromEntries(patch) as Metadata;
}

function beginning(messages: readonly ThreadMessage[]): string {
  const [first] = messages.filter(({ role }) => role === "user");
  const part = first?.content.find(({ type }) => type === "text");
  const lines = part?.type === "text" ? part.text.split("\n").map(titleOf) : [];
  const line = lines.find((line) => line) ?? "";
  return [...line].length > BEGINNING_MAX ? `${cut(line, BEGINNING_MAX - 1)}…` : line;
}

/** A title as the service takes it; nothing where a person would see nothing. */
function titleOf(text: string): string {
  const title = cut(text.replace(/[\0\p{Surrogate}]/gu, ""), TITLE_MAX);
  return /^[\p{Cc}\p{Cf}\p{Z}\p{DI}\u2800]*$/u.test(title) ? "" : title;
}

const cut = (text: string, length: number) => [...text.trim()].slice(0, length).join("").trim();
