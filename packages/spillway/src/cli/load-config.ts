// The configuration as a command runs with it: the file, checked, with what flags and environment say in its place.

import { dirname } from 'node:path'
import { type ResolvedConfig, resolveConfig, type SpillwayConfig } from '../config/index.js'
import type { Session } from './command.js'
import { locateConfig } from './config-file.js'
import { importConfig, notUsable } from './config-module.js'
import { portNumber } from './numbers.js'

export interface HttpFlags {
  readonly host?: string | undefined
  readonly port?: string | undefined
}

export interface LoadedConfig {
  readonly path: string
  readonly config: SpillwayConfig
  readonly resolved: ResolvedConfig
}

/** Throws `invalid_config` that names the file and what is wrong in it. */
export async function loadConfig(
  session: Session,
  configFlag: string | undefined,
  http: HttpFlags = {},
): Promise<LoadedConfig> {
  const path = locateConfig(session, configFlag)
  // `sqlite('./spillway.db')` must be the same file from wherever a command is started.
  process.chdir(dirname(path))
  const file = await importConfig(path)
  const config = { ...file, http: httpSettings(file, session, http) }
  try {
    return { path, config, resolved: resolveConfig(config) }
  } catch (error) {
    throw notUsable(path, error)
  }
}

function httpSettings(
  { http = {} }: SpillwayConfig,
  { environment }: Session,
  flags: HttpFlags,
): NonNullable<SpillwayConfig['http']> {
  const host = flags.host ?? environment.httpHost
  const token = environment.httpToken
  const port =
    flags.port === undefined
      ? environment.httpPort && portNumber('SPILLWAY_HTTP_PORT', environment.httpPort)
      : portNumber('--port', flags.port)
  return {
    ...http,
    ...(host === undefined ? {} : { host }),
    ...(typeof port === 'number' ? { port } : {}),
    ...(token === undefined ? {} : { token }),
  }
}
