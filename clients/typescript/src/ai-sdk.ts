// A store for chats of the AI SDK: each UIMessage verbatim as a message's body, under its own id.
import { type UIMessage, validateUIMessages } from "ai";

import { inBatches } from "./batches.ts";
import type { Client } from "./client.ts";
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";
import { external } from "./parameters.ts";
import { Turns } from "./turns.ts";
import type { Item, Message, NewMessage } from "./types.ts";

export const UI_MESSAGE_FORMAT = "ai-sdk.ui-message";

type Validated<M extends UIMessage> = Parameters<typeof validateUIMessages<M>>[0];
type Validation<M extends UIMessage> = Omit<Validated<M>, "messages">;

export class ChatStore<M extends UIMessage = UIMessage> {
  readonly #client: Client;
  readonly #validation: Validation<M>;
  readonly #turns = new Turns();

  /** `validation` has schemas of metadata, data parts and tools, for `validateUIMessages`. */
  constructor(client: Client, validation: Validation<M> = {}) {
    this.#client = client;
    this.#validation = validation;
  }

  /** The messages of a chat, validated; none where the chat is not there yet. */
  async load(chatId: string): Promise<M[]> {
    try {
      const stored = await this.#client.messages(external(chatId)).all();
      const messages = stored.flatMap(uiMessage);
      if (!messages.length) return [];
      return await validateUIMessages<M>({ messages, ...this.#validation });
    } catch (error) {
      if (error instanceof SessionNotFoundError) return [];
      throw error;
    }
  }

  /**
   * Store messages, each under its id: new ones are appended in their order, and those that have
   * grown or changed since replaced. Whatever else the chat has stays, so that the newest alone
   * may be given, as often as it grows; the chat is made by its first message.
   */
  save(chatId: string, messages: readonly M[]): Promise<void> {
    return this.#turns.take(chatId, () => this.#save(chatId, messages));
  }

  async #save(chatId: string, messages: readonly M[]): Promise<void> {
    const [first] = messages;
    if (messages.length === 1 && first && (await this.#replace(chatId, first))) return;
    for (const batch of inBatches(messages.map(newMessage))) {
      const options = { create: true, existing: "keep" as const };
      const stored = await this.#client.append(external(chatId), batch, options);
      const bodies = new Map(stored.map(({ external_id, body }) => [external_id, body]));
      for (const wanted of batch) {
        if (isSame(bodies.get(wanted.external_id), wanted.body)) continue;
        await this.#client.putMessage(external(chatId), external(wanted.external_id), wanted);
      }
    }
  }

  /** Take messages out of a chat, before an answer is generated anew. */
  async remove(chatId: string, messageIds: Iterable<string>): Promise<void> {
    for (const id of messageIds) {
      await this.#client.deleteMessage(external(chatId), external(id)).catch(unlessGone);
    }
  }

  /** Remove a chat with all its messages. */
  async delete(chatId: string): Promise<void> {
    await this.#client.deleteSession(external(chatId)).catch(unlessGone);
  }

  async #replace(chatId: string, message: M): Promise<boolean> {
    const wanted = newMessage(message);
    try {
      await this.#client.putMessage(external(chatId), external(wanted.external_id), wanted);
      return true;
    } catch (error) {
      if (error instanceof SessionNotFoundError) return false;
      throw error;
    }
  }
}

type Identified = NewMessage & { external_id: string; body: Item };

function newMessage(message: UIMessage): Identified {
  if (!message.id) {
    throw new TypeError("A message has no id: give toUIMessageStream a generateMessageId.");
  }
  const body = JSON.parse(JSON.stringify(message)) as Item;
  return { role: message.role, external_id: message.id, format: UI_MESSAGE_FORMAT, body };
}

/** A message as it was saved; one of another client by its text. */
function uiMessage({ id, external_id, role, format, body, content }: Message): unknown[] {
  if (format === UI_MESSAGE_FORMAT && body) return [body];
  if (role === "tool" || !content) return [];
  const parts = [{ type: "text", text: content }];
  return [{ id: external_id ?? id, role: role === "developer" ? "system" : role, parts }];
}

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

function unlessGone(error: unknown): void {
  const isGone = error instanceof SessionNotFoundError || error instanceof MessageNotFoundError;
  if (!isGone) throw error;
}
