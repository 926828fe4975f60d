// Names in SQL text. Whatever is in them, they stay names.

export function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** The parts of `clicks` or `app.clicks`: what is before the first dot is the database, else null. */
export function tableParts(name: string): { readonly database: string | null; readonly table: string } {
  const dot = name.indexOf('.')
  if (dot === -1) return { database: null, table: name }
  return { database: name.slice(0, dot), table: name.slice(dot + 1) }
}

export function qualifiedName(name: string): string {
  const { database, table } = tableParts(name)
  return database === null ? quotedName(table) : `${quotedName(database)}.${quotedName(table)}`
}
