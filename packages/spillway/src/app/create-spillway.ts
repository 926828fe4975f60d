// From a configuration to a running Spillway: checked, what lies outside opened, everything put together and started.

import { resolveConfig, type SpillwayConfig } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { instrumentStore } from '../telemetry/instrument-store.js'
import { ROLES, type Role, type Spillway } from './api.js'
import { type AssemblyOptions, assemble } from './assembly.js'
import { Connections } from './connections/index.js'
import { type FoundationOptions, foundationOf } from './foundation.js'

export interface CreateOptions extends AssemblyOptions, FoundationOptions {
  /** What this process does; default: everything. */
  roles?: readonly Role[]
  /** Bring the store's schema up to date first. Default false: an outdated schema is an error that says what to run. */
  migrate?: boolean
}

export async function createSpillway(config: SpillwayConfig, options: CreateOptions = {}): Promise<Spillway> {
  const resolved = resolveConfig(config)
  const roles = checkRoles(options.roles ?? ROLES)
  if (options.migrate === true) await resolved.store.schema.migrate()
  const foundation = await foundationOf(resolved, roles, options)
  const { telemetry, clock } = foundation
  const store = instrumentStore(resolved.store, telemetry, clock)
  const connections = new Connections({ ...foundation, store, isTool: options.register === false })
  try {
    await connections.open()
    return await assemble(foundation, connections, options)
  } catch (error) {
    await connections.close().catch(() => {})
    throw error
  }
}

function checkRoles(roles: readonly Role[]): readonly Role[] {
  const unknown = roles.find((role) => !ROLES.includes(role))
  if (unknown !== undefined || roles.length === 0) {
    throw new SpillwayError(
      'invalid_argument',
      `roles: expected some of ${ROLES.join(', ')}, received ${unknown ?? 'none'}`,
    )
  }
  return roles
}
