// Where a pattern runs: its database, and beside it the broker or the spool folder that its clicks travel through.

import { SpillwayError } from 'spillway'

export interface Site {
  /** Path of a SQLite file, or URL of a database. */
  readonly database: string
  /** URL of a broker; null where the pattern has none. */
  readonly broker: string | null
  /** Begins the names of this run's queues on the broker, which others may share. */
  readonly prefix: string
  /** Folder of a journal; made by whoever writes to it. */
  readonly spool: string
}

const VARIABLE = 'COURSE_PLATFORM_SITE'

/** For child processes. It goes by the environment because URLs may hold passwords, which every user of a machine sees in arguments. */
export function siteVariables(site: Site): Record<string, string> {
  return { [VARIABLE]: JSON.stringify(site) }
}

/** In a child: the site it was started for. */
export function ownSite(): Site {
  const text = process.env[VARIABLE]
  if (text === undefined) {
    throw new SpillwayError('invalid_config', `${VARIABLE} is not set: this is started by the demo alone.`)
  }
  return JSON.parse(text) as Site
}
