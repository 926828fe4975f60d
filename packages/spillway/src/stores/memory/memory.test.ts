import { expect, it } from 'vitest'
import { commandId, type Lease } from '../../domain/index.js'
import { systemClock } from '../../runtime/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { memory } from './index.js'

const DRAFT = {
  id: '019b76da000070008000000000000001',
  queue: 'main',
  type: 'work',
  priority: 0,
  partition: null,
  codec: 'json',
  body: '[1]',
  size: 1,
  keys: null,
  parked: null,
} as const

const REQUEST = {
  queue: 'main',
  types: ['work'],
  chunksMax: 9,
  commandsMax: 9,
  leaseMs: 1_000,
  workerId: 'w',
}

it('runs on the machine’s clock when it was given none', async () => {
  const before = systemClock.now()
  const [result] = await memory().append([DRAFT])
  expect(result?.createdAt).toBeGreaterThanOrEqual(before)
  expect(result?.createdAt).toBeLessThanOrEqual(systemClock.now())
})

it('refuses everything while it is closed and has its data when it is opened again', async () => {
  const store = memory({ clock: new VirtualClock() })
  await store.append([DRAFT])
  await store.close()
  const closed = { code: 'closed' }
  await expect(store.append([DRAFT])).rejects.toMatchObject(closed)
  await expect(store.settle([])).rejects.toMatchObject(closed)
  await expect(store.reader.get([])).rejects.toMatchObject(closed)
  await expect(store.control.queueSettings()).rejects.toMatchObject(closed)
  await store.open()
  expect(await store.reader.get([commandId(DRAFT.id, 0)])).toMatchObject([{ state: 'accepted' }])
})

it('gives answers that are its caller’s to change', async () => {
  const store = memory({ clock: new VirtualClock() })
  const keys = [{ key: 'k', fingerprint: 'f', windowMs: 1_000 }]
  await store.append([{ ...DRAFT, keys }])
  const repeat = { ...DRAFT, id: `${DRAFT.id.slice(0, -1)}2`, body: '[1,2]', size: 2, keys: [...keys, null] }
  const verdicts = (await store.append([repeat]))[0]?.verdicts as unknown[]
  const before = [...verdicts]
  verdicts.length = 0
  expect((await store.append([repeat]))[0]?.verdicts).toEqual(before)
  const leases = (await store.claim(REQUEST)) as (Lease & { skip: number[] })[]
  for (const lease of leases) lease.skip.push(0, 1)
  const settlements = leases.map(({ chunkId, token }) => ({
    chunkId,
    token,
    updates: [],
    finished: [],
    complete: true,
  }))
  await store.settle(settlements)
  expect(await store.reader.accounting()).toMatchObject({ accepted: 2, succeeded: 2 })
})

it('refuses to continue a listing with what no listing gave', async () => {
  const { reader } = memory({ clock: new VirtualClock() })
  const refused = { code: 'invalid_argument' }
  await expect(reader.audit({ limit: 1, after: 'x' })).rejects.toMatchObject(refused)
  await expect(reader.list({ limit: 1, after: 'x' })).rejects.toMatchObject(refused)
})

it('makes way for the next chunk of a partition when nothing of the first is left to run', async () => {
  const clock = new VirtualClock()
  for (const end of ['released', 'expired'] as const) {
    const store = memory({ clock })
    const ids = [1, 2].map((n) => `${DRAFT.id.slice(0, -1)}${n}`)
    await store.append(ids.map((id) => ({ ...DRAFT, id, partition: 1 })))
    const [first] = (await store.claim(REQUEST)) as [Lease]
    const { chunkId, token } = first
    await store.extend([{ chunkId, token, updates: [], finished: [0], release: end === 'released' }], 1_000)
    await clock.advance(1_001)
    expect((await store.claim(REQUEST)).map((lease) => lease.chunkId)).toEqual([ids[1]])
    expect(await store.reader.queues()).toMatchObject([{ ready: 0, running: 1, oldestReadyAt: null }])
  }
})

it('shows nothing as ready of a chunk that was given back with everything finished', async () => {
  const store = memory({ clock: new VirtualClock() })
  await store.append([DRAFT])
  const [{ chunkId, token }] = (await store.claim(REQUEST)) as [Lease]
  await store.extend([{ chunkId, token, updates: [], finished: [0], release: true }], 1_000)
  expect(await store.reader.queues()).toMatchObject([{ ready: 0, running: 0, oldestReadyAt: null }])
})

it('claims from a long line of one partition whose middle was cancelled', async () => {
  const store = memory({ clock: new VirtualClock() })
  const random = seededRandom(1)
  const ids = Array.from({ length: 5_000 }, (_, n) => n.toString(16).padStart(32, '0'))
  await store.append(ids.map((id) => ({ ...DRAFT, id, partition: 3 })))
  const cancelled = new Set(ids.filter(() => random() < 0.5))
  await store.control.cancel([...cancelled].map((id) => commandId(id, 0)))
  for (const id of ids.filter((one) => !cancelled.has(one))) {
    const leases = await store.claim(REQUEST)
    expect(leases.map(({ chunkId }) => chunkId)).toEqual([id])
    const [{ chunkId, token }] = leases as [(typeof leases)[0]]
    await store.settle([{ chunkId, token, updates: [], finished: [], complete: true }])
  }
  expect(await store.claim(REQUEST)).toEqual([])
})

it('does not let a heartbeat that arrives late point the cursor back to a command that has ended', async () => {
  const clock = new VirtualClock()
  const store = memory({ clock })
  await store.append([{ ...DRAFT, body: '[1,2]', size: 2 }])
  const [lease] = await store.claim(REQUEST)
  const ref = { chunkId: DRAFT.id, token: lease?.token ?? 0 }
  const first = { ...ref, updates: [], finished: [], cursor: 0 }
  await store.extend([first], 1_000)
  await store.extend([{ ...ref, updates: [], finished: [0], cursor: 1 }], 1_000)
  expect(await store.extend([first], 1_000)).toEqual(['ok'])
  await clock.advance(1_000)
  expect(await store.claim(REQUEST)).toMatchObject([{ cursor: 1, skip: [0] }])
})
