// The configuration of the processes that are killed, paused and restarted: a small application on PostgreSQL or MariaDB. Every
// execution that commits leaves a row of its own, so that a command that takes effect twice is two rows.

import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { env, exit, pid, stdin } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { applied, defineCommand, defineConfig, failed, into, notApplied, pending, retry } from 'spillway'
import { mysql } from 'spillway/mysql'
import { postgres } from 'spillway/postgres'
import { z } from 'zod'

const LOOK_EVERY_MS = 10
/** Short, so that nobody waits long for a worker that was paused in its transaction. */
const IDLE_TRANSACTION_MS = 2_000
/** More than any fault lasts: what is given up then is given up for another reason. */
const ATTEMPTS = 100
/** @type {{ delay: number, max: number }} */
const BACKOFF = { delay: 50, max: 500 }

// A process does not outlive the test that started it, however that ended.
stdin.on('close', () => exit(1)).resume()
stdin.unref()

const url = env.FAULTS_STORE_URL ?? ''
const isPostgres = url.startsWith('postgres:')

const Identified = z.object({ id: z.string() })

/** Commits with the settlement. */
const order = defineCommand({
  name: 'order',
  queue: 'orders',
  input: Identified,
  idempotencyKey: ({ id }) => id,
  settlement: 'transaction',
  async handleBatch(orders, { tx, commands }) {
    const ids = orders.map(({ id }) => id)
    if (isPostgres) {
      const statement = 'insert into orders (command, id) select * from unnest($1::text[], $2::text[])'
      await tx.query(statement, [commands.map(({ id }) => id), ids])
    } else
      await tx.query('insert into orders (command, id) values ?', [ids.map((id, n) => [commands[n]?.id, id])])
  },
})

/** The ready sink. Has no key: whoever does not know whether one was taken must not send it again. */
const click = defineCommand({
  name: 'click',
  queue: 'clicks',
  input: Identified,
  handleBatch: into('clicks', {
    key: ['execution'],
    map: (/** @type {z.infer<typeof Identified>} */ { id }) => ({ execution: randomUUID(), id }),
  }),
})

const counterpart = env.FAULTS_COUNTERPART_URL
const Letter = z.object({ id: z.string(), fate: z.string() })

/** Issued by the counterpart, which may refuse it, be busy, leave it open what it has done, or answer later. */
const letter = defineCommand({
  name: 'letter',
  queue: 'letters',
  input: Letter,
  idempotencyKey: ({ id }) => id,
  timeout: '2s',
  retry: { attempts: ATTEMPTS, backoff: BACKOFF },
  reconciliation: { attempts: ATTEMPTS, backoff: BACKOFF },
  compensation: { attempts: ATTEMPTS, backoff: BACKOFF },
  async handle(payload, context) {
    const { id, signal } = context
    const token = context.completionToken()
    const body = JSON.stringify({ id, token, fate: payload.fate, payload: JSON.stringify(payload) })
    const { status } = await ask(`issue/${id}`, signal, { method: 'POST', body })
    if (status === 409) return failed('refused')
    if (status === 503) return retry('busy')
    return status === 202 ? pending({ token, deadline: '3s' }) : undefined
  },
  async reconcile(_, { id, signal }) {
    const { status } = await ask(`letters/${id}`, signal)
    return status === 200 ? applied() : notApplied()
  },
  async compensate(_, __, { id, signal }) {
    await ask(`undo/${id}`, signal, { method: 'POST' })
  },
  callback: () => `${counterpart}/told`,
})

/**
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {RequestInit} [init]
 */
async function ask(path, signal, init) {
  return await fetch(`${counterpart}/${path}`, { ...init, signal })
}

const Gated = z.object({ gate: z.string() })

/**
 * Runs until somebody opens its gate.
 *
 * @param {string} name of the command and of its queue
 */
const gated = (name) =>
  defineCommand({
    name,
    queue: name,
    input: Gated,
    async handle({ gate }) {
      await passThrough(gate)
      return { by: pid }
    },
  })

const slow = gated('slow')
/** By whoever is not taken for dead as soon as the machine is busy. */
const patient = gated('patient')

/** The same inside the settlement's transaction, which it has written into before. */
const slowInTransaction = defineCommand({
  name: 'slow-in-transaction',
  queue: 'slow',
  input: Gated,
  settlement: 'transaction',
  async handle({ gate }, { tx }) {
    await tx.query(`insert into passages (gate, by_pid) values ('${gate}', ${pid})`)
    await passThrough(gate)
    return { by: pid }
  },
})

/**
 * Tells by a file that it has come to the gate.
 * @param {string} gate
 */
async function passThrough(gate) {
  writeFileSync(`${gate}.${pid}`, '')
  while (!existsSync(gate)) await sleep(LOOK_EVERY_MS)
}

export default defineConfig({
  store: isPostgres
    ? postgres(url, { idleTransactionMs: IDLE_TRANSACTION_MS })
    : mysql(url, { idleTransaction: IDLE_TRANSACTION_MS }),
  commands: [order, click, slow, patient, slowInTransaction, ...(counterpart === undefined ? [] : [letter])],
  queues: {
    ...Object.fromEntries(['orders', 'clicks', 'slow', 'letters'].map((queue) => [queue, { lease: '1s' }])),
    patient: { lease: '30s' },
  },
  ...(counterpart !== undefined && {
    callbacks: {
      secrets: [`whsec_${Buffer.alloc(32, 7).toString('base64')}`],
      timeout: '1s',
      schedule: Array.from({ length: 20 }, () => '500ms'),
      allowHttp: true,
      allowPorts: [Number(new URL(counterpart).port)],
      allowAddresses: ['127.0.0.0/8'],
    },
  }),
  worker: { closeTimeout: '1s' },
})
