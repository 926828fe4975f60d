// Names that nobody else has: of databases on a server that several test processes share.

import { randomBytes } from 'node:crypto'

export function randomName(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`
}
