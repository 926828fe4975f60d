// What to call any error by, in a word that is safe to show: what drivers and databases say in their messages may quote what they were given.

const CODE_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/
/** Of an error that names none. */
const UNNAMED = 'error'

/** Its `code`, else its name. Never throws, whatever was thrown. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return UNNAMED
  try {
    const { code, name } = error as Record<string, unknown>
    return [code, name].find(isCode) ?? UNNAMED
  } catch {
    return UNNAMED
  }
}

function isCode(value: unknown): value is string {
  return typeof value === 'string' && CODE_PATTERN.test(value)
}
