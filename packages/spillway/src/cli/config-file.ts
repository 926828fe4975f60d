// Where the configuration is: named, or the nearest one from the current folder upward, so that commands work from anywhere in
// a project.

import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { SpillwayError } from '../errors/index.js'
import type { Session } from './command.js'

export const CONFIG_NAMES: readonly string[] = [
  'spillway.config.ts',
  'spillway.config.mts',
  'spillway.config.js',
  'spillway.config.mjs',
]

/** The path of the configuration. Throws `invalid_config` when there is none. */
export function locateConfig({ cwd, environment }: Session, flag: string | undefined): string {
  const named = flag ?? environment.config
  if (named === undefined) return search(cwd)
  const path = resolve(cwd, named)
  if (existsSync(path)) return path
  const source = flag === undefined ? 'SPILLWAY_CONFIG' : '--config'
  throw new SpillwayError('invalid_config', `${source} names ${path}, and there is no such file.`)
}

function search(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const path = CONFIG_NAMES.map((name) => resolve(folder, name)).find((candidate) => existsSync(candidate))
    if (path !== undefined) return path
    if (folder === dirname(folder)) break
  }
  throw new SpillwayError(
    'invalid_config',
    `There is no ${CONFIG_NAMES[0]} in ${cwd} or above. Write a first one with: spillway init. ` +
      'Or name one with --config, or a running Spillway with --url.',
  )
}
