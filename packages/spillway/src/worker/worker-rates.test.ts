import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, range, type TestCommand } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import { TOKENS_KEPT_MS } from './limits/queue-rate.js'

interface Started {
  readonly at: number
  readonly payload: unknown
}

/** A queue whose commands note when they start, in ms after the beginning. */
function rated(
  queue: NonNullable<ConstructorParameters<typeof Bench>[1]>['queue'] & object,
  over: Partial<TestCommand> = {},
) {
  const started: Started[] = []
  const definition = command({
    name: 'a',
    handle: (payload: unknown) => void started.push({ at: bench.clock.monotonic(), payload }),
    ...over,
  })
  const bench: Bench = new Bench([definition], { concurrency: 8, queue })
  const count = (from: number, to: number): number => started.filter(({ at }) => at >= from && at < to).length
  return { bench, started, count }
}

async function appendSingles(bench: Bench, count: number): Promise<void> {
  for (const at of range(count)) await bench.append('a', [at])
}

describe('a queue with a rate limit', () => {
  it('starts its burst at once and then exactly as many commands as the rate says', async () => {
    const { bench, count } = rated({ rateLimit: { limit: 10, per: '1s' } })
    await appendSingles(bench, 60)
    bench.start()
    await bench.clock.advance(5_000)
    expect(count(0, 100)).toBe(10)
    for (const second of range(4)) expect(count(second * 1_000 + 50, (second + 1) * 1_000 + 50)).toBe(10)
  })

  it('shares it with all workers', async () => {
    const { bench, count } = rated({ rateLimit: { limit: 20, per: '1s' } })
    await appendSingles(bench, 200)
    for (const at of range(4)) bench.start({ workerId: `w${at}` })
    await bench.clock.advance(6_000)
    // The burst, and what flowed since; a look of each worker may be ahead by one command.
    expect(count(0, 5_000)).toBeGreaterThanOrEqual(20 + 5 * 20 - 8)
    expect(count(0, 5_000)).toBeLessThanOrEqual(20 + 5 * 20 + 4)
  })

  it('goes into debt for a chunk that has more than there were tokens', async () => {
    const { bench, started } = rated(
      { rateLimit: { limit: 10, per: '1s' } },
      {
        handle: undefined as never,
        handleBatch: async (batch: unknown[]) => void sizes.push([bench.clock.monotonic(), batch.length]),
      },
    )
    const sizes: [number, number][] = []
    for (const at of range(3))
      await bench.append(
        'a',
        range(15).map((index) => at * 15 + index),
      )
    bench.start()
    await bench.clock.advance(10_000)
    expect(started).toEqual([])
    expect(sizes.map(([, size]) => size)).toEqual([15, 15, 15])
    // 5 of the first 15 are owed, and one token more is needed; then 14 are, and so on.
    expect(sizes.map(([at]) => at)).toEqual([0, 600, 2_100])
  })

  it('claims at the very moment when there is a token again', async () => {
    const { bench, started } = rated({ rateLimit: { limit: 2, per: '1s', burst: 1 } })
    await appendSingles(bench, 3)
    bench.start()
    await bench.clock.advance(3_000)
    expect(started.map(({ at }) => at)).toEqual([0, 500, 1_000])
  })

  it.each(['keeps for a moment', 'has when it stops'])(
    'gives tokens back that it %s and does not need',
    async (which) => {
      const { bench, started } = rated({ rateLimit: { limit: 10, per: '1h' } })
      await appendSingles(bench, 2)
      const first = bench.start()
      const level = async () => {
        const [bucket] = (await bench.real.shared.read(['spillway.rate/default'])).values
        return JSON.parse(bucket?.value ?? '{}').level / 3_600_000
      }
      await bench.clock.advance(10)
      expect(started).toHaveLength(2)
      // It looked with one token, found work, and asked for as many as it has room for.
      expect(Math.floor(await level())).toBe(1)
      if (which === 'keeps for a moment') await bench.clock.advance(TOKENS_KEPT_MS + 20)
      else await first.worker.stop()
      expect(await level()).toBeGreaterThanOrEqual(7)
      expect(await level()).toBeLessThan(9)
    },
  )

  it('asks the store for nothing while there is no token', async () => {
    const { bench } = rated({ rateLimit: { limit: 1, per: '1h' } })
    await appendSingles(bench, 5)
    const { calls } = bench.start()
    await bench.clock.advance(1_000)
    const before = calls.claim.length
    await bench.clock.advance(60_000)
    expect(calls.claim).toHaveLength(before)
  })

  it('claims nothing while the store does not answer for its tokens, and goes on when it does', async () => {
    const { bench, started } = rated({ rateLimit: { limit: 100, per: '1s' } })
    await appendSingles(bench, 3)
    const read = bench.real.shared.read
    Object.assign(bench.real.shared, {
      read: () => Promise.reject(new SpillwayError('store_unavailable', 'the store is down')),
    })
    const { events } = bench.start()
    await bench.clock.advance(1_000)
    expect(started).toEqual([])
    expect(eventsOf(events, 'fault')[0]).toMatchObject({ where: 'worker.claim' })
    Object.assign(bench.real.shared, { read })
    await bench.clock.advance(10_000)
    expect(started).toHaveLength(3)
  })

  it('is idle only when what waits for tokens is done', async () => {
    const { bench, started } = rated({ rateLimit: { limit: 10, per: '1s' } })
    await appendSingles(bench, 25)
    await bench.drain(bench.start())
    expect(started).toHaveLength(25)
  })
})

