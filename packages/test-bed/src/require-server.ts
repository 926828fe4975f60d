// Tests on real servers are skipped, with a reason that is printed, on a contributor's machine that lacks the server.
// Continuous integration has them all: there a missing one is a failure.

import { missingServer, type ServerKind } from './binaries.js'
import { givenServerUrl, givenServerVariable, isContinuousIntegration } from './environment.js'
import { missingSmallDisk } from './small-disk.js'

interface Describe {
  (name: string, body: () => void): unknown
  readonly skip: (name: string, body: () => void) => unknown
}

export interface ServerNeed {
  /** The tests stop, pause or configure the server, so that a given URL is no substitute for a private one. */
  readonly isPrivate?: boolean
  /** The tests fill a disk of the server. */
  readonly smallDisk?: boolean
}

const printed = new Set<string>()

/** `describe` where the server can be had, else `describe.skip`. */
export function requireServer(
  describe: Describe,
  kind: ServerKind,
  need: ServerNeed = {},
): (name: string, body: () => void) => unknown {
  return required(describe, kind, unavailable(kind, need))
}

/** The same for tests that fill a disk of their own (small-disk.ts). */
export function requireSmallDisk(describe: Describe): (name: string, body: () => void) => unknown {
  return required(describe, 'a small disk', missingSmallDisk())
}

function required(
  describe: Describe,
  what: string,
  reason: string | null,
): (name: string, body: () => void) => unknown {
  if (reason === null) return describe
  if (isContinuousIntegration()) throw new Error(`CI must not skip tests on ${what}: ${reason}`)
  if (!printed.has(reason)) console.warn(`skipping tests: ${reason}`)
  printed.add(reason)
  return (name, body) => describe.skip(`${name} (skipped: ${reason})`, body)
}

function unavailable(kind: ServerKind, { isPrivate = false, smallDisk = false }: ServerNeed): string | null {
  const reason = missingServer(kind) ?? (smallDisk && kind === 'postgres' ? missingSmallDisk() : null)
  if (reason === null || (kind !== 'postgres' && kind !== 'mariadb')) return reason
  if (!isPrivate && givenServerUrl(kind) !== null) return null
  return isPrivate ? reason : `${reason}, or set ${givenServerVariable(kind)}`
}
