// The messages of one chat in its session: what is there, and what comes to it.
import type { UIMessage } from "ai";

import { inBatches } from "./batches.ts";
import type { Client } from "./client.ts";
import { InvalidInputError, SessionNotFoundError } from "./errors.ts";
import { isGone, unlessGone } from "./gone.ts";
import { idOf, isPlace, refOf } from "./others.ts";
import { external } from "./parameters.ts";
import type { Message } from "./types.ts";
import { type Identified, isBeginning, type Reader } from "./ui-messages.ts";

const AT_ONCE = 6;

export class StoredChat<M extends UIMessage> {
  readonly #client: Client;
  readonly #reader: Reader<M>;
  readonly #session: string;

  constructor(client: Client, reader: Reader<M>, chatId: string) {
    this.#client = client;
    this.#reader = reader;
    this.#session = external(chatId);
  }

  async all(): Promise<Message[]> {
    try {
      return await this.#client.messages(this.#session).all();
    } catch (error) {
      if (error instanceof SessionNotFoundError) return [];
      throw error;
    }
  }

  /** Whether a message is there as it is. */
  async has(message: Identified): Promise<boolean> {
    const stored = await this.#client.message(this.#session, refOf(message.external_id));
    return this.#reader.isStored(message, stored);
  }

  /** Append what is new, and replace what has changed; of those with one id the last counts. */
  async put(messages: Identified[]): Promise<void> {
    const wanted = [...new Map(messages.map((one) => [one.external_id, one])).values()];
    const isOthers = ({ external_id }: Identified) => isPlace(external_id);
    for (const message of wanted.filter(isOthers)) {
      await this.#replace(message, await this.#others(message.external_id));
    }
    for (const batch of inBatches(wanted.filter((message) => !isOthers(message)))) {
      const options = { create: true, existing: "keep" as const };
      const stored = await this.#client.append(this.#session, batch, options);
      const there = new Map(stored.map((message) => [message.external_id, message]));
      for (const message of batch) await this.#replace(message, there.get(message.external_id));
    }
  }

  /** Store an answer. One that is not finished replaces nothing but its own beginning. */
  async putAnswer(answer: Identified, isFinished: boolean): Promise<void> {
    const stored = isPlace(answer.external_id)
      ? await this.#others(answer.external_id)
      : (await this.#client.append(this.#session, [answer], { existing: "keep" }))[0];
    if (isFinished || isBeginning(stored, answer)) await this.#replace(answer, stored);
  }

  async remove(ids: Set<string>): Promise<void> {
    const stored = ids.size ? await this.all() : [];
    const left = stored.filter((message) => ids.has(idOf(message)));
    while (left.length) {
      const removed = left.splice(-AT_ONCE).map(({ session_id, message_order }) => {
        return this.#client.deleteMessage(session_id, message_order).catch(unlessGone);
      });
      await Promise.all(removed);
    }
  }

  /** Another client's message that has no id of its own, by its place. */
  async #others(place: string): Promise<Message> {
    try {
      const stored = await this.#client.message(this.#session, refOf(place));
      if (stored.external_id === null) return stored;
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    const detail = `The chat has no message without an id of its own at ${place}.`;
    throw new InvalidInputError(new Response(null, { status: 422 }), { detail });
  }

  /** Replace a message, unless it is what is stored, or what `load` gave of that. */
  async #replace(wanted: Identified, stored: Message | undefined): Promise<void> {
    if (await this.#reader.isStored(wanted, stored)) return;
    await this.#client.putMessage(this.#session, refOf(wanted.external_id), wanted);
  }
}
