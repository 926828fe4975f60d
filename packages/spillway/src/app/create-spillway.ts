// From a configuration to a running Spillway: checked, the store opened, everything put together and started.

import { resolveConfig, type SpillwayConfig } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { ROLES, type Role, type Spillway } from './api.js'
import { type AssemblyOptions, assemble } from './assembly.js'

export interface CreateOptions extends AssemblyOptions {
  /** What this process does; default: everything. */
  roles?: readonly Role[]
  /** Bring the store's schema up to date first. Default false: an outdated schema is an error that says what to run. */
  migrate?: boolean
}

export async function createSpillway(config: SpillwayConfig, options: CreateOptions = {}): Promise<Spillway> {
  const resolved = resolveConfig(config)
  const roles = checkRoles(options.roles ?? ROLES)
  if (options.migrate === true) await resolved.store.schema.migrate()
  await resolved.store.open()
  try {
    return assemble(resolved, roles, options)
  } catch (error) {
    await resolved.store.close()
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