describe('a queue with a rate limit per key', () => {
  const keyed = (queue = {}) =>
    rated(
      { keyRateLimit: { limit: 2, per: '1s' }, ...queue },
      { rateKey: (payload) => (payload as string).slice(0, 1) },
    )

  /** Promotes as maintenance would. */
  async function run(bench: Bench, ms: number): Promise<void> {
    for (const _ of range(ms / 100)) {
      await bench.promote()
      await bench.clock.advance(100)
    }
  }

  it('puts back what is over it, untried, until there is a token for it', async () => {
    const { bench, started } = keyed()
    const ids = await bench.append('a', ['x1', 'x2', 'x3', 'x4', 'y1', 'x5'])
    const { events } = bench.start()
    await bench.clock.advance(50)
    expect(started.map(({ payload }) => payload)).toEqual(['x1', 'x2', 'y1'])
    expect((await bench.views(ids))[2]).toMatchObject({
      ...{ state: 'retrying', attempts: 0, history: [] },
      error: { code: 'rate_limited' },
    })
    expect(eventsOf(events, 'command.deferred')).toEqual([
      { event: 'command.deferred', queue: 'default', type: 'a', reason: 'rate_limited', count: 3 },
    ])
    await run(bench, 3_000)
    expect(started.map(({ payload }) => payload)).toEqual(['x1', 'x2', 'y1', 'x3', 'x4', 'x5'])
    for (const [at, { at: startedAt }] of started.slice(3).entries())
      expect(startedAt).toBeGreaterThanOrEqual((at + 1) * 500)
    expect(started.at(-1)?.at).toBeLessThan(2_000)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('shares it with all workers', async () => {
    const { bench, started } = keyed()
    for (const at of range(20)) await bench.append('a', [`x${at}`])
    bench.start()
    bench.start({ workerId: 'w2' })
    await run(bench, 5_000)
    expect(started.length).toBeGreaterThanOrEqual(10)
    expect(started.length).toBeLessThanOrEqual(2 + 5 * 2)
  })

  it('does not charge what it puts back to the queue itself', async () => {
    const { bench, started } = keyed({ rateLimit: { limit: 6, per: '1h' } })
    await bench.append('a', ['x1', 'x2', 'x3', 'x4', 'x5', 'x6'])
    await bench.append('a', ['y1', 'z1'])
    bench.start()
    await bench.clock.advance(500)
    expect(started.map(({ payload }) => payload)).toEqual(['x1', 'x2', 'y1', 'z1'])
  })

  it('keeps the order of an ordered queue', async () => {
    const { bench, started } = rated(
      { keyRateLimit: { limit: 1, per: '1s' }, ordered: {} },
      { rateKey: () => 'same', orderingKey: (payload) => (payload as string).slice(0, 1) },
    )
    const ids = await bench.append('a', ['x1', 'x2', 'y1', 'y2'], { partition: 0 })
    bench.start()
    await run(bench, 10_000)
    const orderOf = (key: string) =>
      started.map(({ payload }) => payload as string).filter((text) => text.startsWith(key))
    expect(orderOf('x')).toEqual(['x1', 'x2'])
    expect(orderOf('y')).toEqual(['y1', 'y2'])
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('runs everything while the store does not answer for its tokens', async () => {
    const { bench, started } = keyed()
    Object.assign(bench.real.shared, {
      read: () => Promise.reject(new SpillwayError('store_unavailable', 'the store is down')),
    })
    await bench.append('a', ['x1', 'x2', 'x3', 'x4'])
    const { events } = bench.start()
    await bench.clock.advance(50)
    expect(started).toHaveLength(4)
    expect(eventsOf(events, 'fault')).toMatchObject([{ where: 'worker.key_rate_limit' }])
  })

  it('does not limit a command whose key cannot be told', async () => {
    const { bench, started } = rated(
      { keyRateLimit: { limit: 1, per: '1h' } },
      {
        rateKey: () => {
          throw new Error('no key')
        },
      },
    )
    await bench.append('a', ['x1', 'x2'])
    bench.start()
    await bench.clock.advance(50)
    expect(started).toHaveLength(2)
  })
})
