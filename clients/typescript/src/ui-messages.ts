// How messages of the AI SDK are stored, and what other clients' messages are to it.
import type { UIMessage } from "ai";

import { idOf, saidOf } from "./others.ts";
import type { Item, Message, NewMessage } from "./types.ts";

export const UI_MESSAGE_FORMAT = "ai-sdk.ui-message";

export type Identified = NewMessage & { external_id: string; body: Item };

export function newMessage(message: UIMessage): Identified {
  if (!message.id) {
    throw new TypeError("A message has no id: give toUIMessageStream a generateMessageId.");
  }
  const body = JSON.parse(JSON.stringify(message)) as Item;
  return { role: message.role, external_id: message.id, format: UI_MESSAGE_FORMAT, body };
}

/** A message as it was saved; one of another client by its text. */
export function uiMessage(stored: Message): unknown[] {
  const { format, body } = stored;
  return format === UI_MESSAGE_FORMAT && body ? [body] : asText(stored);
}

export function asText(stored: Message): unknown[] {
  const said = saidOf(stored);
  if (!said) return [];
  return [{ id: idOf(stored), role: said.role, parts: [{ type: "text", text: said.text }] }];
}

/** Whether a message is there as it is, or is what `load` gave of one. */
export function isStored({ body }: Identified, stored: Message | undefined): boolean {
  const forms = stored ? [stored.body, ...asText(stored)] : [];
  return forms.some((form) => JSON.stringify(form) === JSON.stringify(body));
}
