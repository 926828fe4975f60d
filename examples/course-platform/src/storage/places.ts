// Databases for one run: each made when it is asked for, all gone afterwards.

export interface Places {
  /** The location of a new, empty database. */
  make(name: string): Promise<string>
  remove(): Promise<void>
}

/** Names of databases on a server say whose they are and never meet those of another run. */
export function databaseName(run: string, name: string): string {
  return `course_platform_${run}_${name}`.replaceAll(/[^a-z0-9_]/gi, '_').toLowerCase()
}

export function urlOfDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
