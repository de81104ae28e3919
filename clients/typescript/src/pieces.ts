// An export on its way in, in pieces that a request can bring.
import { BodyTooLargeError } from "./errors.ts";
import type { ImportedSession } from "./types.ts";

export type Lines = Iterable<string> | AsyncIterable<string>;

/** Bring some in; once, where another try could store them twice. */
type Send = (text: string, isOnce: boolean) => Promise<string>;

/** Lines of whole sessions. */
interface Piece {
  lines: string[];
  characters: number;
  /** How many lines went before it. */
  before: number;
  /** One session that no request can bring, of which the first line is kept. */
  isTooLarge: boolean;
}

export interface Sizes {
  /** Of a piece, unless one session has more. */
  piece: number;
  /** Of a session. */
  session: number;
}

/** Send an export, a piece or one session a request, and say what became of each session. One that
 * is too large, for `sizes` or for the service, is told as refused, and the others go in. */
export async function* importPieces(
  lines: Lines,
  sizes: Sizes,
  send: Send,
): AsyncGenerator<ImportedSession> {
  for await (const piece of inPieces(lines, sizes)) {
    for await (const told of bring(piece, sizes, send)) yield placed(told, piece.before);
  }
}

async function* bring(
  piece: Piece,
  sizes: Sizes,
  send: Send,
): AsyncGenerator<ImportedSession> {
  const begun = piece.lines.filter(beginsSession);
  const asked = () => send(piece.lines.join("\n"), !begun.every(isNamed)).catch(unlessTooLarge);
  const answer = piece.isTooLarge ? null : await asked();
  if (answer !== null) {
    for (const line of answer.split("\n")) if (line) yield JSON.parse(line);
  } else if (begun.length > 1) {
    yield* importPieces(piece.lines, { ...sizes, piece: 0 }, send);
  } else {
    yield tooLarge(piece.lines);
  }
}

async function* inPieces(lines: Lines, sizes: Sizes): AsyncGenerator<Piece> {
  let piece = pieceAfter(0);
  for await (const session of bySession(lines, sizes.session)) {
    const isFull = piece.characters + session.characters > sizes.piece;
    const follows = session.before === piece.before + piece.lines.length;
    if (piece.lines.length && (isFull || !follows || session.isTooLarge)) {
      yield piece;
      piece = pieceAfter(session.before);
    }
    if (!piece.lines.length) piece = session;
    else {
      for (const line of session.lines) piece.lines.push(line);
      piece.characters += session.characters;
    }
  }
  if (piece.lines.length) yield piece;
}

/** Each session's lines, those before the first one and after the last one too. Of a session that
 * is too large, or is taken back, no more is kept than must be. */
async function* bySession(lines: Lines, largest: number): AsyncGenerator<Piece> {
  let count = 0;
  let session = pieceAfter(0);
  for await (const line of lines) {
    const type = typeOf(line);
    if (type === "session" && session.lines.length) {
      yield session;
      session = pieceAfter(count);
    }
    count++;
    if (type === "discarded") {
      session = pieceAfter(count);
      continue;
    }
    session.characters += line.length + 1;
    session.isTooLarge ||= session.characters > largest;
    if (session.isTooLarge) session.lines.length = Math.min(session.lines.length, 1);
    if (!session.isTooLarge || !session.lines.length) session.lines.push(line);
  }
  if (session.lines.length) yield session;
}

function pieceAfter(before: number): Piece {
  return { lines: [], characters: 0, before, isTooLarge: false };
}

function typeOf(line: string): unknown {
  if (!/"(session|discarded)"|\\u00[67]/.test(line)) return undefined;
  return membersOf(line)["type"];
}

const beginsSession = (line: string) => typeOf(line) === "session";

/** Whether it has an id to be known by: without one, a repeat would store it again. */
function isNamed(line: string): boolean {
  const { external_id, id } = membersOf(line);
  const name = external_id || id;
  return Boolean(name) && typeof name === "string";
}

function membersOf(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    return {};
  }
}

function tooLarge(lines: string[]): ImportedSession {
  const index = Math.max(0, lines.findIndex(beginsSession));
  const { external_id, id } = membersOf(lines[index] ?? "");
  const name = external_id ?? id;
  return {
    external_id: typeof name === "string" ? name : null,
    session_id: null,
    status: "refused",
    messages: 0,
    left_out: [{ reason: "the session is too large for one request", line: index + 1 }],
  };
}

function unlessTooLarge(error: unknown): null {
  if (error instanceof BodyTooLargeError) return null;
  throw error;
}

/** Lines are counted from the first of all pieces. */
function placed(imported: ImportedSession, before: number): ImportedSession {
  const left_out = imported.left_out.map((part) =>
    part.line === undefined ? part : { ...part, line: part.line + before },
  );
  return { ...imported, left_out };
}
