// A chunk of one keeps its key in its own row until pruning collects it: every such key expires all the same, and exactly once.

import { describe, expect, it } from 'vitest'
import { complete, sqliteRig } from '../../../test/support/sqlite-rig.js'
import type { Lease } from '../../domain/index.js'

const NEVER_MS = 1e12
const request = { retentionMs: NEVER_MS, failedRetentionMs: NEVER_MS, limit: 1_000 }

type Rig = Awaited<ReturnType<typeof sqliteRig>>

function submit(rig: Rig, key: string) {
  return rig.store.append([rig.draft({ payloads: [key], keys: [key] })])
}

function storedKeys(rig: Rig): unknown[] {
  return rig.rows('select key from spillway_keys order by key').map((row) => (row as { key: string }).key)
}

function groups(rig: Rig): unknown[] {
  return rig.rows('select keys from spillway_key_groups order by expires_at, chunk_id').map((row) => row.keys)
}

describe('keys of chunks of one', () => {
  it('are collected into groups once', async () => {
    const rig = await sqliteRig()
    for (const key of ['a', 'b', 'c']) await submit(rig, key)
    await rig.store.prune(request)
    await submit(rig, 'd')
    await rig.store.prune(request)
    await rig.store.prune(request)
    expect(groups(rig)).toEqual(['["a","b","c"]', '["d"]'])
  })

  it('share no group when they expire more than a second apart', async () => {
    const rig = await sqliteRig()
    await submit(rig, 'a')
    await rig.clock.advance(1_001)
    await submit(rig, 'b')
    await rig.store.prune(request)
    expect(groups(rig)).toEqual(['["a"]', '["b"]'])
  })

  it('outlive a chunk whose retention is shorter than their window', async () => {
    const rig = await sqliteRig()
    const lease = await rig.lease({ payloads: ['a'], keys: ['a'] })
    await rig.store.settle([complete(lease)])
    expect(await rig.store.prune({ ...request, retentionMs: 0 })).toMatchObject({ chunks: 1, keys: 0 })
    expect([storedKeys(rig), groups(rig)]).toEqual([['a'], ['["a"]']])
  })

  it('are collected though their chunk took over the number of a removed one', async () => {
    const rig = await sqliteRig()
    const lease = await rig.lease({ payloads: ['a'], keys: ['a'] })
    await rig.store.settle([complete(lease)])
    await rig.store.prune({ ...request, retentionMs: 0 })
    await submit(rig, 'b')
    await rig.store.prune(request)
    expect(groups(rig)).toEqual(['["a"]', '["b"]'])
  })

  it('are collected though their chunk took over the number of a carrier that ended', async () => {
    const rig = await sqliteRig()
    const first = await rig.lease({ payloads: ['x'], keys: ['early'] })
    const retry = { index: 0, state: 'retrying', attempts: 1, delayMs: 10, error: null } as const
    await rig.store.settle([{ ...complete(first), updates: [retry] }])
    await rig.clock.advance(10)
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    await rig.store.prune(request)
    const [carrier] = await rig.store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 1, commandsMax: 1, leaseMs: 1_000, workerId: 'w' },
    })
    await rig.store.settle([complete(carrier as Lease)])
    await submit(rig, 'later')
    await rig.store.prune(request)
    expect(groups(rig)).toEqual(['["early"]', '["later"]'])
  })
})
