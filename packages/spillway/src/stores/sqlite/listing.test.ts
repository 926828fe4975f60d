// Pages over more than one page looks at.

import { describe, expect, it } from 'vitest'
import { complete, type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import type { CommandUpdate } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'

const CHUNKS = 2_300
const PAGES_MAX = 100

/** Oldest first: a chunk with a dead, a retrying and a running command; many ready chunks of one; a running one last. */
async function manyChunks(): Promise<SqliteRig> {
  const rig = await sqliteRig()
  const oldest = await rig.lease({ payloads: ['dead', 'retrying', 'running', 'done'] })
  const error = { code: 'e', message: 'm' }
  const updates: CommandUpdate[] = [
    { index: 0, state: 'dead', attempts: 1, delayMs: 0, error },
    { index: 1, state: 'retrying', attempts: 1, delayMs: 1_000, error },
  ]
  await rig.store.settle([{ ...complete(oldest), updates, finished: [3], complete: false }])
  await rig.store.append(Array.from({ length: CHUNKS }, () => rig.draft()))
  await rig.lease({ queue: 'other' })
  return rig
}

async function listAll(
  rig: SqliteRig,
  request: Omit<ListRequest, 'limit'>,
): Promise<{ ids: string[]; pages: number }> {
  const ids: string[] = []
  let after: string | null = null
  for (let pages = 1; pages <= PAGES_MAX; pages += 1) {
    const page = await rig.store.reader.list({ ...request, limit: 500, ...(after === null ? {} : { after }) })
    ids.push(...page.items.map(({ id }) => id))
    after = page.next
    if (after === null) return { ids, pages }
  }
  throw new Error('the listing does not end')
}

describe('a listing', () => {
  it('gives every command once, newest first', async () => {
    const rig = await manyChunks()
    const { ids } = await listAll(rig, {})
    expect(ids).toHaveLength(CHUNKS + 5)
    expect(new Set(ids).size).toBe(ids.length)
    const chunkIds = ids.map((id) => id.slice(0, 32))
    expect(chunkIds).toEqual(chunkIds.toSorted().reverse())
  })

  it.each([
    [{ state: 'running' }, 2],
    [{ state: 'accepted' }, CHUNKS],
    [{ state: 'succeeded' }, 1],
    [{ state: 'dead' }, 1],
    [{ state: 'retrying' }, 1],
    [{ state: 'failed' }, 0],
    [{ state: 'running', queue: 'other' }, 1],
    [{ state: 'dead', queue: 'other' }, 0],
    [{ type: 'work', queue: 'main' }, CHUNKS + 4],
    [{ type: 'play' }, 0],
  ] as const)('of %j finds what is far from the newest too', async (request, count) => {
    const { ids } = await listAll(await manyChunks(), request)
    expect(new Set(ids).size).toBe(count)
  })

  it('looks at a bounded stretch: a page may be short, and says where to go on', async () => {
    const rig = await manyChunks()
    const first = await rig.store.reader.list({ state: 'succeeded', limit: 10 })
    expect(first.items).toEqual([])
    expect(first.next).toMatch(/^[0-9a-f]{32}-0$/)
    expect((await listAll(rig, { state: 'succeeded' })).pages).toBe(3)
  })

  it('does not take a cursor that it did not give', async () => {
    const rig = await sqliteRig()
    await expect(rig.store.reader.list({ limit: 1, after: 'x' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

describe('pruning', () => {
  it('removes a bounded number of commands per call, and all of them in the end', async () => {
    const rig = await sqliteRig()
    const payloads = Array.from({ length: 900 }, (_, n) => n)
    for (let n = 0; n < 20; n += 1)
      await rig.store.settle([
        complete(await rig.lease({ payloads, keys: payloads.map(String).map((key) => `${n}-${key}`) })),
      ])
    await rig.clock.advance(86_400_001)
    const request = { retentionMs: 1, failedRetentionMs: 1, limit: 500 }
    expect(await rig.store.prune(request)).toEqual({ chunks: 11, commands: 9_900, keys: 500 })
    expect(await rig.store.prune(request)).toMatchObject({ chunks: 9, commands: 8_100 })
    for (let call = 0; call < 34; call += 1)
      expect(await rig.store.prune(request)).toEqual({ chunks: 0, commands: 0, keys: 500 })
    expect(await rig.store.prune(request)).toEqual({ chunks: 0, commands: 0, keys: 0 })
    const left = ['chunks', 'bodies', 'results', 'parked', 'keys', 'key_groups'].map(
      (table) => `select count(*) as n from spillway_${table}`,
    )
    expect(left.flatMap((sql) => rig.rows(sql))).toEqual(left.map(() => ({ n: 0 })))
  })
})
