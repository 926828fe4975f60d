// The spool that a command of the journal is about: the folder it was given, or the one that the configuration names.

import { resolve } from 'node:path'
import { spoolsOf } from '../agent/index.js'
import { SpillwayError } from '../errors/index.js'
import { nodeFiles } from '../journal/index.js'
import type { Session } from './command.js'
import { loadConfig } from './load-config.js'
import { globalArgs } from './shared-args.js'
import { usageError } from './usage-error.js'

const { json, config, color } = globalArgs

export const spoolArgs = {
  folder: {
    type: 'positional',
    required: false,
    description: 'The spool; default: that of the configuration',
  },
  json,
  config,
  color,
} as const

/** Absolute. Throws `not_found` when there is no such folder. */
export async function spoolFolder(
  session: Session,
  { folder, config }: { readonly folder?: string | undefined; readonly config?: string | undefined },
): Promise<string> {
  const spool = folder === undefined ? await configured(session, config) : resolve(session.cwd, folder)
  if ((await nodeFiles.info(spool))?.isFolder === true) return spool
  throw new SpillwayError(
    'not_found',
    `There is no spool ${spool}. A journal makes it when it is written first.`,
  )
}

async function configured(session: Session, flag: string | undefined): Promise<string> {
  const { resolved } = await loadConfig(session, flag)
  const spools = spoolsOf([...resolved.queues.values()])
  if (spools.length > 1)
    throw usageError(`The configuration has several spools; name one of ${spools.join(', ')}.`)
  return spools[0] as string
}
