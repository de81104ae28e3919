// A store for chats of the AI SDK: each UIMessage verbatim as a message's body, under its own id.
import type { UIMessage, UIMessageStreamOnEndCallback } from "ai";

import { inBatches } from "./batches.ts";
import type { Client } from "./client.ts";
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";
import { idOf, isPlace, refOf } from "./others.ts";
import { external } from "./parameters.ts";
import { isEmpty } from "./prompt.ts";
import { Turns } from "./turns.ts";
import type { Message } from "./types.ts";
import { type Identified, newMessage, Reader, type Validation } from "./ui-messages.ts";

export { isEmpty, toPrompt } from "./prompt.ts";
export { UI_MESSAGE_FORMAT } from "./ui-messages.ts";

type Ended<M extends UIMessage> = Parameters<UIMessageStreamOnEndCallback<M>>[0];

const AT_ONCE = 6;

export class ChatStore<M extends UIMessage = UIMessage> {
  readonly #client: Client;
  readonly #reader: Reader<M>;
  readonly #turns = new Turns();

  /** `validation` has schemas of metadata, data parts and tools, for `validateUIMessages`. */
  constructor(client: Client, validation: Validation<M> = {}) {
    this.#client = client;
    this.#reader = new Reader(validation);
  }

  /**
   * The messages of a chat, validated, or those before one of them; none where the chat is not
   * there yet. Of one that does not validate the parts that do are there, or else its text, as
   * those of other clients are, and it is left out where it has none.
   */
  async load(chatId: string, { before }: { before?: string } = {}): Promise<M[]> {
    const stored = await this.#stored(chatId);
    const place = stored.findIndex((message) => idOf(message) === before);
    return this.#reader.read(place < 0 ? stored : stored.slice(0, place));
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
      if (!(await this.#isOthers(chatId, message))) left.push(message);
    }
    for (const batch of inBatches(left)) {
      const options = { create: true, existing: "keep" as const };
      const stored = await this.#client.append(external(chatId), batch, options);
      const there = new Map(stored.map((message) => [message.external_id, message]));
      for (const wanted of batch) await this.#put(chatId, wanted, there.get(wanted.external_id));
    }
  }

  /**
   * Store an answer whose stream has ended, as `onEnd` tells of it, if it says anything and the
   * question is still there as it was asked. One that was not finished takes no other's place.
   */
  saveAnswer(
    chatId: string,
    question: M,
    { responseMessage, finishReason }: Pick<Ended<M>, "responseMessage" | "finishReason">,
  ): Promise<void> {
    const chat = external(chatId);
    const isFinished = finishReason !== undefined && finishReason !== "error";
    const save = async () => {
      const asked = await this.#client.message(chat, refOf(question.id));
      if (!(await this.#reader.isStored(newMessage(question), asked))) return;
      const answer = newMessage(responseMessage);
      const [stored] = await this.#client.append(chat, [answer], { existing: "keep" });
      if (isFinished) await this.#put(chatId, answer, stored);
    };
    if (isEmpty(responseMessage)) return Promise.resolve();
    return this.#turns.take(chatId, () => save().catch(unlessGone));
  }

  /** Take messages out of a chat, the last first: what a page no longer shows. */
  remove(chatId: string, messageIds: Iterable<string>): Promise<void> {
    return this.#turns.take(chatId, () => this.#remove(chatId, new Set(messageIds)));
  }

  async #remove(chatId: string, ids: Set<string>): Promise<void> {
    const stored = ids.size ? await this.#stored(chatId) : [];
    const left = stored.filter((message) => ids.has(idOf(message)));
    while (left.length) {
      const removed = left.splice(-AT_ONCE).map(({ session_id, message_order }) => {
        return this.#client.deleteMessage(session_id, message_order).catch(unlessGone);
      });
      await Promise.all(removed);
    }
  }

  /** Remove a chat with all its messages. */
  async delete(chatId: string): Promise<void> {
    await this.#client.deleteSession(external(chatId)).catch(unlessGone);
  }

  async #stored(chatId: string): Promise<Message[]> {
    try {
      return await this.#client.messages(external(chatId)).all();
    } catch (error) {
      if (error instanceof SessionNotFoundError) return [];
      throw error;
    }
  }

  /** Whether it is another client's that has no id of its own: it is replaced where it changed. */
  async #isOthers(chatId: string, wanted: Identified): Promise<boolean> {
    if (!isPlace(wanted.external_id)) return false;
    try {
      const stored = await this.#client.message(external(chatId), refOf(wanted.external_id));
      await this.#put(chatId, wanted, stored);
      return true;
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }

  /** Replace a message, unless it is what is stored, or what `load` gave of that. */
  async #put(chatId: string, wanted: Identified, stored: Message | undefined): Promise<void> {
    if (await this.#reader.isStored(wanted, stored)) return;
    await this.#client.putMessage(external(chatId), refOf(wanted.external_id), wanted);
  }
}

const isGone = (error: unknown) =>
  error instanceof SessionNotFoundError || error instanceof MessageNotFoundError;

function unlessGone(error: unknown): void {
  if (!isGone(error)) throw error;
}
