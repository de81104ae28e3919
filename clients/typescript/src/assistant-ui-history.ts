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
import { asJson, Entries, type Entry, type RemoteId } from "./thread-entries.ts";

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

function revived({ body, parentId, metadata = {} }: Entry): ExportedMessageRepositoryItem {
  const { createdAt, ...rest } = body;
  const message = { ...rest, createdAt: new Date(`${createdAt}`) } as unknown as ThreadMessage;
  const runConfig = metadata["run_config"] as ExportedMessageRepositoryItem["runConfig"];
  return { message, parentId, ...(runConfig && { runConfig }) };
}
