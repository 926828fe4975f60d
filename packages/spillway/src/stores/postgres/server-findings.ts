// What the facts about a server mean for a store: whether its receipts survive a crash, and what will be in its way.

import { CLOCK_SKEW_MS_MAX } from '../../domain/index.js'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import type { PostgresSettings } from './options.js'
import type { ServerFacts } from './server-facts.js'

const VERSION_MIN = 13
const VERSION_NUMBERS = 10_000

export function serverFindings(facts: ServerFacts, settings: PostgresSettings, now: number): Finding[] {
  return [
    checkVersion(facts),
    checkPrimary(facts),
    checkDurability(facts),
    checkVacuum(facts),
    checkConnections(facts, connectionsOf(settings)),
    checkClock(facts, now),
  ]
}

function checkVersion({ version, version_number }: ServerFacts): Finding {
  if (version_number >= VERSION_MIN * VERSION_NUMBERS) return fine('postgres', `version ${version}`)
  return failure('postgres', `version ${version}`, `Use PostgreSQL ${VERSION_MIN} or later.`)
}

function checkPrimary({ standby, read_only }: ServerFacts): Finding {
  if (standby) return failure('primary', 'the server is a standby', 'Connect to the primary.')
  if (!read_only) return fine('primary', 'the server takes writes')
  return failure(
    'primary',
    'transactions of this user are read-only by default',
    'Set default_transaction_read_only to off.',
  )
}

function checkDurability({ fsync, full_page_writes, synchronous_commit }: ServerFacts): Finding {
  if (!fsync) {
    return failure('durability', 'fsync is off: a power cut may destroy the database', 'Set fsync to on.')
  }
  if (!full_page_writes) {
    return warning(
      'durability',
      'full_page_writes is off: a power cut may tear pages of the database',
      'Set it to on, unless the file system writes pages whole.',
    )
  }
  if (synchronous_commit === 'off') {
    return warning(
      'durability',
      'synchronous_commit is off: a crash of the server may take the last receipts',
      "Set it to on for Spillway's user, unless that is meant: alter role ... set synchronous_commit = on",
    )
  }
  return fine('durability', `synchronous_commit is ${synchronous_commit}: a receipt survives a power cut`)
}

function checkVacuum({ autovacuum }: ServerFacts): Finding {
  if (autovacuum) return fine('autovacuum', 'on')
  return warning(
    'autovacuum',
    'off: finished chunks keep their room, and claims grow slower',
    'Set it to on.',
  )
}

/** At most, by one process. */
function connectionsOf({ pool, connectionsMax, transactionsMax, listen }: PostgresSettings): number {
  const pooled = pool === null ? connectionsMax + transactionsMax : (pool.options.max ?? 10)
  return pooled + (listen ? 1 : 0)
}

function checkConnections({ connections, connections_used }: ServerFacts, each: number): Finding {
  const found = `a process takes up to ${each}, the server gives ${connections}, ${connections_used} are taken now`
  if (each <= connections - connections_used) return fine('connections', found)
  const advice = 'Raise max_connections, or lower connectionsMax and transactionsMax.'
  return each > connections ? failure('connections', found, advice) : warning('connections', found, advice)
}

function checkClock(facts: ServerFacts, now: number): Finding {
  const apartMs = Math.abs(facts.now - now)
  if (apartMs <= CLOCK_SKEW_MS_MAX)
    return fine('server clock', `${Math.round(apartMs)} ms from this machine's`)
  return warning(
    'server clock',
    `${Math.round(apartMs / 1_000)} s from this machine's`,
    'Check the time synchronisation of both.',
  )
}
