// Idempotency keys as databases can keep them. Text reaches them as UTF-8, in which half a surrogate pair has no form, and
// some hold no NUL; what would not survive is escaped, so that two keys that differ stay two keys.

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that do not survive are the point
const MAY_NEED_ESCAPE = /[\0\u0001\ud800-\udfff]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const NEEDS_ESCAPE = /[\0\u0001\p{Surrogate}]/gu

export function keyText(key: string): string {
  if (!MAY_NEED_ESCAPE.test(key)) return key
  return key.replace(NEEDS_ESCAPE, (character) => `\u0001${character.charCodeAt(0).toString(16)};`)
}
