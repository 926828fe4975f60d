import { configError } from './duration.js'

/** A misspelt option must not be ignored in silence. */
export function rejectUnknown(value: object, known: readonly string[], prefix: string): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw configError(`${prefix}${key}`, `one of ${known.join(', ')}`, `unknown option`)
  }
}
