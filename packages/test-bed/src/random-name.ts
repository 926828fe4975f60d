// Names that nobody else has: of databases on a server that several test processes share. And numbers that others hardly draw as well.

import { randomBytes, randomInt } from 'node:crypto'

export function randomName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`
}

/** A whole number, both ends included. */
export function randomNumber(min: number, max: number): number {
  return randomInt(min, max + 1)
}
