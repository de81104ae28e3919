// The entries of a thread's history: each a message under its own id, and which it follows.
import type { Client } from "./client.ts";
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";
import { external } from "./parameters.ts";
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

const ROLES = new Set<unknown>(["user", "assistant", "system", "developer", "tool"]);

export const asJson = (value: object): Item => JSON.parse(JSON.stringify(value)) as Item;

export class Entries {
  readonly #client: Client;
  readonly #ids: Record<"initialize" | "remoteId", RemoteId>;
  readonly #turns = new Turns();

  constructor(client: Client, ids: Record<"initialize" | "remoteId", RemoteId>) {
    this.#client = client;
    this.#ids = ids;
  }

  /** Those of one format. */
  async load(format: string): Promise<Entry[]> {
    const thread = await this.#ids.remoteId();
    if (thread === undefined) return [];
    const entries: Entry[] = [];
    for await (const { external_id: id, format: label, body, metadata } of this.#client.messages(
      thread,
    )) {
      if (label !== format || !id || !body) continue;
      entries.push({
        id,
        parentId: (metadata["parent_id"] ?? null) as string | null,
        body,
        metadata,
      });
    }
    const ids = new Set<string | null>([null, ...entries.map(({ id }) => id)]);
    // Of a parent that was removed, the message in front takes the place.
    return entries.map((entry, place) =>
      ids.has(entry.parentId) ? entry : { ...entry, parentId: entries[place - 1]?.id ?? null },
    );
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
    const role = (ROLES.has(body["role"]) ? body["role"] : "assistant") as Message["role"];
    const marks = { ...metadata, parent_id: parentId };
    const message = { role, format, body: asJson(body), metadata: marks };
    await this.#client.putMessage(thread, external(id), message);
  }

  async #remove(ids: string[]): Promise<void> {
    const thread = await this.#ids.remoteId();
    if (thread === undefined) return;
    for (const id of ids) {
      await this.#client.deleteMessage(thread, external(id)).catch((error: unknown) => {
        const kinds = [MessageNotFoundError, SessionNotFoundError];
        if (!kinds.some((kind) => error instanceof kind)) throw error;
      });
    }
  }
}
