// Idempotency keys as MySQL keeps them: bytes of UTF-8, in which half of a surrogate pair has no place. It is escaped, so that two
// keys that differ stay two keys.

// biome-ignore lint/suspicious/noControlCharactersInRegex: the character that begins an escape must be escaped itself
const MAY_NEED_ESCAPE = /[\u0001\ud800-\udfff]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: see above
const NEEDS_ESCAPE = /[\u0001\p{Surrogate}]/gu

export function keyText(key: string): string {
  if (!MAY_NEED_ESCAPE.test(key)) return key
  return key.replace(NEEDS_ESCAPE, (character) => `\u0001${character.charCodeAt(0).toString(16)};`)
}
