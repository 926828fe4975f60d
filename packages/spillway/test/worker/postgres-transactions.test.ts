// Handlers in the settlement's transaction on a real server, with real time: what the worker's own tests show on virtual time
// against a store that only behaves like one.

import type { PoolClient } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, type Spillway, type SpillwayConfig } from '../../src/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { type PostgresRig, postgresRigs } from '../support/postgres-rig.js'

/** Long enough for a busy machine to begin in time what it has claimed. */
const LEASE_MS = 2_000
/** How long a command is waited for, and a whole test: only what hangs takes so long. */
const PATIENCE_MS = 30_000
vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

requireServer(describe, 'postgres')('a transaction on PostgreSQL', () => {
  const rigs = postgresRigs()

  async function start(
    handle: (name: string, tx: PoolClient, attempt: number, rig: PostgresRig) => Promise<unknown>,
    { timeoutMs = 60_000, processes = 1 } = {},
  ) {
    const rig = await rigs({ clock: systemClock })
    const greet = defineCommand({
      ...{ name: 'greet', input: z.string(), settlement: 'transaction', timeout: timeoutMs },
      retry: { attempts: 3, backoff: { delay: 10, jitter: 'none' } },
      handle: (name, { tx, attempt }) => handle(name, tx, attempt, rig),
    })
    const apps: Spillway[] = []
    const config = (store: SpillwayConfig['store']): SpillwayConfig => ({
      ...{ store, commands: [greet], queues: { default: { lease: LEASE_MS } } },
    })
    onTestFinished(async () => {
      for (const app of apps) await app.close()
      await rig.dispose()
    })
    for (let n = 0; n < processes; n += 1) {
      const store = n === 0 ? rig.store : await rig.other({ clock: systemClock })
      apps.push(await createSpillway(config(store), { logs: 'silent' }))
    }
    const table = () => rig.rows('create table @.greetings (name text primary key)')
    const greeted = async () =>
      (await rig.rows('select name from @.greetings order by name')).map(({ name }) => name)
    const inTransaction = async () => {
      const [row] = await rig.rows(
        `select count(*)::int as count from pg_stat_activity
         where state like 'idle in transaction%' and query not like '%pg_stat_activity%' and datname = current_database()`,
      )
      return row?.count
    }
    return { app: apps[0] as Spillway, rig, table, greeted, inTransaction }
  }

  const insert = (tx: PoolClient, rig: PostgresRig, name: string) =>
    tx.query(`insert into "${rig.schema}".greetings values ($1)`, [name])

  it('commits with its settlement, keeps a lease that is shorter, and happens once for two processes', async () => {
    const { app, table, greeted } = await start(
      async (name, tx, _, rig) => {
        await insert(tx, rig, name)
        await tx.query('select pg_sleep($1)', [(2 * LEASE_MS) / 1_000])
      },
      { processes: 2 },
    )
    await table()
    const { id } = await app.submit('greet', 'Ada')
    expect(await app.outcome(id, { wait: PATIENCE_MS })).toMatchObject({ state: 'succeeded', attempts: 1 })
    expect(await greeted()).toEqual(['Ada'])
  })

  it('pauses the queue when its table is missing, and goes on once it is there', async () => {
    const { app, table, greeted } = await start((name, tx, _, rig) => insert(tx, rig, name))
    const receipts = await app.submitMany('greet', ['Ada', 'Bob'])
    const paused = async () => (await app.queues())[0]
    // The queue is paused before the commands are given back.
    const isHalted = async () => {
      const queue = await paused()
      return queue?.paused === true && queue.running === 0
    }
    while (!(await isHalted())) await systemClock.sleep(20)
    expect(await paused()).toMatchObject({ pauseReason: expect.stringContaining('42P01'), ready: 2 })
    await table()
    await app.resume('default')
    for (const verdict of receipts) {
      if (!verdict.ok) throw verdict.error
      const outcome = await app.outcome(verdict.receipt.id, { wait: PATIENCE_MS })
      expect(outcome).toMatchObject({ state: 'succeeded', attempts: 1, history: [] })
    }
    expect(await greeted()).toEqual(['Ada', 'Bob'])
  })

  it('is undone under a handler that hangs, and its connection comes back', async () => {
    let release = (): void => {}
    const hanging = new Promise<void>((resolve) => {
      release = resolve
    })
    let late: unknown = null
    const { app, table, greeted, inTransaction } = await start(
      async (name, tx, attempt, rig) => {
        await insert(tx, rig, name)
        if (attempt > 1) return
        await hanging
        late = await insert(tx, rig, 'late').catch((error: unknown) => error)
      },
      { timeoutMs: 1_000 },
    )
    await table()
    const { id } = await app.submit('greet', 'Ada')
    const { state, attempts } = await app.outcome(id, { wait: PATIENCE_MS })
    expect(state).toBe('succeeded')
    expect(attempts).toBeGreaterThan(1)
    release()
    while (late === null) await systemClock.sleep(20)
    expect(late).toMatchObject({ code: 'invalid_argument' })
    expect(await greeted()).toEqual(['Ada'])
    // What the worker itself is in the middle of ends; what hangs does not.
    while ((await inTransaction()) !== 0) await systemClock.sleep(20)
  })
})
