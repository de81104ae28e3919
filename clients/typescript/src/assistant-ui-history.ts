// assistant-ui's history of a thread: each message verbatim as a body, under its own id; the
// message that it follows is `parent_id` in the metadata, so that branches are kept.
import type {
  ExportedMessageRepositoryItem,
  MessageFormatAdapter,
  MessageFormatItem,
  ThreadHistoryAdapter,
  ThreadMessage,
} from "@assistant-ui/react";

import type { Client } from "./client.ts";
import { mendedThreadMessage } from "./mended-thread-message.ts";
import { mendedUIMessage } from "./mended-ui-message.ts";
import { asJson, Entries, type Entry, type Form, type RemoteId } from "./thread-entries.ts";
import type { Item } from "./types.ts";

export const THREAD_MESSAGE_FORMAT = "assistant-ui.thread-message";

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
    load: async () => ({ messages: (await entries.load(THREAD)).map(revived) }),
    append: put,
    update: put,
    delete: (items) => entries.remove(items.map(({ message }) => message.id)),
    withFormat<M, S extends Record<string, unknown>>(codec: MessageFormatAdapter<M, S>) {
      const { format } = codec;
      const form: Form = { format, ...(format.startsWith("ai-sdk/") ? UI : ANY) };
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
        load: async () => ({ messages: (await entries.load(form)).map(decoded) }),
        append: write,
        update: write,
        delete: (items: MessageFormatItem<M>[]) =>
          entries.remove(items.map(({ message }) => codec.getId(message))),
      };
    },
  } satisfies ThreadHistoryAdapter;
}

const THREAD: Form = {
  format: THREAD_MESSAGE_FORMAT,
  mended: mendedThreadMessage,
  hasOthers: true,
};
const UI = { mended: mendedUIMessage, hasOthers: true };
const ANY = { mended: (body: Item) => body, hasOthers: false };

function revived({ id, body, parentId, metadata = {} }: Entry): ExportedMessageRepositoryItem {
  const createdAt = new Date(`${body["createdAt"]}`);
  const message = { ...body, id, createdAt } as unknown as ThreadMessage;
  const runConfig = metadata["run_config"] as ExportedMessageRepositoryItem["runConfig"];
  return { message, parentId, ...(runConfig && { runConfig }) };
}
