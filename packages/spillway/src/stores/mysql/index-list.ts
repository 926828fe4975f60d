// Lists of command indexes as they are kept in a chunk's row: JSON text, ascending, null when empty.

const NONE: readonly number[] = Object.freeze([])

export function parseIndexes(text: string | null): readonly number[] {
  return text === null ? NONE : (JSON.parse(text) as number[])
}

export function formatIndexes(indexes: Iterable<number>): string | null {
  const list = [...indexes].sort((a, b) => a - b)
  return list.length === 0 ? null : JSON.stringify(list)
}
