// The entries of a thread's history: each a message under its own id, and which it follows.
import type { Client } from "./client.ts";
import { MessageNotFoundError } from "./errors.ts";
import { unlessGone } from "./gone.ts";
import { idOf, refOf, type Said, saidOf } from "./others.ts";
import { Turns } from "./turns.ts";
import type { Item, Message } from "./types.ts";

/** A thread's remote id, once it has one. It is asked before each message is stored. */
export type RemoteId = () => string | undefined | Promise<string | undefined>;

export interface Entry {
  id: string;
  parentId: string | null;
  body: Item;
  metadata?: Item;
}

/** A form in which a runtime has its messages. */
export interface Form {
  format: string;
  /** A body with what its runtime cannot do without, of which it may have nothing. */
  mended(body: Item, said: Said, timestamp: string): Item;
  /** Whether what other clients said is there, too. */
  hasOthers: boolean;
}

const ROLES = new Set<unknown>(["user", "assistant", "system", "developer", "tool"]);
const SAID: Said["role"][] = ["user", "assistant", "system"];
const ANCESTORS = 5;

export const asJson = (value: object): Item => JSON.parse(JSON.stringify(value)) as Item;

export class Entries {
  readonly #client: Client;
  readonly #ids: Record<"initialize" | "remoteId", RemoteId>;
  readonly #turns = new Turns();
  readonly #parents = new Map<string, string | null>();

  constructor(client: Client, ids: Record<"initialize" | "remoteId", RemoteId>) {
    this.#client = client;
    this.#ids = ids;
  }

  /** Those of one form, and what other clients said. */
  async load(form: Form): Promise<Entry[]> {
    const thread = await this.#ids.remoteId();
    if (thread === undefined) return [];
    const entries: Entry[] = [];
    for await (const message of this.#client.messages(thread)) {
      const entry = entryOf(message, form, entries.at(-1)?.id ?? null);
      if (entry) entries.push(entry);
    }
    for (const { id, parentId } of joined(entries)) this.#parents.set(id, parentId);
    return entries.map((entry) => ({ ...entry, parentId: this.#parents.get(entry.id) ?? null }));
  }

  /** One after another: a runtime gives the answer before its question is stored. */
  put(format: string, entry: Entry): Promise<void> {
    return this.#turns.take("", () => this.#put(format, entry));
  }

  remove(ids: string[]): Promise<void> {
    return this.#turns.take("", () => this.#remove(ids));
  }

  async #put(format: string, { id, parentId, body, metadata }: Entry): Promise<void> {
    const thread = await this.#ids.initialize();
    if (thread === undefined) throw new Error("The thread has no remote id.");
    this.#parents.set(id, parentId);
    const role = (ROLES.has(body["role"]) ? body["role"] : "assistant") as Message["role"];
    const marks = { ...metadata, parent_id: parentId, ancestors: this.#ancestors(parentId) };
    const message = { role, format, body: asJson(body), metadata: marks };
    try {
      await this.#client.putMessage(thread, refOf(id), message);
    } catch (error) {
      if (!(error instanceof MessageNotFoundError)) throw error;
      await this.#client.append(thread, [{ ...message, external_id: id }]);
    }
  }

  /** What a message's parent follows, the nearest first, for when that is removed; null at its end
   * says that these are all. */
  #ancestors(parentId: string | null): (string | null)[] {
    const found: (string | null)[] = [];
    let id = parentId;
    while (id !== null && this.#parents.has(id) && found.length < ANCESTORS) {
      id = this.#parents.get(id)!;
      found.push(id);
    }
    return found;
  }

  async #remove(ids: string[]): Promise<void> {
    const thread = await this.#ids.remoteId();
    if (thread === undefined) return;
    for (const id of ids) {
      await this.#client.deleteMessage(thread, refOf(id)).catch(unlessGone);
    }
  }
}

/** A message of this form, or what another client said, which follows the message in front. */
function entryOf(message: Message, form: Form, before: string | null): Entry | undefined {
  const { format, body, content, metadata, timestamp } = message;
  const parent = metadata["parent_id"];
  const parentId = typeof parent === "string" || parent === null ? parent : before;
  const said = saidOf(message);
  if (format === form.format && body) {
    const role = SAID.find((one) => one === body["role"]) ?? said?.role ?? "assistant";
    const mended = form.mended(body, { role, text: content }, timestamp);
    return { id: idOf(message), parentId, body: mended, metadata };
  }
  if (!said || !form.hasOthers) return undefined;
  return { id: idOf(message), parentId, body: form.mended({}, said, timestamp) };
}

/**
 * With parents that are in front: of one that was removed, the nearest of its own that is left, or
 * else the newest message before that nothing follows. All that followed it follow the same.
 */
function* joined(entries: Entry[]): Generator<Entry> {
  const seen = new Set<unknown>([null]);
  const followed = new Set(entries.map(({ parentId }) => parentId));
  const instead = new Map<string | null, string | null>();
  for (const [place, { parentId, ...entry }] of entries.entries()) {
    const isThere = seen.has(parentId);
    if (!isThere && !instead.has(parentId)) {
      const ancestors: unknown[] = [entry.metadata?.["ancestors"] ?? []].flat();
      const known = ancestors.find((id) => seen.has(id)) as string | null | undefined;
      const free = () => entries.slice(0, place).findLast(({ id }) => !followed.has(id));
      instead.set(parentId, known === undefined ? (free()?.id ?? null) : known);
    }
    yield { ...entry, parentId: isThere ? parentId : instead.get(parentId)! };
    seen.add(entry.id);
  }
}
