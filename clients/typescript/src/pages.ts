// Lists that are read a page at a time, by the links between their pages (RFC 8288).

export type Query = Record<string, unknown>;

interface Answer<P> {
  page: P;
  response: Response;
}

/** All items of a list, of which a page is asked for when its first item is wanted. */
export class Pages<T, P extends { items: T[] }> implements AsyncIterable<T> {
  readonly #ask: (query: Query) => Promise<Answer<P>>;
  readonly #query: Query;

  constructor(ask: (query: Query) => Promise<Answer<P>>, query: Query) {
    this.#ask = ask;
    this.#query = query;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const page of this.pages()) yield* page.items;
  }

  /** The pages themselves, with what they say of the whole list in `pagination`. */
  async *pages(): AsyncGenerator<P> {
    let query: Query | undefined = this.#query;
    while (query) {
      const { page, response }: Answer<P> = await this.#ask(query);
      yield page;
      query = nextQuery(response);
    }
  }

  /** The first page alone. */
  async page(): Promise<P> {
    return (await this.#ask(this.#query)).page;
  }

  async all(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}

function nextQuery(response: Response): Query | undefined {
  const target = /<([^>]*)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  if (target === undefined) return undefined;
  return Object.fromEntries(new URL(target, "http://localhost").searchParams);
}
