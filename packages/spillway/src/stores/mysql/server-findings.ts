// What the facts about a server mean for a store, for the doctor: whether its receipts survive a crash, and what will be in its way.

import { CLOCK_SKEW_MS_MAX } from '../../domain/index.js'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import type { StoreSettings } from './options.js'
import { misfitsOf, type ServerFacts } from './server.js'

const MIB = 1024 * 1024
/** InnoDB leaves it to the system when anything reaches the disk. */
const NEVER_FLUSHED = 'nosync'

export function serverFindings(
  facts: ServerFacts,
  settings: Pick<StoreSettings, 'synchronous' | 'poolSize'>,
): Finding[] {
  const { version, engine, binlog, packet } = misfitsOf(facts)
  return [
    judged('mysql', version, `version ${facts.version}`),
    checkPrimary(facts),
    checkDurability(facts, settings),
    judged('engine', engine, 'InnoDB'),
    judged('binary log', binlog, facts.binlog === 'off' ? 'off' : `format ${facts.binlog}`),
    judged('packets', packet, `max_allowed_packet is ${Math.floor(facts.maxAllowedPacket / MIB)} MiB`),
    checkConnections(facts, settings.poolSize * 2),
    fine('wake-up', 'by polling: the server has nothing to listen to'),
  ]
}

export function checkClock(serverNow: number, now: number): Finding {
  const apartMs = Math.abs(serverNow - now)
  if (apartMs <= CLOCK_SKEW_MS_MAX)
    return fine('server clock', `${Math.round(apartMs)} ms from this machine's`)
  return warning(
    'server clock',
    `${Math.round(apartMs / 1_000)} s from this machine's`,
    'Check the time synchronisation of both.',
  )
}

function judged(
  name: string,
  misfit: { readonly found: string; readonly advice: string } | null,
  detail: string,
): Finding {
  return misfit === null ? fine(name, detail) : failure(name, `the server ${misfit.found}`, misfit.advice)
}

function checkPrimary({ readOnly }: ServerFacts): Finding {
  if (!readOnly) return fine('primary', 'the server takes writes')
  return failure('primary', 'the server is read-only: read_only is ON', 'Connect to the primary.')
}

function checkDurability(facts: ServerFacts, { synchronous }: Pick<StoreSettings, 'synchronous'>): Finding {
  const { durability } = misfitsOf(facts)
  if (facts.flushMethod === NEVER_FLUSHED) {
    return failure(
      'durability',
      'innodb_flush_method is nosync: a power cut may destroy the database',
      'Set it to O_DIRECT or fsync.',
    )
  }
  if (durability === null) {
    return fine('durability', 'innodb_flush_log_at_trx_commit is 1: a receipt survives a power cut')
  }
  const found = `the server ${durability.found}`
  return synchronous === 'full'
    ? failure('durability', found, durability.advice)
    : warning('durability', found, "Set it to 1, unless that is meant: synchronous is 'normal'.")
}

/** `each`: what a process takes at most, half of it for handlers with transactions. */
function checkConnections(
  { connectionsMax, userConnectionsMax, connectionsUsed }: ServerFacts,
  each: number,
): Finding {
  const given = Math.min(connectionsMax, userConnectionsMax ?? connectionsMax)
  const found = `a process takes up to ${each}, the server gives ${given}, ${connectionsUsed} are taken now`
  if (each <= given - connectionsUsed) return fine('connections', found)
  const advice = 'Raise max_connections, or lower poolSize.'
  return each > given ? failure('connections', found, advice) : warning('connections', found, advice)
}
