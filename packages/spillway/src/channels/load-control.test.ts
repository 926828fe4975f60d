import { describe, expect, it } from 'vitest'
import { channelRig, command, type Rig, watch } from '../../test/support/channel-rig.js'
import { store as storeSpec } from '../config/index.js'
import type { SpillwayError } from '../errors/index.js'
import { LOADS_REFRESH_MS } from './queue-loads.js'

type Admission = NonNullable<NonNullable<Parameters<typeof channelRig>[2]>['queue']>['admission']

function rigWith(admission: Admission): Rig {
  const tenantKey = (payload: unknown) => (payload as { tenant: string }).tenant
  const rated = admission?.perTenant !== undefined
  const job = command('job', { handleBatch: async () => {}, ...(rated ? { tenantKey } : {}) })
  const queue = admission === undefined ? {} : { admission }
  return channelRig(storeSpec(), [job], { queue })
}

/** What became of commands that were submitted together. */
async function submitAll(rig: Rig, ...payloads: unknown[]): Promise<readonly (string | undefined)[]> {
  const answers = watch(payloads.map((payload) => rig.submit(payload)))
  await rig.clock.advance(0)
  return answers.values.map((receipt, at) => receipt?.status ?? answers.errors[at])
}

async function refusalOf(rig: Rig, payload: unknown): Promise<SpillwayError> {
  const refused = rig.submit(payload).then(
    () => new Error('it was accepted'),
    (error: unknown) => error,
  )
  await rig.clock.advance(0)
  return (await refused) as SpillwayError
}

describe('admission control', () => {
  it('takes what the limit allows and refuses the rest at once, with when to come back', async () => {
    const rig = rigWith({ maxDepth: 3 })
    expect(await submitAll(rig, 1, 2, 3, 4, 5)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'queue_full',
      'queue_full',
    ])
    const refusal = await refusalOf(rig, 6)
    expect(refusal.details).toMatchObject({ reason: 'depth' })
    expect(refusal.details['retryAfterMs']).toBeGreaterThanOrEqual(1_000)
    expect(rig.recorded('admission.refused').map(({ reason, count }) => [reason, count])).toEqual([
      ['depth', 1],
      ['depth', 1],
      ['depth', 1],
    ])
    expect((await rig.store.reader.accounting()).accepted).toBe(3)
  })

  it('counts what others put into the queue, and takes more once it has been worked on', async () => {
    const rig = rigWith({ maxDepth: 3 })
    expect(await submitAll(rig, 1)).toEqual(['accepted'])
    await submitElsewhere(rig, 2)
    await rig.clock.advance(LOADS_REFRESH_MS)
    // The first to come after a while is judged by what was known, and has it looked up.
    expect(await submitAll(rig, 2)).toEqual(['accepted'])
    expect(await submitAll(rig, 3)).toEqual(['queue_full'])
    await finishEverything(rig)
    await rig.clock.advance(LOADS_REFRESH_MS)
    await submitAll(rig, 4)
    expect(await submitAll(rig, 5)).toEqual(['accepted'])
  })

  it('limits the bytes that wait', async () => {
    const rig = rigWith({ maxBytes: 100 })
    const large = 'x'.repeat(90)
    expect(await submitAll(rig, large, large, large)).toEqual(['accepted', 'accepted', 'queue_full'])
    expect((await refusalOf(rig, 1)).details).toMatchObject({ reason: 'bytes' })
  })

  it('refuses while the oldest command has waited for too long', async () => {
    const rig = rigWith({ maxAge: '5s' })
    await submitAll(rig, 1)
    await rig.clock.advance(4_000)
    await submitAll(rig, 2)
    expect(await submitAll(rig, 3)).toEqual(['accepted'])
    await rig.clock.advance(2_000)
    await submitAll(rig, 4)
    expect((await refusalOf(rig, 5)).details).toMatchObject({ reason: 'age' })
  })

  it('refuses all of an atomic submit or none', async () => {
    const rig = rigWith({ maxDepth: 2 })
    await submitAll(rig, 1, 2)
    const refused = await rig.intake.submitMany('job', [3, 4], { atomic: true })
    expect(refused.map((verdict) => 'error' in verdict && verdict.error.code)).toEqual([
      'queue_full',
      'queue_full',
    ])
    expect((await rig.store.reader.accounting()).accepted).toBe(2)
  })

  it('gives each tenant its own rate', async () => {
    const rig = rigWith({ perTenant: { limit: 2, per: '1s' } })
    const of = (tenant: string) => ({ tenant })
    expect(await submitAll(rig, of('a'), of('a'), of('a'), of('b'))).toEqual([
      'accepted',
      'accepted',
      'quota_exceeded',
      'accepted',
    ])
    expect((await refusalOf(rig, of('a'))).details).toMatchObject({ reason: 'tenant', retryAfterMs: 500 })
    await rig.clock.advance(500)
    expect(await submitAll(rig, of('a'), of('a'))).toEqual(['accepted', 'quota_exceeded'])
  })

  it('asks the store at most once per second, and not at all for a queue without limits', async () => {
    const limited = rigWith({ maxDepth: 1_000 })
    const asked = countQueues(limited)
    for (let at = 0; at < 20; at += 1) {
      await submitAll(limited, at)
      await limited.clock.advance(100)
    }
    expect(asked()).toBe(2)
    const free = rigWith(undefined)
    const askedFree = countQueues(free)
    await submitAll(free, 1)
    expect(askedFree()).toBe(0)
  })

  it('goes by what it knows while the store does not answer', async () => {
    const rig = rigWith({ maxDepth: 3 })
    rig.store.reader.queues = () => Promise.reject(new Error('away'))
    expect(await submitAll(rig, 1, 2)).toEqual(['accepted', 'accepted'])
    await rig.clock.advance(LOADS_REFRESH_MS)
    expect(await submitAll(rig, 3, 4)).toEqual(['accepted', 'queue_full'])
    expect(rig.recorded('fault').map(({ where }) => where)).toContain('admission')
  })
})

/** By another process: this one is not told. */
async function submitElsewhere({ store }: Rig, commands: number): Promise<void> {
  const payloads = Array.from({ length: commands }, (_, at) => at)
  await store.append([
    {
      ...{ id: '0'.repeat(32), queue: 'lane', type: 'job', priority: 0, partition: null, codec: 'json' },
      ...{ body: JSON.stringify(payloads), size: commands, keys: null, parked: null },
    },
  ])
}

async function finishEverything({ store }: Rig): Promise<void> {
  const leases = await store.claim({
    ...{ queue: 'lane', types: ['job'], chunksMax: 100, commandsMax: 1_000, leaseMs: 10_000, workerId: 'w' },
  })
  await store.settle(
    leases.map(({ chunkId, token }) => ({ chunkId, token, updates: [], finished: [], complete: true })),
  )
}

function countQueues({ store }: Rig): () => number {
  let asked = 0
  const ask = store.reader.queues.bind(store.reader)
  store.reader.queues = () => {
    asked += 1
    return ask()
  }
  return () => asked
}
