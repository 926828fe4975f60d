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

const NONE: Found = { pooler: 'none', prepares: true }

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

type Found = Omit<Between, 'hears'>

/** `one` and `other` are idle. */
export async function findPooler(one: ClientBase, other: ClientBase): Promise<Found> {
  const first = await serverOf(one)
  // A pooler makes up the number that it tells its clients.
  if ('processID' in one && one.processID === first) return NONE
  let isShared = false
  for (let round = 0; round < ROUNDS; round += 1) {
    // Anew in each round: poolers hand out what was given back last, so the other one is likely to be given this.
    const preparedOn = await runPrepared(one, round)
    await other.query({ ...answering, text: 'begin' })
    try {
      isShared ||= preparedOn !== first
      isShared ||= (await serverOf(other)) === preparedOn || (await serverOf(one)) !== preparedOn
      if (!isShared) continue
      const ranOn = await runPrepared(one, round)
      // On the connection that it was prepared on, it proves nothing.
      if (ranOn !== preparedOn) return { pooler: 'transactions', prepares: ranOn !== null }
    } finally {
      await other.query('rollback')
    }
  }
  return { pooler: isShared ? 'transactions' : 'sessions', prepares: true }
}

const answering = { query_timeout: ANSWER_MS_MAX }

/** The number of the server's process that answers. */
async function serverOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query({ ...answering, text: 'select pg_backend_pid() as pid' })
  return rows[0].pid
}

/**
 * A statement that the driver prepares once in a round on what it takes for one connection. Its name is this client's alone: what another doctor
 * left on a connection of the server must not answer for it. Null when it is not there any more, else where it ran.
 */
async function runPrepared(client: ClientBase, round: number): Promise<number | null> {
  const name = `spillway_doctor_${'processID' in client ? client.processID : ''}_${round}`
  const text = 'select pg_backend_pid() as pid, $1::integer as one'
  try {
    const { rows } = await client.query({ ...answering, name, text, values: [1] })
    return rows[0].pid
  } catch (error) {
    const state = sqlState(error)
    // No state: a pooler with one connection has none left to answer with.
    if (state === null || LOST_STATEMENTS.has(state)) return null
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
