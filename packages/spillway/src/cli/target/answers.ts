// Small things that every question over HTTP and every answer to one need.

export type Linked<T> = T & { readonly links?: unknown }

export interface AnsweredPage<Item> {
  readonly items: readonly Linked<Item>[]
  readonly nextCursor: string | null
}

/** Links are for whoever follows them over HTTP. */
export function unlinked<T>({ links: _links, ...record }: Linked<T>): T {
  return record as unknown as T
}

/** With a question mark; empty when no value is given. */
export function queryText(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.size === 0 ? '' : `?${query}`
}
