// Which spool folder a queue's journal is in, however its path was written.

import { resolve } from 'node:path'
import type { JournalSpec } from '../../config/index.js'

export function spoolOf({ folder }: JournalSpec): string {
  return resolve(folder)
}
