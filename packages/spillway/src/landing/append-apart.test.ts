import { describe, expect, it } from 'vitest'
import { chunkIdOf } from '../../test/agent/model-tail.js'
import type { ChunkDraft } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { memory } from '../stores/memory/index.js'
import { appendApart } from './append-apart.js'

const drafts = (count: number): ChunkDraft[] =>
  Array.from({ length: count }, (_, n) => ({
    ...{ id: chunkIdOf(n), queue: 'main', type: 'click.record', priority: 0, partition: null },
    ...{ codec: 'json', body: `[${n}]`, size: 1, parked: null, keys: null },
  }))

/** A store that fails appends with any of these chunks in them. */
function failing(faults: Readonly<Record<number, unknown>>, probe = async () => {}) {
  const kept = memory()
  const appends: number[] = []
  const append = async (given: readonly ChunkDraft[]) => {
    appends.push(given.length)
    const at = Object.keys(faults).find((n) => given.some(({ id }) => id === chunkIdOf(Number(n))))
    if (at !== undefined) throw faults[Number(at)]
    return kept.append(given)
  }
  return { kept, appends, store: { append, probe } }
}

const bad = Object.assign(new Error('invalid text "secret"'), { code: '22P05' })
const away = new SpillwayError('store_unavailable', 'away')
const statuses = async (store: Parameters<typeof appendApart>[0], count: number) =>
  (await appendApart(store, drafts(count), { remember: true })).map(({ status }) => status)

describe('appendApart', () => {
  it('stores all in one call when nothing is wrong', async () => {
    const { store, appends, kept } = failing({})
    expect(await statuses(store, 5)).toEqual(Array(5).fill('stored'))
    expect(appends).toEqual([5])
    expect((await kept.reader.accounting()).accepted).toBe(5)
  })

  it('finds those that the store will never take, and says no more of them than a code', async () => {
    const { store, kept } = failing({ 1: bad, 6: bad })
    const fates = await appendApart(store, drafts(8), {})
    expect(fates.map(({ status }) => status)).toEqual(
      Array.from({ length: 8 }, (_, n) => (n === 1 || n === 6 ? 'refused' : 'stored')),
    )
    expect(fates[6]).toEqual({ status: 'refused', reason: 'the store refuses it (22P05)' })
    expect((await kept.reader.accounting()).accepted).toBe(6)
  })

  it.each([
    ['is away', away],
    ['is of another version', new SpillwayError('store_incompatible', 'run: spillway migrate')],
  ])('refuses nothing and looks no further when the store %s', async (_, error) => {
    const { store, appends } = failing({ 0: error })
    expect(await appendApart(store, drafts(4), {})).toEqual(Array(4).fill({ status: 'left', error }))
    expect(appends).toEqual([4])
  })

  it('refuses nothing while the store takes no writes at all', async () => {
    const { store } = failing({ 0: bad }, () => Promise.reject(new Error('disk full')))
    expect(await appendApart(store, drafts(1), {})).toEqual([{ status: 'left', error: bad }])
  })

  it('keeps the order: behind one that is left all are', async () => {
    const { store, kept } = failing({ 1: away, 3: bad })
    expect(await statuses(store, 4)).toEqual(['left', 'left', 'left', 'left'])
    const { store: other } = failing({ 3: bad, 2: away })
    expect(await statuses(other, 4)).toEqual(['left', 'left', 'left', 'left'])
    expect((await kept.reader.accounting()).accepted).toBe(0)
  })

  it('has nothing to do for nothing', async () => {
    expect(await appendApart(failing({ 0: bad }).store, [], {})).toEqual([])
  })
})
