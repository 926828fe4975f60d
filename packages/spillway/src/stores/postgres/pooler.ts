// What stands between the store and the server. A pooler such as PgBouncer in transaction mode gives each transaction another
// connection of the server, which neither LISTEN nor, in older ones, prepared statements survive. No pooler says that it is one:
// this finds out by what it does to two connections.

import type { Client, ClientBase } from 'pg'
import { type Finding, failure, fine, warning } from '../../ports/index.js'
import type { Connections } from './connections.js'
import { LOST_STATEMENTS, sqlState } from './errors.js'
import type { Pause } from './machine.js'
import type { PostgresSettings } from './options.js'

export interface Between {
  /** `sessions`: a pooler that leaves a connection of the server to a client for as long as it stays. */
  readonly pooler: 'none' | 'sessions' | 'transactions'
  /** Whether prepared statements outlive a transaction. */
  readonly prepares: boolean
  /** Whether notifications arrive; null when the store does not listen. */
  readonly hears: boolean | null
}

export interface PoolerParts {
  readonly connections: Connections
  readonly pause: Pause
}

const CHANNEL = 'spillway_doctor'
/** How long a pooler may keep one of its clients waiting for another. */
const ANSWER_MS_MAX = 3_000
const NOTIFICATION_MS_MAX = 2_000
/** On a busy pooler the two may happen to get the same connections again. */
const ROUNDS = 10

const NONE: Omit<Between, 'hears'> = { pooler: 'none', prepares: true }

export async function lookBetween(settings: PostgresSettings, parts: PoolerParts): Promise<Between> {
  const { connections } = parts
  return await connections.alone(async (one) =>
    connections.alone(async (other) => {
      const found = await findPooler(one, other)
      if (!settings.listen) return { ...found, hears: null }
      return { ...found, hears: found.pooler !== 'transactions' && (await hears(one, other, parts.pause)) }
    }),
  )
}

async function findPooler(one: ClientBase, other: ClientBase): Promise<Omit<Between, 'hears'>> {
  const serverOf = async (client: ClientBase): Promise<unknown> =>
    (await client.query({ ...answering, text: 'select pg_backend_pid() as pid' })).rows[0]?.pid
  const first = await serverOf(one)
  // A pooler makes up the number that it tells its clients.
  if ('processID' in one && one.processID === first) return NONE
  const prepares = await canPrepare(one)
  for (let round = 0; round < ROUNDS; round += 1) {
    await other.query({ ...answering, text: 'begin' })
    try {
      const shared = (await serverOf(other)) === first || (await serverOf(one)) !== first
      // Asked while the connection that it was prepared on is taken.
      if (shared) return { pooler: 'transactions', prepares: prepares && (await canPrepare(one)) }
    } finally {
      await other.query('rollback')
    }
  }
  return { pooler: 'sessions', prepares: true }
}

const answering = { query_timeout: ANSWER_MS_MAX }

/**
 * The same statement each time, which the driver prepares once on what it takes for one connection. Its name is this client's alone: what
 * another doctor left on a connection of the server must not answer for it.
 */
async function canPrepare(client: ClientBase): Promise<boolean> {
  const name = `spillway_doctor_${'processID' in client ? client.processID : ''}`
  const text = 'select $1::integer as one'
  try {
    await client.query({ ...answering, name, text, values: [1] })
    return true
  } catch (error) {
    const state = sqlState(error)
    // No state: a pooler with one connection has none left to answer with.
    if (state === null || LOST_STATEMENTS.has(state)) return false
    throw error
  }
}

async function hears(listening: ClientBase, notifying: ClientBase, pause: Pause): Promise<boolean> {
  await listening.query(`listen ${CHANNEL}`)
  const heard = new Promise<boolean>((resolve) => {
    const cancel = pause.schedule(NOTIFICATION_MS_MAX, () => resolve(false))
    ;(listening as Client).once('notification', () => {
      cancel()
      resolve(true)
    })
  })
  await notifying.query(`notify ${CHANNEL}`)
  return await heard
}

const REMEDY = 'Use postgres(url, { prepare: false, listen: false }), or connect past the pooler.'

export function betweenFindings({ pooler, prepares, hears }: Between, prepare: boolean): Finding[] {
  return [checkPooler(pooler, prepares || !prepare), checkWakeUp(hears)]
}

function checkPooler(pooler: Between['pooler'], mayPrepare: boolean): Finding {
  if (pooler === 'none') return fine('pooler', 'none in the way')
  if (pooler === 'sessions') return fine('pooler', 'one in session mode')
  if (mayPrepare) return fine('pooler', 'one in transaction mode')
  return failure('pooler', 'one in transaction mode, which forgets prepared statements', REMEDY)
}

function checkWakeUp(hears: boolean | null): Finding {
  if (hears === null) return fine('wake-up', 'by polling (listen: false)')
  if (hears) return fine('wake-up', 'LISTEN hears of new work at once')
  return warning('wake-up', 'LISTEN hears nothing: work of other processes is found by polling', REMEDY)
}
