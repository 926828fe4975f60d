// SQL of the store before it is known in which schema its tables are: `@.chunks` stands for the table, and '@.chunks' for a
// literal with its name.

const LITERAL = /'@\.(\w+)'/g

/** `schema` is quoted already. */
export function inSchema(sql: string, schema: string): string {
  return sql
    .replace(LITERAL, (_, name: string) => literal(`${schema}.${name}`))
    .replaceAll('@.', () => `${schema}.`)
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
