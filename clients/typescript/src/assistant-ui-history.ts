// assistant-ui's history of a thread: each message verbatim as a body, under its own id; the
// message that it follows is `parent_id` in the metadata, so that branches are kept.
import type {
  ExportedMessageRepositoryItem,
  MessageFormatAdapter,
  MessageFormatItem,
  ThreadHistoryAdapter,
  ThreadMessage,
} from "@assistant-ui/react";

import { type Client, external } from "./client.ts";
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";
import type { Item, Message } from "./types.ts";

export const THREAD_MESSAGE_FORMAT = "assistant-ui.thread-message";

/** A thread's remote id, once it has one. It is asked before each message is stored. */
type RemoteId = () => string | undefined | Promise<string | undefined>;
type Entry = { id: string; parentId: string | null; body: Item; metadata?: Item };

const ROLES = new Set<unknown>(["user", "assistant", "system", "developer", "tool"]);

/**
 * What was said in a thread. `initialize` gives its remote id and may make the thread before;
 * `remoteId` gives it where there is one already.
 */
export function threadHistory(client: Client, initialize: RemoteId, remoteId = initialize) {
  const entries = new Entries(client, { initialize, remoteId });
  const put = ({ message, parentId, runConfig }: ExportedMessageRepositoryItem) => {
    const metadata = runConfig ? { run_config: runConfig } : {};
    const body = asJson(message);
    return entries.put(THREAD_MESSAGE_FORMAT, { id: message.id, parentId, body, metadata });
  };
  return {
    load: async () => ({ messages: (await entries.load(THREAD_MESSAGE_FORMAT)).map(revived) }),
    append: put,
    update: put,
    delete: (items) => entries.remove(items.map(({ message }) => message.id)),
    withFormat<M, S extends Record<string, unknown>>(codec: MessageFormatAdapter<M, S>) {
      const { format } = codec;
      const write = (item: MessageFormatItem<M>) => {
        const { message, parentId } = item;
        return entries.put(format, {
          id: codec.getId(message),
          parentId,
          body: codec.encode(item),
        });
      };
      const decoded = ({ id, parentId, body }: Entry) =>
        codec.decode({ id, parent_id: parentId, format, content: body as S });
      return {
        load: async () => ({ messages: (await entries.load(format)).map(decoded) }),
        append: write,
        update: write,
        delete: (items: MessageFormatItem<M>[]) =>
          entries.remove(items.map(({ message }) => codec.getId(message))),
      };
    },
  } satisfies ThreadHistoryAdapter;
}

class Entries {
  readonly #client: Client;
  readonly #ids: Record<"initialize" | "remoteId", RemoteId>;

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

  async put(format: string, { id, parentId, body, metadata }: Entry): Promise<void> {
    const thread = await this.#ids.initialize();
    if (thread === undefined) throw new Error("The thread has no remote id.");
    const role = (ROLES.has(body["role"]) ? body["role"] : "assistant") as Message["role"];
    const marks = { ...metadata, parent_id: parentId };
    const message = { role, format, body: asJson(body), metadata: marks };
    await this.#client.putMessage(thread, external(id), message);
  }

  async remove(ids: string[]): Promise<void> {
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

const asJson = (value: object): Item => JSON.parse(JSON.stringify(value)) as Item;

function revived({ body, parentId, metadata = {} }: Entry): ExportedMessageRepositoryItem {
  const { createdAt, ...rest } = body;
  const message = { ...rest, createdAt: new Date(`${createdAt}`) } as unknown as ThreadMessage;
  const runConfig = metadata["run_config"] as ExportedMessageRepositoryItem["runConfig"];
  return { message, parentId, ...(runConfig && { runConfig }) };
}
