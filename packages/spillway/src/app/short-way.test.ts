import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineCommand, into } from '../index.js'
import { loadSqlite, sqlite } from '../stores/sqlite/index.js'
import type { Spillway } from './api.js'
import { createSpillway } from './create-spillway.js'

const record = defineCommand({
  name: 'click.record',
  input: z.object({ id: z.string(), n: z.number() }),
  idempotencyKey: (click) => click.id,
  handleBatch: into('clicks', { key: ['id'] }),
})

const clicks = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `c${n}`, n }))

const closing: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** One process with all roles, and the application's own connection to the same file. */
async function open(schema = 'create table clicks (id text primary key, n integer check (n >= 0))') {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-short-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'store.db')
  const { DatabaseSync } = await loadSqlite()
  const table = new DatabaseSync(file)
  closing.push(() => table.close())
  table.exec(`pragma busy_timeout = 5000; ${schema}`)
  const spillway = await createSpillway(
    { store: sqlite(file), commands: [record] },
    { logs: 'silent', migrate: true },
  )
  closing.push(() => spillway.close())
  const rows = (): number => {
    const { count } = table.prepare('select count(*) as count from clicks').get() as { count: number }
    return count
  }
  return { spillway, table, rows }
}

async function stateOf(spillway: Spillway, id: string): Promise<string> {
  return (await spillway.outcome(id)).state
}

describe('rows of commands that only become rows', () => {
  it('are there when their receipts are, and are counted and remembered like any others', async () => {
    const { spillway, rows } = await open()
    const receipts = await Promise.all(clicks(500).map((click) => spillway.submit(record, click)))
    expect(rows()).toBe(500)
    expect(new Set(receipts.map(({ status }) => status))).toEqual(new Set(['accepted']))
    expect(await stateOf(spillway, receipts[499]?.id ?? '')).toBe('succeeded')
    expect(await spillway.accounting()).toMatchObject({ accepted: 500, succeeded: 500, ready: 0 })
    const [again] = await Promise.all([spillway.submit(record, { id: 'c7', n: 7 })])
    expect(again).toMatchObject({ status: 'duplicate', id: receipts[7]?.id })
    await expect(spillway.submit(record, { id: 'c7', n: 8 })).rejects.toMatchObject({
      code: 'idempotency_conflict',
    })
    expect(rows()).toBe(500)
    expect(await spillway.metrics.render()).toContain(
      'spillway_command_finished_total{queue="default",command="click.record",outcome="succeeded"} 500',
    )
  })

  it('wait with their commands while the queue is paused', async () => {
    const { spillway, rows } = await open()
    await spillway.pause('default')
    const receipt = await spillway.submit(record, { id: 'a', n: 1 })
    expect([rows(), await stateOf(spillway, receipt.id)]).toEqual([0, 'accepted'])
    await spillway.resume('default')
    await spillway.drain()
    expect([rows(), await stateOf(spillway, receipt.id)]).toEqual([1, 'succeeded'])
  })

  it('that the table refuses are the fault of their own command alone', async () => {
    const { spillway, rows } = await open()
    const payloads = clicks(50).map((click) => (click.n === 20 ? { ...click, n: -1 } : click))
    const receipts = await Promise.all(payloads.map((click) => spillway.submit(record, click)))
    await spillway.drain()
    expect(rows()).toBe(49)
    expect(await stateOf(spillway, receipts[20]?.id ?? '')).not.toBe('succeeded')
    expect(await spillway.accounting()).toMatchObject({ accepted: 50, succeeded: 49 })
  })

  it('without a table pause the queue, and every submit is accepted all the same', async () => {
    const { spillway, table, rows } = await open('create table other (id text)')
    const receipts = await Promise.all(clicks(20).map((click) => spillway.submit(record, click)))
    expect(receipts).toHaveLength(20)
    await spillway.drain()
    expect(await spillway.queues()).toMatchObject([{ queue: 'default', paused: true }])
    table.exec('create table clicks (id text primary key, n integer)')
    await spillway.resume('default')
    await spillway.drain()
    expect(await stateOf(spillway, receipts[3]?.id ?? '')).toBe('succeeded')
    expect(rows()).toBe(20)
  })
})
