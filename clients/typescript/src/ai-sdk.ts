// A store for chats of the AI SDK: each UIMessage verbatim as a message's body, under its own id.
import { safeValidateUIMessages, type UIMessage, type validateUIMessages } from "ai";

import { inBatches } from "./batches.ts";
import type { Client } from "./client.ts";
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";
import { isPlace, refOf } from "./others.ts";
import { external } from "./parameters.ts";
import { Turns } from "./turns.ts";
import type { Message } from "./types.ts";
import { asText, type Identified, isStored, newMessage, uiMessage } from "./ui-messages.ts";

export { toPrompt } from "./prompt.ts";
export { UI_MESSAGE_FORMAT } from "./ui-messages.ts";

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

  /**
   * The messages of a chat, validated; none where the chat is not there yet. One that does not
   * validate is there by its text, as those of other clients are, and is left out where it has none.
   */
  async load(chatId: string): Promise<M[]> {
    try {
      const stored = await this.#client.messages(external(chatId)).all();
      const all = await this.#validated(stored.flatMap(uiMessage));
      if (all) return all;
      return (await Promise.all(stored.map((one) => this.#readable(one)))).flat();
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
    const left: Identified[] = [];
    for (const message of messages.map(newMessage)) {
      const mayBeThere = messages.length === 1 || isPlace(message.external_id);
      if (!mayBeThere || !(await this.#replace(chatId, message))) left.push(message);
    }
    for (const batch of inBatches(left)) {
      const options = { create: true, existing: "keep" as const };
      const stored = await this.#client.append(external(chatId), batch, options);
      const there = new Map(stored.map((message) => [message.external_id, message]));
      for (const wanted of batch) {
        if (isStored(wanted, there.get(wanted.external_id))) continue;
        await this.#client.putMessage(external(chatId), external(wanted.external_id), wanted);
      }
    }
  }

  /** Take messages out of a chat, before an answer is generated anew. */
  async remove(chatId: string, messageIds: Iterable<string>): Promise<void> {
    for (const id of messageIds) {
      await this.#client.deleteMessage(external(chatId), refOf(id)).catch(unlessGone);
    }
  }

  /** Remove a chat with all its messages. */
  async delete(chatId: string): Promise<void> {
    await this.#client.deleteSession(external(chatId)).catch(unlessGone);
  }

  /** False where it is not there; what another client said stays as that is, until it changes. */
  async #replace(chatId: string, wanted: Identified): Promise<boolean> {
    const message = refOf(wanted.external_id);
    try {
      const isOthers = isPlace(wanted.external_id);
      const stored = isOthers && (await this.#client.message(external(chatId), message));
      if (stored && isStored(wanted, stored)) return true;
      await this.#client.putMessage(external(chatId), message, wanted);
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }

  async #validated(messages: unknown[]): Promise<M[] | undefined> {
    if (!messages.length) return [];
    const validated = await safeValidateUIMessages<M>({ messages, ...this.#validation });
    return validated.success ? validated.data : undefined;
  }

  async #readable(stored: Message): Promise<M[]> {
    const asItIs = await this.#validated(uiMessage(stored));
    return asItIs ?? (await this.#validated(asText(stored))) ?? [];
  }
}

const isGone = (error: unknown) =>
  error instanceof SessionNotFoundError || error instanceof MessageNotFoundError;

function unlessGone(error: unknown): void {
  if (!isGone(error)) throw error;
}
