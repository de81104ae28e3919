// assistant-ui's list of threads: a thread is a session, and `custom` its metadata.
import type { RemoteThreadListAdapter, ThreadMessage } from "@assistant-ui/react";
import { createAssistantStream } from "assistant-stream";

import { etagOf } from "./answers.ts";
import type { Client } from "./client.ts";
import { SessionNotFoundError, VersionMismatchError } from "./errors.ts";
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
      const page = await client.sessions({ archived: "any", ...query }).page();
      const nextCursor = page.pagination.next_cursor ?? undefined;
      return { threads: page.items.map(thread), nextCursor };
    },
    fetch: async (id) => thread(await client.session(id)),
    async initialize(threadId, { custom } = {}) {
      const wanted = { external_id: threadId, metadata: custom ?? null };
      const session = await client.createSession(wanted, { existing: "keep" });
      return { remoteId: session.id, externalId: threadId };
    },
    rename: (id, title) => change(id, { title: cut(title, TITLE_MAX) || null }),
    archive: (id) => change(id, { archived: true }),
    unarchive: (id) => change(id, { archived: false }),
    async delete(id) {
      await client.deleteSession(id).catch((error: unknown) => {
        if (!(error instanceof SessionNotFoundError)) throw error;
      });
    },
    async updateCustom(id, custom = {}) {
      while (!(await replaceMetadata(client, id, custom)));
    },
    async generateTitle(id, messages) {
      const title = cut(await makeTitle(messages), TITLE_MAX);
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
    custom: metadata,
  };
}

/** Whether it was replaced, as nobody else changed the session meanwhile. */
async function replaceMetadata(client: Client, id: string, wanted: Metadata): Promise<boolean> {
  const session = await client.session(id);
  const metadata = mergePatch(session.metadata, wanted);
  try {
    await client.changeSession(id, { metadata }, { ifMatch: etagOf(session) });
    return true;
  } catch (error) {
    if (error instanceof VersionMismatchError) return false;
    throw error;
  }
}

/** The merge patch (RFC 7396) that makes one object of the other. */
function mergePatch(from: Metadata, to: Metadata): Metadata {
  const removed = Object.keys(from).filter((name) => to[name] === undefined);
  const patch: Metadata = Object.fromEntries(removed.map((name) => [name, null]));
  for (const [name, value] of Object.entries(to)) {
    const old = from[name];
    patch[name] = isObject(old) && isObject(value) ? mergePatch(old, value) : value;
  }
  return patch;
}

const isObject = (value: unknown): value is Metadata =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function beginning(messages: readonly ThreadMessage[]): string {
  const [first] = messages.filter(({ role }) => role === "user");
  const part = first?.content.find(({ type }) => type === "text");
  const [line = ""] = part?.type === "text" ? part.text.trim().split("\n") : [];
  return line.length > BEGINNING_MAX ? `${cut(line, BEGINNING_MAX - 1)}…` : line;
}

const cut = (text: string, length: number) => [...text.trim()].slice(0, length).join("").trim();
