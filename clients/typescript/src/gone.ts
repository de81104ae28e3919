// What is done about a session, or a message, that is not there.
import { MessageNotFoundError, SessionNotFoundError } from "./errors.ts";

export const isGone = (error: unknown): boolean =>
  error instanceof SessionNotFoundError || error instanceof MessageNotFoundError;

export function unlessGone(error: unknown): undefined {
  if (!isGone(error)) throw error;
}
