// A store for chats of the AI SDK: each UIMessage verbatim as a message's body, under its own id.
import type { UIMessage, UIMessageStreamOnEndCallback } from "ai";

import type { Client } from "./client.ts";
import { storeFitting } from "./fitting.ts";
import { unlessGone } from "./gone.ts";
import { idOf } from "./others.ts";
import { external } from "./parameters.ts";
import { isEmpty } from "./prompt.ts";
import { StoredChat } from "./stored-chat.ts";
import { Turns } from "./turns.ts";
import { newMessage, Reader, type Validation } from "./ui-messages.ts";

export { isEmpty, toPrompt } from "./prompt.ts";
export { UI_MESSAGE_FORMAT } from "./ui-messages.ts";

type Ended<M extends UIMessage> = Parameters<UIMessageStreamOnEndCallback<M>>[0];

const COMPLETE = new Set<unknown>(["stop", "length", "content-filter", "tool-calls"]);

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
    const stored = await this.#chat(chatId).all();
    const place = stored.findIndex((message) => idOf(message) === before);
    return this.#reader.read(place < 0 ? stored : stored.slice(0, place));
  }

  /**
   * Store messages, each under its id: new ones are appended in their order, and those that have
   * grown or changed since replaced. Whatever else the chat has stays, so that the newest alone
   * may be given, as often as it grows; the chat is made by its first message.
   */
  save(chatId: string, messages: readonly M[]): Promise<void> {
    const put = async () => this.#chat(chatId).put(messages.map(newMessage));
    return this.#turns.take(chatId, put);
  }

  /**
   * Store an answer whose stream has ended, as `onEnd` tells of it, if it says anything and the
   * question is still there as it was asked. One that was not finished takes no other's place, but
   * its own beginning's. Of one that is too large what fits is stored.
   */
  saveAnswer(
    chatId: string,
    question: M,
    { responseMessage, finishReason }: Pick<Ended<M>, "responseMessage" | "finishReason">,
  ): Promise<void> {
    const chat = this.#chat(chatId);
    const isFinished = COMPLETE.has(finishReason);
    const save = async () => {
      if (!(await chat.has(newMessage(question)))) return;
      const put = (answer: M) => chat.putAnswer(newMessage(answer), isFinished);
      await storeFitting(responseMessage, put);
    };
    if (isEmpty(responseMessage)) return Promise.resolve();
    return this.#turns.take(chatId, () => save().catch(unlessGone));
  }

  /** Take messages out of a chat, the last first: what a page no longer shows. */
  remove(chatId: string, messageIds: Iterable<string>): Promise<void> {
    return this.#turns.take(chatId, () => this.#chat(chatId).remove(new Set(messageIds)));
  }

  /** Remove a chat with all its messages. */
  async delete(chatId: string): Promise<void> {
    await this.#client.deleteSession(external(chatId)).catch(unlessGone);
  }

  #chat(chatId: string): StoredChat<M> {
    return new StoredChat(this.#client, this.#reader, chatId);
  }
}
