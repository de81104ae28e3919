export { etagOf } from "./answers.ts";
export type * from "./types.ts";
export * from "./client.ts";
export * from "./errors.ts";
export type { SessionEvent } from "./events.ts";
export type { Lines } from "./lines.ts";
export type { Pages } from "./pages.ts";
export type { CallOptions, ClientOptions, Token } from "./sender.ts";
export type { components, operations, paths } from "./api.ts";
