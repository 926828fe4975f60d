// What operators and counterparts do, on every database: the same as on the memory store, where the rest of the tests are.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireServer, sharedMariaDb, sharedPostgres } from 'spillway-test-bed'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, failed, ok, pending, type Spillway, type Store } from '../index.js'
import { mysql } from '../stores/mysql/index.js'
import { postgres } from '../stores/postgres/index.js'
import { sqlite } from '../stores/sqlite/index.js'

/** A store of its own, and its end. */
interface Ground {
  readonly store: Store
  drop(): Promise<void>
}

async function onSqlite(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-operators-'))
  return { store: sqlite(join(folder, 'spillway.db')), drop: () => rm(folder, { recursive: true }) }
}

async function onPostgres(): Promise<Ground> {
  const database = await (await sharedPostgres()).createDatabase()
  return { store: postgres(database.url), drop: () => database.drop() }
}

async function onMariaDb(): Promise<Ground> {
  const database = await (await sharedMariaDb()).createDatabase()
  return { store: mysql(database.url), drop: () => database.drop() }
}

let ground: Ground
let spillway: Spillway
let broken: boolean
/** Resolves when the counterpart may be asked to undo a payment. */
let mayUndo: Promise<void>
let letUndo: () => void

const write = defineCommand({
  name: 'write',
  input: z.object({ row: z.number() }),
  retry: { attempts: 1 },
  handle: ({ row }) => {
    if (broken) throw new Error(`row ${row} cannot be written`)
    return row
  },
})
const pay = defineCommand({
  name: 'pay',
  input: z.object({ token: z.string() }),
  handle: ({ token }) => pending({ token, deadline: '1h' }),
  compensate: () => mayUndo,
})

async function died(rows: number): Promise<string[]> {
  const verdicts = await spillway.submitMany(
    write,
    Array.from({ length: rows }, (_, row) => ({ row })),
  )
  const ids = verdicts.flatMap((verdict) => (verdict.ok ? [verdict.receipt.id] : []))
  for (const id of ids) await spillway.outcome(id, { wait: '20s' })
  return ids
}

describe('on SQLite', () => operators(onSqlite))
requireServer(describe, 'postgres')('on PostgreSQL', () => operators(onPostgres))
requireServer(describe, 'mariadb')('on MariaDB', () => operators(onMariaDb))

function operators(open: () => Promise<Ground>): void {
  beforeEach(async () => {
    broken = true
    mayUndo = new Promise((resolve) => {
      letUndo = resolve
    })
    ground = await open()
    const config = { store: ground.store, commands: [write, pay], maintenance: { promoteEvery: 5 } }
    spillway = await createSpillway(config, { migrate: true, logs: 'silent' })
  })
  afterEach(async () => {
    letUndo()
    await spillway?.close()
    await ground?.drop()
  })

  it('a counterpart completes what waits for it, once, and a refusal is undone', async () => {
    const waiting = spillway.events({ states: ['pending'] })[Symbol.asyncIterator]()
    const tokens = ['token-of-the-first-one', 'token-of-the-second-one'] as const
    const receipts = [
      await spillway.submit(pay, { token: tokens[0] }),
      await spillway.submit(pay, { token: tokens[1] }),
    ]
    await waiting.next()
    await waiting.next()
    expect(await spillway.complete(tokens[0], ok({ paid: true }))).toMatchObject({
      ...{ id: receipts[0]?.id, state: 'succeeded', result: '{"paid":true}' },
    })
    await expect(spillway.complete(tokens[0], ok())).rejects.toMatchObject({ code: 'token_unknown' })
    expect(await spillway.complete(tokens[1], failed('no funds'))).toMatchObject({ state: 'compensating' })
    letUndo()
    expect(await spillway.outcome(receipts[1]?.id ?? '', { wait: '20s' })).toMatchObject({
      ...{ state: 'compensated', error: { message: 'no funds' } },
    })
  })

  it('dead letters are grouped, redriven by an operation or by hand, and all of it is audited', async () => {
    const ids = await died(30)
    const [group, ...others] = await spillway.deadLetters.groups({ limit: 10 })
    expect(others).toEqual([])
    expect(group).toMatchObject({ type: 'write', count: 30 })
    const filter = { fingerprint: group?.fingerprint ?? '' }
    expect(await spillway.operations.start({ action: 'redrive', filter, dryRun: true })).toMatchObject({
      matches: 30,
    })
    const [given = ''] = ids
    expect(await spillway.discard([given], { actor: 'ada', reason: 'not needed' })).toEqual(['ok'])
    broken = false
    const { id } = await spillway.operations.start({ action: 'redrive', filter, actor: 'ada' })
    expect(await spillway.outcome(id ?? '', { wait: '20s' })).toMatchObject({ state: 'succeeded' })
    expect(await spillway.operations.get(id ?? '')).toMatchObject({ seen: 29, changed: 29, conflicts: 0 })
    for (const each of ids.slice(1))
      expect(await spillway.outcome(each, { wait: '20s' })).toMatchObject({
        state: 'succeeded',
        generation: 1,
      })
    expect((await spillway.audit({ limit: 10 })).items).toMatchObject([
      { action: 'operation.redrive.done', count: 29 },
      { action: 'operation.redrive', target: `fingerprint=${filter.fingerprint}`, count: null },
      { action: 'discard', actor: 'ada', reason: 'not needed', count: 1 },
    ])
    expect(await spillway.redrive([given], { payloads: [{ row: 7 }] })).toEqual(['ok'])
    expect(await spillway.outcome(given, { wait: '20s', payload: true })).toMatchObject({
      ...{ state: 'succeeded', payload: '{"row":7}', generation: 2 },
    })
  })
}
