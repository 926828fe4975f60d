// Keys as SQLite keeps them. Text reaches it as UTF-8 and, from one of the two drivers, only up to the first NUL;
// what would not survive that is escaped, so that two keys that differ stay two keys.

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that do not survive are the point
const MAY_NEED_ESCAPE = /[\0\u0001\ud800-\udfff]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const NEEDS_ESCAPE = /[\0\u0001\p{Surrogate}]/gu

export function keyText(key: string): string {
  if (!MAY_NEED_ESCAPE.test(key)) return key
  return key.replace(NEEDS_ESCAPE, (character) => `\u0001${character.charCodeAt(0).toString(16)};`)
}

/** The key that was made text. */
export function keyOf(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what keyText marks escapes with
  return text.replace(/\u0001([0-9a-f]+);/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  )
}
