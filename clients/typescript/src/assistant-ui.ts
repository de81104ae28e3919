export * from "./assistant-ui-history.ts";
export * from "./assistant-ui-threads.ts";
