import { journal } from 'spillway'
import { carried } from './carried.js'

/** The platform only takes clicks; it would do so with no database in sight. */
export const journalPattern = carried(
  { name: 'journal', summary: 'local file, executed by an agent', broker: null, hasAgent: true },
  async ({ spool }) => ({ channel: journal(spool), roles: ['intake'], isPrepared: true }),
)
