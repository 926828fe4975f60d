import { describe, expect, it } from 'vitest'
import {
  Bench,
  command,
  eventsOf,
  type Process,
  range,
  type TestCommand,
} from '../../test/worker/worker-kit.js'
import { failed } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

const BREAKER = {
  failureRatio: 0.5,
  minSamples: 4,
  window: '10s',
  open: '5s',
  openMax: '20s',
  probes: 2,
} as const

/** A type with a breaker whose counterpart is up or down; retries are far away. */
function flaky(over: Partial<TestCommand> = {}, concurrency = 1) {
  const part = { isUp: false, calls: [] as number[] }
  const definition = command({
    name: 'a',
    breaker: BREAKER,
    retry: { attempts: 50, backoff: { delay: '1h', jitter: 'none' } },
    handle: () => {
      part.calls.push(bench.clock.monotonic())
      if (!part.isUp) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
    },
    ...over,
  })
  const other: unknown[] = []
  const healthy = command({ name: 'b', handle: (payload: unknown) => void other.push(payload) })
  const bench: Bench = new Bench([definition, healthy], { concurrency })
  return { bench, part, other }
}

async function appendSingles(bench: Bench, count: number): Promise<string[]> {
  const ids: string[] = []
  for (const at of range(count)) ids.push(...(await bench.append('a', [at])))
  return ids
}

const statesTold = ({ events }: Process) => eventsOf(events, 'breaker.changed').map(({ state }) => state)

