// Names in SQL text. Whatever is in them, they stay names.

export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `clicks` or `app.clicks`: what is before the first dot is the schema. */
export function qualifiedName(name: string): string {
  const dot = name.indexOf('.')
  if (dot === -1) return quotedName(name)
  return `${quotedName(name.slice(0, dot))}.${quotedName(name.slice(dot + 1))}`
}
