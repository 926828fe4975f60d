import { configError } from './duration.js'

/** The value, if it is a whole number in range; throws `invalid_config` that names `path`. */
export function wholeNumber(value: unknown, min: number, max: number, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw configError(path, `a whole number from ${min} to ${max}`, value)
  return value
}
