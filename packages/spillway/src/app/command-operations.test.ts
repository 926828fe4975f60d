import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, type SpillwayConfig } from '../index.js'
import { memory } from '../stores/memory/index.js'
import { type TestSpillway, testSpillway } from '../testing/index.js'

let t: TestSpillway
afterEach(() => t.close())

let broken = true

const write = defineCommand({
  name: 'write',
  input: z.object({ row: z.number() }),
  retry: { attempts: 1 },
  handle: ({ row }) => {
    if (broken) throw new Error('cannot be written')
    return row
  },
})

async function open(rows: number, config: Partial<SpillwayConfig> = {}) {
  broken = true
  t = await testSpillway({ store: memory(), commands: [write], ...config })
  const verdicts = await t.submitMany(
    write,
    Array.from({ length: rows }, (_, row) => ({ row })),
  )
  await t.drain()
  const ids = verdicts.flatMap((verdict) => (verdict.ok ? [verdict.receipt.id] : []))
  return { ids, operations: t.spillway.operations }
}

describe('operations', () => {
  it('redrive what died, and tell how far they are', async () => {
    const { ids, operations } = await open(40)
    broken = false
    const { id, matches } = await operations.start({
      ...{ action: 'redrive', filter: { type: 'write' }, actor: 'ada', reason: 'mended' },
    })
    expect(matches).toBeNull()
    const begun = await operations.get(id ?? '')
    expect(begun).toMatchObject({
      action: 'redrive',
      filter: { type: 'write' },
      actor: 'ada',
      reason: 'mended',
    })
    expect(begun).toMatchObject({ state: 'accepted', seen: 0, changed: 0, finishedAt: null })
    await t.advance('1s')
    expect(await operations.get(id ?? '')).toMatchObject({
      ...{ id, state: 'succeeded', seen: 40, changed: 40, conflicts: 0 },
      finishedAt: expect.any(Number),
    })
    expect(new Set(ids.map((each) => t.outcomeOf(each).state))).toEqual(new Set(['succeeded']))
  })

  it('only count for a dry run', async () => {
    const { ids, operations } = await open(12)
    const request = { action: 'discard', filter: { state: 'dead', type: 'write' }, dryRun: true } as const
    expect(await operations.start(request)).toEqual({ id: null, matches: 12, more: false })
    await t.drain()
    expect(new Set(ids.map((each) => t.outcomeOf(each).state))).toEqual(new Set(['dead']))
    expect((await t.spillway.audit({ limit: 10 })).items).toEqual([])
  })

  it('are kept in the audit as they were asked for, and with what they came to', async () => {
    const { operations } = await open(3)
    const { id } = await operations.start({
      ...{ action: 'discard', filter: { state: 'dead' }, actor: 'ada', reason: 'old' },
    })
    await t.drain()
    expect((await t.spillway.audit({ limit: 10 })).items).toMatchObject([
      { actor: 'ada', action: 'operation.discard.done', target: id, reason: 'old', count: 3 },
      { actor: 'ada', action: 'operation.discard', target: 'state=dead', reason: 'old', count: null },
    ])
  })

  it('are found by their id only, and by no other', async () => {
    const { ids, operations } = await open(1)
    for (const id of [ids[0] ?? '', 'nonsense', `${'0'.repeat(32)}-0`])
      await expect(operations.get(id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('are refused where they make no sense', async () => {
    const { operations } = await open(0)
    await expect(operations.start({ action: 'discard', filter: { state: 'running' } })).rejects.toMatchObject(
      {
        code: 'invalid_argument',
      },
    )
    await expect(operations.start({ action: 'discard', filter: {}, actor: '' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  it('cannot be submitted from outside', async () => {
    await open(0)
    await expect(t.submit('spillway.operation', {})).rejects.toMatchObject({ code: 'unknown_command' })
    await expect(t.submit('spillway.callback', {})).rejects.toMatchObject({ code: 'unknown_command' })
  })

  it('wait, where nobody works, for a process that does', async () => {
    const { operations, ids } = await open(2)
    const { store } = t.spillway.config
    const tool = await createSpillway(
      { store: { ...store, open: async () => {}, close: async () => {} }, commands: [write] },
      { clock: t.clock, logs: 'silent', roles: ['intake'], register: false },
    )
    const { id } = await tool.operations.start({ action: 'discard', filter: {} })
    await tool.close()
    await t.drain()
    expect(await operations.get(id ?? '')).toMatchObject({ state: 'succeeded', changed: 2 })
    expect(ids.map((each) => t.outcomeOf(each).state)).toEqual(['cancelled', 'cancelled'])
  })
})

describe("Spillway's own queues", () => {
  it('are shown once there is something to see, and can be paused like any other', async () => {
    const { operations } = await open(1)
    const shown = async () => (await t.spillway.queues()).map(({ queue }) => queue)
    expect(await shown()).toEqual(['default'])
    await t.spillway.pause('spillway.operations', { reason: 'not now' })
    expect(await shown()).toEqual(['default', 'spillway.operations'])
    await operations.start({ action: 'redrive', filter: {} })
    await t.drain()
    expect(await t.spillway.queues()).toMatchObject([
      { queue: 'default', dead: 1 },
      { queue: 'spillway.operations', ready: 1, paused: true, channel: 'store', concurrency: 4 },
    ])
    await t.spillway.resume('spillway.operations')
    await t.drain()
    expect(await shown()).toEqual(['default'])
    await expect(t.spillway.pause('spillway.callbacks')).rejects.toMatchObject({ code: 'not_found' })
  })
})
