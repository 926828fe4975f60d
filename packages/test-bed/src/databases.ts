// A server's databases: each test makes one of its own and drops it.

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Ends its connections and removes it. */
  drop(): Promise<void>
}

export interface Databases {
  /** Of the database that exists from the beginning, with the rights to make others. */
  readonly url: string
  createDatabase(name?: string): Promise<TestDatabase>
}

/** The same server, another database. */
export function urlOfDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** The same database by another way in: a pooler or a proxy. */
export function urlAtPort(url: string, port: number): string {
  const changed = new URL(url)
  changed.host = `127.0.0.1:${port}`
  return changed.href
}
