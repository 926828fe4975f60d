// Reading much: pages over more than one page looks at, large bodies, and counts while others write.

import { describe, expect, it } from 'vitest'
import { type MysqlRig, mysqlRig } from '../../../test/support/mysql-rig.js'
import { type CommandUpdate, commandId } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'

const CHUNKS = 2_300
const PAGES_MAX = 100
const ERROR = { code: 'e', message: 'm' }

/** Oldest first: a chunk with a dead, a retrying, a running and a done command; many ready chunks of one; a running one last. */
async function manyChunks(): Promise<MysqlRig> {
  const rig = await mysqlRig()
  const { chunkId, token } = await rig.lease({ payloads: ['dead', 'retrying', 'running', 'done'] })
  const updates: CommandUpdate[] = [
    { index: 0, state: 'dead', attempts: 1, delayMs: 0, error: ERROR },
    { index: 1, state: 'retrying', attempts: 1, delayMs: 1_000, error: ERROR },
  ]
  await rig.store.settle([{ chunkId, token, updates, finished: [3], complete: false }])
  await rig.store.append(Array.from({ length: CHUNKS }, () => rig.draft()))
  await rig.lease({ queue: 'other' })
  return rig
}

async function listAll(
  rig: MysqlRig,
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

  it('finds what is far from the newest too', async () => {
    const rig = await manyChunks()
    const counts: [Omit<ListRequest, 'limit'>, number][] = [
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
    for (const [request, count] of counts) {
      const { ids } = await listAll(rig, request)
      expect([request, new Set(ids).size]).toEqual([request, count])
    }
  })

  it('looks at a bounded stretch: a page may be short, and says where to go on', async () => {
    const rig = await manyChunks()
    const first = await rig.store.reader.list({ state: 'succeeded', limit: 10 })
    expect(first.items).toEqual([])
    expect(first.next).toMatch(/^[0-9a-f]{32}-0$/)
    expect((await listAll(rig, { state: 'succeeded' })).pages).toBe(3)
  })

  it('goes on within a stretch of rows, however many there are', async () => {
    const rig = await mysqlRig()
    const parked = { state: 'dead', nextAt: null, attempts: 1, error: ERROR } as const
    const payloads = Array.from({ length: 1_000 }, () => 'p')
    for (let n = 0; n < 11; n += 1) {
      await rig.store.append([rig.draft({ payloads, parked: payloads.map(() => parked) })])
    }
    const { ids } = await listAll(rig, { state: 'dead', queue: 'main' })
    expect(new Set(ids).size).toBe(11_000)
    const { items, next } = await rig.store.reader.list({ state: 'dead', queue: 'other', limit: 1 })
    expect(items).toEqual([])
    expect(next).not.toBe(null)
  })

  it('does not take a cursor that it did not give', async () => {
    const rig = await mysqlRig()
    await expect(rig.store.reader.list({ limit: 1, after: 'x' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

describe('reading commands', () => {
  it('answers for more ids than one statement asks for, with payloads from many chunks', async () => {
    const rig = await mysqlRig()
    const drafts = Array.from({ length: 30 }, (_, chunk) =>
      rig.draft({ payloads: Array.from({ length: 40 }, (_, n) => `${chunk}/${n}`) }),
    )
    await rig.store.append(drafts)
    const ids = drafts.flatMap(({ id }) => Array.from({ length: 41 }, (_, index) => commandId(id, index)))
    const views = await rig.store.reader.get(ids, { payload: true })
    expect(views.map((view) => view?.payload ?? null)).toEqual(
      drafts.flatMap((_, chunk) => [...Array.from({ length: 40 }, (_, n) => `"${chunk}/${n}"`), null]),
    )
  })

  it('gives values back as handlers returned them, whatever is in them', async () => {
    const rig = await mysqlRig()
    const { chunkId, token } = await rig.lease({ payloads: ['a', 'b'] })
    const results = ['{"b":1,"a":"NUL \\u0000 \\ud800 😀 \\\\ \'"}', '1e21']
    const updates = results.map(
      (result, index) =>
        ({ index, state: 'succeeded', attempts: 1, delayMs: 0, error: null, result }) as const,
    )
    await rig.store.settle([{ chunkId, token, updates, finished: [], complete: true }])
    const views = await rig.store.reader.get([0, 1].map((index) => commandId(chunkId, index)))
    expect(views.map((view) => view?.result)).toEqual(results)
  })
})

describe('counting', () => {
  it('adds up in every snapshot while others write', async () => {
    const rig = await mysqlRig()
    let writing = true
    const write = async (): Promise<void> => {
      for (let n = 0; n < 40; n += 1) {
        const { chunkId, token } = await rig.lease({ payloads: ['a', 'b', 'c'] })
        const updates: CommandUpdate[] = [
          { index: 0, state: 'retrying', attempts: 1, delayMs: 0, error: ERROR },
          { index: 1, state: 'dead', attempts: 1, delayMs: 0, error: ERROR },
        ]
        await rig.store.settle([{ chunkId, token, updates, finished: [], complete: true }])
        await rig.store.control.redrive([commandId(chunkId, 1)])
        await rig.store.promote({ limit: 10, chunkCommandsMax: 3, newChunkId: () => rig.draft().id })
      }
      writing = false
    }
    const sums: [number, number][] = []
    const count = async (): Promise<void> => {
      while (writing) {
        const { accepted, ...places } = await rig.store.reader.accounting()
        sums.push([Object.values(places).reduce((sum, some) => sum + some, 0), accepted])
      }
    }
    await Promise.all([write(), count(), count()])
    expect(sums.length).toBeGreaterThan(10)
    for (const [sum, accepted] of sums) expect(sum).toBe(accepted)
    expect(new Set(sums.map(([sum]) => sum)).size).toBeGreaterThan(3)
  })
})