describe('a type with a circuit breaker', () => {
  it('is left alone once enough of its calls failed; its commands stay ready, and other types run on', async () => {
    const { bench, part, other } = flaky()
    const ids = await appendSingles(bench, 20)
    const process = bench.start()
    await bench.clock.advance(4_000)
    expect(part.calls).toHaveLength(4)
    await bench.append('b', ['x'])
    await bench.clock.advance(500)
    expect(other).toEqual(['x'])
    const states = await bench.states(ids)
    expect(states.filter((state) => state === 'retrying')).toHaveLength(4)
    expect(states.filter((state) => state === 'accepted')).toHaveLength(16)
    expect(eventsOf(process.events, 'breaker.changed')).toEqual([
      { event: 'breaker.changed', queue: 'default', type: 'a', state: 'open' },
    ])
  })

  it('is tried again with a few calls, and for longer left alone when they fail', async () => {
    const { bench, part } = flaky()
    await appendSingles(bench, 30)
    const process = bench.start()
    await bench.clock.advance(4_900)
    part.calls.length = 0
    await bench.clock.advance(600)
    expect(part.calls).toHaveLength(1)
    // 10 s from there.
    await bench.clock.advance(9_000)
    expect(part.calls).toHaveLength(1)
    await bench.clock.advance(1_500)
    expect(part.calls).toHaveLength(2)
    expect(statesTold(process)).toEqual(['open', 'half-open', 'open', 'half-open', 'open'])
  })

  it('goes on once as many calls as asked for went well', async () => {
    const { bench, part } = flaky()
    await appendSingles(bench, 30)
    const process = bench.start()
    await bench.clock.advance(4_500)
    part.isUp = true
    await bench.clock.advance(1_500)
    expect(statesTold(process)).toEqual(['open', 'half-open', 'closed'])
    expect(part.calls).toHaveLength(30)
  })

  it('gives the rest of a chunk back when it opens, untried', async () => {
    const { bench, part } = flaky({}, 2)
    const ids = await bench.append('a', range(20))
    bench.start()
    await bench.clock.advance(2_000)
    expect(part.calls.length).toBeLessThanOrEqual(5)
    const views = await bench.views(ids)
    const waiting = views.filter((view) => view?.state === 'accepted')
    expect(waiting.length).toBeGreaterThanOrEqual(15)
    part.isUp = true
    await bench.clock.advance(5_000)
    expect((await bench.states(ids)).filter((state) => state === 'succeeded')).toHaveLength(waiting.length)
  })

  describe('with probes under way of a chunk that has more', () => {
    async function probed() {
      const gates: (() => void)[] = []
      let isUp = false
      const { bench } = flaky(
        {
          handle: () => {
            if (!isUp) throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
            return new Promise<void>((resolve) => gates.push(resolve))
          },
        },
        8,
      )
      await bench.append('a', range(20))
      bench.start()
      await bench.clock.advance(4_000)
      isUp = true
      await bench.clock.advance(4_000)
      expect(gates).toHaveLength(2)
      return { bench, gates }
    }

    it('tries no more of it until they went well', async () => {
      const { bench, gates } = await probed()
      for (const open of gates.splice(0)) open()
      await bench.clock.advance(10)
      expect(gates).toHaveLength(8)
    })

    it('tries more of it when they are not heard of any more', async () => {
      const { bench, gates } = await probed()
      await bench.clock.advance(5_000)
      expect(gates).toHaveLength(4)
    })
  })

  it('counts calls within the transaction of a settlement', async () => {
    const { bench, part } = flaky({ settlement: 'transaction' })
    const ids = await appendSingles(bench, 200)
    const process = bench.start()
    await bench.clock.advance(1_000)
    expect(statesTold(process)).toEqual(['open'])
    // One transaction has several commands, and is not cut short.
    expect(part.calls.length).toBeLessThan(100)
    expect(await bench.states(ids.slice(-50))).toEqual(range(50).map(() => 'accepted'))
  })

  it('is shared: what opens it in one worker keeps the others away', async () => {
    const { bench, part } = flaky()
    await appendSingles(bench, 8)
    const first = bench.start()
    await bench.clock.advance(500)
    expect(part.calls).toHaveLength(4)
    const second = bench.start({ workerId: 'w2' })
    await bench.clock.advance(4_000)
    expect(part.calls).toHaveLength(4)
    expect(statesTold(second)).toEqual(['open'])
    part.isUp = true
    await bench.clock.advance(4_000)
    expect(part.calls).toHaveLength(8)
    expect(statesTold(first)).toEqual(['open', 'half-open', 'closed'])
  })

  it('adds up what fails in different workers', async () => {
    const { bench, part } = flaky({ breaker: { ...BREAKER, minSamples: 6 } })
    // No worker sees enough by itself.
    const workers = range(3).map((at) => bench.start({ workerId: `w${at}` }))
    for (const _ of range(3)) {
      await appendSingles(bench, 2)
      await bench.clock.advance(1_200)
    }
    expect(part.calls.length).toBeLessThanOrEqual(6)
    await appendSingles(bench, 5)
    await bench.clock.advance(1_000)
    expect(workers.flatMap(statesTold)).toContain('open')
  })

  it('counts timeouts, but neither refusals nor faults of the data', async () => {
    const refusing = flaky({ handle: () => failed('no') })
    await appendSingles(refusing.bench, 10)
    const calm = refusing.bench.start()
    await refusing.bench.clock.advance(2_000)
    expect(statesTold(calm)).toEqual([])

    const slow = flaky({
      timeout: 100,
      handle: (_: unknown, { signal }: { signal: AbortSignal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    await appendSingles(slow.bench, 10)
    const process = slow.bench.start()
    await slow.bench.clock.advance(2_000)
    expect(statesTold(process)).toEqual(['open'])
  })

  it('counts a batch as one call', async () => {
    let calls = 0
    const { bench } = flaky({
      handle: undefined as never,
      batch: { maxSize: 100 },
      handleBatch: async () => {
        calls += 1
        throw Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
      },
    })
    for (const _ of range(3)) await bench.append('a', range(100))
    const process = bench.start()
    await bench.clock.advance(3_000)
    expect(calls).toBe(3)
    expect(statesTold(process)).toEqual([])
  })

  it('works from what one worker sees while the store shares nothing', async () => {
    const { bench, part } = flaky()
    await appendSingles(bench, 30)
    const broken = () => Promise.reject(new SpillwayError('store_unavailable', 'the store is down'))
    const shared = { ...bench.real.shared }
    Object.assign(bench.real.shared, { read: broken, write: broken })
    const process = bench.start()
    await bench.clock.advance(4_000)
    expect(part.calls).toHaveLength(4)
    part.isUp = true
    await bench.clock.advance(4_000)
    expect(part.calls).toHaveLength(30)
    expect(statesTold(process)).toEqual(['open', 'half-open', 'closed'])
    Object.assign(bench.real.shared, shared)
  })

  it('asks the store for its state at most once per second, and writes nothing while all goes well', async () => {
    const { bench, part } = flaky()
    part.isUp = true
    const calls = { read: 0, write: 0 }
    const { read, write } = bench.real.shared
    Object.assign(bench.real.shared, {
      read: (keys: readonly string[]) => {
        calls.read += 1
        return read(keys)
      },
      write: (writes: never) => {
        calls.write += 1
        return write(writes)
      },
    })
    bench.start()
    for (const _ of range(100)) {
      await appendSingles(bench, 1)
      await bench.clock.advance(100)
    }
    expect(part.calls).toHaveLength(100)
    expect(calls.write).toBe(0)
    expect(calls.read).toBeLessThanOrEqual(11)
  })
})
