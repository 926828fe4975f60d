// The configuration of the processes that are killed, paused and restarted: a small application on PostgreSQL or MariaDB. Every
// execution that commits leaves a row of its own, so that a command that takes effect twice is two rows.

import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { env, exit, pid, stdin } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineCommand, defineConfig, into } from 'spillway'
import { mysql } from 'spillway/mysql'
import { postgres } from 'spillway/postgres'
import { z } from 'zod'

const LOOK_EVERY_MS = 10
/** Short, so that nobody waits long for a worker that was paused in its transaction. */
const IDLE_TRANSACTION_MS = 2_000

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

const Gated = z.object({ gate: z.string() })

/** Runs until somebody opens its gate. */
const slow = defineCommand({
  name: 'slow',
  queue: 'slow',
  input: Gated,
  async handle({ gate }) {
    await passThrough(gate)
    return { by: pid }
  },
})

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
  commands: [order, click, slow, slowInTransaction],
  queues: Object.fromEntries(['orders', 'clicks', 'slow'].map((queue) => [queue, { lease: '1s' }])),
  worker: { closeTimeout: '1s' },
})
