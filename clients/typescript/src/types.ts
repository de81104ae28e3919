// The words of the API, and what a call may be given besides.
import type { components, operations } from "./api.ts";
import type { CallOptions } from "./sender.ts";

type Schemas = components["schemas"];
type QueryOf<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;

export type Session = Schemas["SessionResponse"];
export type Message = Schemas["MessageResponse"];
export type NewSession = Schemas["SessionCreate"];
export type NewMessage = Schemas["MessageCreate"];
export type MessageReplacement = Schemas["MessageReplace"];
export type SessionChanges = Schemas["SessionUpdate"];
export type Deletions = Schemas["DeletionsResponse"];
export type SearchHit = Schemas["SearchHit"];
/** A message as its framework has it. */
export type Item = Record<string, unknown>;
/** A `message_order`, `"last"`, or what `external` gives of a message's own id. */
export type MessageRef = number | string;

export interface SessionQuery extends QueryOf<"listSessions"> {
  /** Top-level members of the metadata, all of which must be equal. */
  metadata?: Record<string, unknown>;
}
export type MessageQuery = Omit<QueryOf<"listMessages">, "view"> & { view?: "full" | "text" };
export type SearchQuery = Omit<QueryOf<"search">, "q">;

export interface IfMatch extends CallOptions {
  /** An entity tag, as `etagOf` gives it: refused with VersionMismatchError where it is old. */
  ifMatch?: string | undefined;
}
export interface CreateOptions extends CallOptions {
  /** Give the session that has the external id already, in place of SessionExistsError. */
  existing?: "keep";
  idempotencyKey?: string;
}
export interface AppendOptions extends IfMatch {
  /** Make the session, named by its external id, if there is none. */
  create?: boolean;
  /** Leave messages whose external ids are there as they are, in place of MessageExistsError. */
  existing?: "keep";
  idempotencyKey?: string;
}
export interface PutOptions extends IfMatch {
  /** Make the session, named by its external id, if there is none. */
  create?: boolean;
}
export interface ImportOptions extends CallOptions {
  /** How much one request brings, 4,000,000 unless set; a service may be set to take less. */
  pieceCharacters?: number;
  /** How much a session may have to be sent, 67,108,864 unless set, as services take it. */
  sessionCharacters?: number;
}
export interface ImportedSession {
  external_id: string | null;
  session_id: string | null;
  status: "created" | "kept" | "refused";
  messages: number;
  left_out: { reason: string; count?: number; line?: number }[];
}
