/** The items of every page; the next page is asked for when the last one is used up. */
export async function* pages<
  Q extends { pageToken?: string | null | undefined },
  A extends { nextPageToken: string },
  T,
>(
  request: Q,
  ask: (request: Q) => Promise<A>,
  items: (answer: A) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  let pageToken = request.pageToken ?? '';
  do {
    const answer = await ask({ ...request, pageToken });
    yield* items(answer);
    pageToken = answer.nextPageToken;
  } while (pageToken !== '');
}

/** Everything an iterable gives, as a list. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
