// What fits of a message into the service's limit for one.
import type { UIMessage } from "ai";

import { BodyTooLargeError, InvalidInputError } from "./errors.ts";
import { isEmpty } from "./prompt.ts";

/** Store a message, or else, as long as the service refuses its body, what is left of it without
 * its largest part. Throws the refusal where nothing is left that says anything. */
export async function storeFitting<M extends UIMessage>(
  message: M,
  store: (message: M) => Promise<void>,
): Promise<void> {
  try {
    await store(message);
  } catch (error) {
    const less = isOfBody(error) ? withoutLargest(message) : undefined;
    if (!less || isEmpty(less)) throw error;
    await storeFitting(less, store);
  }
}

function isOfBody(error: unknown): boolean {
  if (error instanceof BodyTooLargeError) return true;
  if (!(error instanceof InvalidInputError)) return false;
  return error.errors.some(({ pointer }) => /^#(\/messages\/0)?\/body$/.test(pointer ?? ""));
}

/** Providers have items of their own that refer to each other, and refuse one without the other:
 * what is left is theirs no more. */
function withoutLargest<M extends UIMessage>(message: M): M {
  const sizes = message.parts.map((part) => JSON.stringify(part).length);
  const left = message.parts.toSpliced(sizes.indexOf(Math.max(...sizes)), 1);
  const parts = left.map((part) => {
    const members = Object.entries(part).filter(([name]) => !/providerMetadata$/i.test(name));
    return Object.fromEntries(members);
  });
  return { ...message, parts } as M;
}
