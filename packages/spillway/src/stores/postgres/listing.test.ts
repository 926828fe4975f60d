// Pages over more than one page looks at.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { complete, disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import type { CommandUpdate } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'

const CHUNKS = 2_300
const PAGES_MAX = 100

requireServer(describe, 'postgres')('a listing', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  /** Oldest first: a chunk with a dead, a retrying and a running command; many ready chunks of one; a running one last. */
  async function manyChunks(): Promise<PostgresRig> {
    const rig = await rigs()
    const oldest = await rig.lease({ payloads: ['dead', 'retrying', 'running', 'done'] })
    const error = { code: 'e', message: 'm' }
    const updates: CommandUpdate[] = [
      { index: 0, state: 'dead', attempts: 1, delayMs: 0, error },
      { index: 1, state: 'retrying', attempts: 1, delayMs: 1_000, error },
    ]
    await rig.store.settle([{ ...complete(oldest), updates, finished: [3], complete: false }])
    await rig.store.append(Array.from({ length: CHUNKS }, () => rig.draft()))
    await rig.store.append([rig.draft({ queue: 'other' })])
    await rig.store.claim({
      ...{ queue: 'other', types: ['work'], chunksMax: 1, commandsMax: 1, leaseMs: 30_000, workerId: 'w' },
    })
    return rig
  }

  async function listAll(
    rig: PostgresRig,
    request: Omit<ListRequest, 'limit'>,
    limit = 500,
  ): Promise<{ ids: string[]; pages: number }> {
    const ids: string[] = []
    let after: string | null = null
    for (let pages = 1; pages <= PAGES_MAX; pages += 1) {
      const page = await rig.store.reader.list({ ...request, limit, ...(after === null ? {} : { after }) })
      ids.push(...page.items.map(({ id }) => id))
      after = page.next
      if (after === null) return { ids, pages }
    }
    throw new Error('the listing does not end')
  }

  it('gives every command once, newest first, and those of a state wherever they are', async () => {
    const rig = await manyChunks()
    const { ids } = await listAll(rig, {})
    expect(ids).toHaveLength(CHUNKS + 5)
    expect(new Set(ids).size).toBe(ids.length)
    const chunkIds = ids.map((id) => id.slice(0, 32))
    expect(chunkIds).toEqual(chunkIds.toSorted().reverse())
    const expected: [Omit<ListRequest, 'limit'>, number][] = [
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
    ]
    for (const [request, count] of expected) {
      expect(new Set((await listAll(rig, request)).ids).size, JSON.stringify(request)).toBe(count)
    }
  })

  it('looks at a bounded stretch: a page may be short, and says where to go on', async () => {
    const rig = await manyChunks()
    const first = await rig.store.reader.list({ state: 'succeeded', limit: 10 })
    expect(first.items).toEqual([])
    expect(first.next).toMatch(/^[0-9a-f]{32}-0$/)
    expect((await listAll(rig, { state: 'succeeded' })).pages).toBe(3)
  })

  it('looks at a bounded number of rows, where it searches them for a queue', async () => {
    const rig = await rigs()
    const [lease] = [await rig.lease()]
    await rig.store.settle([complete(lease)])
    await rig.rows(`
      insert into @.parked (chunk_id, origin, accepted_at, finished_at, idx, priority, attempts, state, queue, type)
      select lpad(to_hex(n), 32, '0')::uuid, 1, 1, 1, 0, 0, 1, 'dead', case when n in (2, 15000) then 'rare' else 'main' end, 'work'
      from generate_series(1, 25000) n`)
    const { ids, pages } = await listAll(rig, { state: 'dead', queue: 'rare' }, 10)
    expect(ids.map((id) => Number.parseInt(id.slice(0, 32), 16))).toEqual([15_000, 2])
    expect(pages).toBe(3)
    expect((await listAll(rig, { state: 'dead' })).ids).toHaveLength(25_000)
  })

  it('does not take a cursor that it did not give', async () => {
    const rig = await rigs()
    await expect(rig.store.reader.list({ limit: 1, after: 'x' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})
