// What one request may bring.

const MESSAGES = 100;
const CHARACTERS = 1_000_000;

/** Items in their order, as many together as fit into one append, whatever characters they have. */
export function* inBatches<T>(items: Iterable<T>): Generator<T[]> {
  let batch: T[] = [];
  let length = 0;
  for (const item of items) {
    const more = JSON.stringify(item).length;
    if (batch.length === MESSAGES || (length && length + more > CHARACTERS)) {
      yield batch;
      [batch, length] = [[], 0];
    }
    batch.push(item);
    length += more;
  }
  if (batch.length) yield batch;
}
