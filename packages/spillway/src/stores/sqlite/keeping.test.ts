// What a store keeps beside commands: numbers that never come twice, keys of any text, and how much one call takes at once.

import { describe, expect, it } from 'vitest'
import { complete, type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import { CHUNK_BYTES_MAX, COMMAND_BYTES_MAX, commandId, VERB_COMMANDS_MAX } from '../../domain/index.js'

const NOTE = { actor: 'ops', action: 'pause', target: 'main', reason: null }

function promote({ store, draft }: SqliteRig): Promise<number> {
  return store.promote({ limit: 1_000, chunkCommandsMax: 1_000, newChunkId: () => draft().id })
}

describe('audit ids', () => {
  it('rise even when all rows were pruned in between, and sort as text', async () => {
    const { store, clock } = await sqliteRig()
    const ids: string[] = []
    for (let round = 0; round < 12; round += 1) {
      await store.control.audit(NOTE, null)
      ids.push((await store.reader.audit({ limit: 1 })).items[0]?.id ?? '')
      await clock.advance(10)
      await store.prune({ retentionMs: 1, failedRetentionMs: 1, auditRetentionMs: 1, limit: 10 })
      expect((await store.reader.audit({ limit: 1 })).items).toEqual([])
    }
    expect(new Set(ids).size).toBe(12)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('are the only cursors of the audit', async () => {
    const { store } = await sqliteRig()
    const refused = { code: 'invalid_argument', message: expect.stringContaining('`next`') }
    await expect(store.reader.audit({ limit: 1, after: '1 or 1' })).rejects.toMatchObject(refused)
  })
})

describe('shared keys', () => {
  it('may hold characters that SQLite would cut off or replace', async () => {
    const { store } = await sqliteRig()
    const keys = ['a\u0000', 'a\u0000b', 'a\u0001', 'a\ud800'].toSorted()
    const writes = keys.map((key, at) => ({ key, value: String(at), version: 0, ttlMs: 1_000 }))
    expect(await store.shared.write(writes)).toEqual(['ok', 'ok', 'ok', 'ok'])
    const { values } = await store.shared.read(keys)
    expect(values.map((value) => value?.value)).toEqual(['0', '1', '2', '3'])
    expect((await store.shared.keys('a', 10)).toSorted()).toEqual(keys)
  })
})

describe('verbs', () => {
  it('take a bounded number of commands', async () => {
    const { store } = await sqliteRig()
    const ids = Array.from({ length: VERB_COMMANDS_MAX + 1 }, (_, index) => commandId('0'.repeat(32), index))
    const refused = { code: 'invalid_argument', message: expect.stringContaining(String(VERB_COMMANDS_MAX)) }
    for (const verb of ['cancel', 'redrive', 'discard'] as const)
      await expect(store.control[verb](ids)).rejects.toMatchObject(refused)
  })
})

describe('promoting edited payloads', () => {
  it('takes a bounded number of bytes at once, and the rest after that', async () => {
    const rig = await sqliteRig()
    const payloads = Array.from({ length: 24 }, (_, n) => n)
    const lease = await rig.lease({ payloads })
    const dead = { state: 'dead', attempts: 1, delayMs: 0, error: { code: 'e', message: 'm' } } as const
    await rig.store.settle([{ ...complete(lease), updates: payloads.map((index) => ({ index, ...dead })) }])
    const edited = payloads.map((n) => JSON.stringify(`${n}`.padEnd(COMMAND_BYTES_MAX - 2)))
    const ids = payloads.map((index) => commandId(lease.chunkId, index))
    await rig.store.control.redrive(ids, { payloads: edited })
    const moved = [await promote(rig), await promote(rig), await promote(rig)]
    const atOnce = Math.floor((2 * CHUNK_BYTES_MAX) / COMMAND_BYTES_MAX) - 1
    expect(moved).toEqual([atOnce, 24 - atOnce, 0])
    const bodies = rig.rows('select body from spillway_bodies where members is not null')
    const commands = bodies.flatMap(({ body }) => JSON.parse(String(body)) as string[])
    expect(commands.map((text) => Number(text)).sort((a, b) => a - b)).toEqual(payloads)
  })
})
