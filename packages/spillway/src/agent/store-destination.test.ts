import { describe, expect, it } from 'vitest'
import { chunkIdOf, envelopeOf } from '../../test/agent/model-tail.js'
import { type ChunkDraft, encodeEnvelope, readAddress } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { Store } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { storeDestination } from './store-destination.js'

const framed = (payload: Uint8Array) => {
  const address = { id: '', queue: '', type: '', partition: null, size: 1 }
  return { address, payload }
}
const frames = (...payloads: readonly Uint8Array[]) => payloads.map(framed)
const statuses = (verdicts: readonly { readonly status: string }[]) => verdicts.map(({ status }) => status)

function keyed(n: number, payload: string): Uint8Array {
  const draft: ChunkDraft = {
    ...{ id: chunkIdOf(n), queue: 'main', type: 'click.record', priority: 0, partition: null },
    ...{ codec: 'json', body: `[${payload}]`, size: 1, parked: null },
    keys: [{ key: 'k', fingerprint: payload, windowMs: 60_000 }],
  }
  return Buffer.from(encodeEnvelope(draft))
}

/** Fails the appends that a test picks. */
function failing(store: Store, faultOf: (drafts: readonly ChunkDraft[]) => unknown) {
  const appends: (readonly string[])[] = []
  return {
    appends,
    capabilities: store.capabilities,
    probe: () => store.probe(),
    append: async (drafts: readonly ChunkDraft[], options: Parameters<Store['append']>[1]) => {
      appends.push(drafts.map(({ id }) => id))
      const fault = faultOf(drafts)
      if (fault !== null) throw fault
      return store.append(drafts, options)
    },
  }
}

describe('frames to the store', () => {
  it('are stored together, and once however often they come', async () => {
    const store = memory()
    const { ship } = storeDestination(store)
    const both = frames(envelopeOf(0, { size: 2 }), envelopeOf(1))
    expect(statuses(await ship(both))).toEqual(['shipped', 'shipped'])
    expect(statuses(await ship(both))).toEqual(['shipped', 'shipped'])
    expect((await store.reader.accounting()).accepted).toBe(3)
    const [view] = await store.reader.get([`${chunkIdOf(0)}-1`], { payload: true })
    expect(view).toMatchObject({ state: 'accepted', payload: JSON.stringify({ n: 0, index: 1 }) })
  })

  it('are refused when they are no envelope, and the others stored', async () => {
    const store = memory()
    const [first, second] = await storeDestination(store).ship(frames(Buffer.from('{}\n\n[]'), envelopeOf(1)))
    expect(first).toEqual({ status: 'refused', reason: expect.stringContaining('version') })
    expect(second).toEqual({ status: 'shipped' })
    expect((await store.reader.accounting()).accepted).toBe(1)
  })

  it.each([
    new SpillwayError('store_unavailable', 'away'),
    new SpillwayError('store_incompatible', 'run: spillway migrate'),
  ])('are in doubt while the store says $code', async (error) => {
    const store = failing(memory(), () => error)
    expect(await storeDestination(store).ship(frames(envelopeOf(0), envelopeOf(1)))).toEqual([
      { status: 'unknown', error },
      { status: 'unknown', error },
    ])
    expect(store.appends).toHaveLength(1)
  })

  it('lose no others when the store cannot take one: that one is found and refused', async () => {
    const kept = memory()
    const poison = chunkIdOf(5)
    const store = failing(kept, (drafts) =>
      drafts.some(({ id }) => id === poison)
        ? Object.assign(new Error('no such character in "secret"'), { code: '22P05' })
        : null,
    )
    const verdicts = await storeDestination(store).ship(
      frames(...Array.from({ length: 8 }, (_, n) => envelopeOf(n))),
    )
    expect(statuses(verdicts)).toEqual(Array.from({ length: 8 }, (_, n) => (n === 5 ? 'refused' : 'shipped')))
    expect(verdicts[5]).toEqual({ status: 'refused', reason: 'the store refuses it (22P05)' })
    expect((await kept.reader.accounting()).accepted).toBe(7)
  })

  it('refuses nothing while the store takes no writes at all', async () => {
    const store = {
      ...failing(memory(), () => new Error('what?')),
      probe: async () => Promise.reject(new Error('what?')),
    }
    expect(statuses(await storeDestination(store).ship(frames(envelopeOf(0))))).toEqual(['unknown'])
  })

  it('keeps the order when the store goes away while a bad one is searched for', async () => {
    const store = failing(memory(), (drafts) =>
      drafts.length > 2
        ? new Error('bad')
        : drafts.some(({ id }) => id === chunkIdOf(0))
          ? new SpillwayError('store_unavailable', 'away')
          : null,
    )
    const verdicts = await storeDestination(store).ship(
      frames(envelopeOf(0), envelopeOf(1), envelopeOf(2), envelopeOf(3)),
    )
    expect(statuses(verdicts)).toEqual(['unknown', 'unknown', 'unknown', 'unknown'])
    expect(store.appends).toHaveLength(2)
  })

  it('lets a repeat be found by the id that its caller has', async () => {
    const store = memory()
    const { ship } = storeDestination(store)
    await ship(frames(keyed(1, '1')))
    await ship(frames(keyed(2, '1')))
    const [first, repeat] = await store.reader.get([`${chunkIdOf(1)}-0`, `${chunkIdOf(2)}-0`])
    expect(repeat).toEqual(first)
    expect(first).toMatchObject({ id: `${chunkIdOf(1)}-0`, state: 'accepted' })
    expect((await store.reader.accounting()).accepted).toBe(1)
  })

  it('keeps a command whose key conflicts as a failed one, once', async () => {
    const store = memory()
    const { ship } = storeDestination(store)
    const both = frames(keyed(0, '{"a":1}'), keyed(1, '{"a":2}'))
    await ship(both)
    await ship(both)
    const { items } = await store.reader.list({ state: 'failed', limit: 10 })
    expect(items).toMatchObject([{ type: 'click.record', error: { code: 'idempotency_conflict' } }])
    const [view] = await store.reader.get([items[0]?.id ?? ''], { payload: true })
    expect(view?.payload).toBe('{"a":2}')
    expect(readAddress(both[1]?.payload as Uint8Array).id).toBe(chunkIdOf(1))
  })
})
