// Text from elsewhere on its way to a terminal. Names, errors and payloads were written by strangers: a control character in
// them could move the cursor, change the title or reorder what the reader sees, so each becomes a visible escape.

// C0, DEL and C1 controls, line separators, and the marks that change the direction of text.
const UNSAFE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** One line without control characters. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (character) => SHORT[character] ?? unicodeEscape(character))
}

/** The same, but line breaks stay. */
export function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n')
}

/** One line of JSON. What JSON allows raw but a terminal would act on is escaped; parsed, the value is the same. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, unicodeEscape)
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
