// Lines of text as they come, and lines of JSON as they go.
import type { ImportedSession } from "./types.ts";

/** The lines of a stream. Ends where `idle` milliseconds bring nothing, the connection is lost or
 * the signal is given, without what came of the last line. */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  idle: number,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => undefined);
  signal?.addEventListener("abort", stop); // not every fetch ends its body by it
  const decoder = new TextDecoder();
  let held = "";
  try {
    for (;;) {
      const bytes = await nextBytes(reader, idle);
      if (!bytes) return;
      const lines = (held + decoder.decode(bytes, { stream: true })).split("\n");
      held = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

async function nextBytes(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  idle: number,
): Promise<Uint8Array | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), idle);
  });
  try {
    return await Promise.race([reader.read().then(({ value }) => value), silence]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

export type Lines = Iterable<string> | AsyncIterable<string>;

export interface Piece {
  text: string;
  /** How many lines went before it. */
  before: number;
}

/** An export in pieces of some `size` characters, each of whole sessions: what one request may
 * bring. A larger session is a piece of its own. */
export async function* inPieces(lines: Lines, size: number): AsyncGenerator<Piece> {
  let piece: string[] = [];
  let length = 0;
  let before = 0;
  for await (const line of lines) {
    if (length >= size && beginsSession(line)) {
      yield { text: piece.join("\n"), before };
      before += piece.length;
      piece = [];
      length = 0;
    }
    piece.push(line);
    length += line.length + 1;
  }
  if (piece.length) yield { text: piece.join("\n"), before };
}

function beginsSession(line: string): boolean {
  try {
    return JSON.parse(line)?.type === "session";
  } catch {
    return false;
  }
}

/** Lines are counted from the first of all pieces. */
export function placed(imported: ImportedSession, before: number): ImportedSession {
  const left_out = imported.left_out.map((part) =>
    part.line === undefined ? part : { ...part, line: part.line + before },
  );
  return { ...imported, left_out };
}
