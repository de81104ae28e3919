// Lines of text as they come.

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
