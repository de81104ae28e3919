// How messages of the AI SDK are stored, and what the stored ones are to it.
import {
  isDeepEqualData,
  safeValidateUIMessages,
  type UIMessage,
  type validateUIMessages,
} from "ai";

import { isObject } from "./mended-parts.ts";
import { idOf, saidOf } from "./others.ts";
import type { Item, Message, NewMessage } from "./types.ts";

export const UI_MESSAGE_FORMAT = "ai-sdk.ui-message";

export type Identified = NewMessage & { external_id: string; body: Item };
type Validated<M extends UIMessage> = Parameters<typeof validateUIMessages<M>>[0];
export type Validation<M extends UIMessage> = Omit<Validated<M>, "messages">;

const asJson = (value: unknown): Item => JSON.parse(JSON.stringify(value)) as Item;

export function newMessage(message: UIMessage): Identified {
  if (!message.id) {
    throw new TypeError("A message has no id: give toUIMessageStream a generateMessageId.");
  }
  const body = asJson(message);
  return { role: message.role, external_id: message.id, format: UI_MESSAGE_FORMAT, body };
}

/** Whether a stored message is how another begins: each of its parts has come on in its place. */
export function isBeginning(stored: Message | undefined, { body }: Identified): boolean {
  const [parts, grown] = [stored?.body?.["parts"], body["parts"]];
  if (stored?.format !== UI_MESSAGE_FORMAT || !isParts(parts) || !isParts(grown)) return false;
  return parts.every((part, place) => isBegun(part, grown[place] ?? {}));
}

const isParts = (value: unknown): value is Item[] => Array.isArray(value) && value.every(isObject);

function isBegun(part: Item, grown: Item): boolean {
  if (part["type"] !== grown["type"]) return false;
  if (part["toolCallId"]) {
    const isOver = ({ state }: Item) => String(state).startsWith("output");
    return part["toolCallId"] === grown["toolCallId"] && (isOver(grown) || !isOver(part));
  }
  const { text } = part;
  if (typeof text === "string") return String(grown["text"]).startsWith(text);
  return isDeepEqualData(part, grown);
}

/** What `validateUIMessages` makes of stored messages. */
export class Reader<M extends UIMessage> {
  readonly #validation: Validation<M>;

  constructor(validation: Validation<M>) {
    this.#validation = validation;
  }

  async read(stored: Message[]): Promise<M[]> {
    const all = await this.#validated(stored.flatMap(uiMessage));
    return all ?? (await Promise.all(stored.map((one) => this.#readable(one)))).flat();
  }

  /** Whether a message is there as it is, or is what `read` gives of the stored one. */
  async isStored({ body }: Identified, stored: Message | undefined): Promise<boolean> {
    if (!stored) return false;
    if (isDeepEqualData(stored.body, body)) return true;
    return (await this.read([stored])).some((read) => isDeepEqualData(asJson(read), body));
  }

  /** A message as it was saved, or else what validates of its parts, or else its text. */
  async #readable(stored: Message): Promise<M[]> {
    const asItIs = await this.#validated(uiMessage(stored));
    return asItIs ?? (await this.#inPart(stored)) ?? (await this.#validated(asText(stored))) ?? [];
  }

  async #inPart({ format, body }: Message): Promise<M[] | undefined> {
    if (format !== UI_MESSAGE_FORMAT || !Array.isArray(body?.["parts"])) return undefined;
    const parts: unknown[] = [];
    for (const part of body["parts"]) {
      // A tool that took or gave nothing has no member for it, as JSON has no undefined.
      for (const whole of [part, { output: null, ...part }, { input: null, output: null, ...part }]) {
        if (!(await this.#validated([{ ...body, parts: [whole] }]))) continue;
        parts.push(whole);
        break;
      }
    }
    return this.#validated([{ ...body, parts }]);
  }

  async #validated(messages: unknown[]): Promise<M[] | undefined> {
    if (!messages.length) return [];
    const validated = await safeValidateUIMessages<M>({ messages, ...this.#validation });
    return validated.success ? validated.data : undefined;
  }
}

/** A message as it was saved; one of another client by its text. */
function uiMessage(stored: Message): unknown[] {
  const { format, body } = stored;
  return format === UI_MESSAGE_FORMAT && body ? [body] : asText(stored);
}

function asText(stored: Message): unknown[] {
  const said = saidOf(stored);
  if (!said) return [];
  return [{ id: idOf(stored), role: said.role, parts: [{ type: "text", text: said.text }] }];
}
