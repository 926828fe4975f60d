import { describe, expect, it } from 'vitest'
import type { AsyncTx } from '../../test/support/async-store.js'
import {
  Bench,
  command,
  eventsOf,
  gate,
  type QueueSetup,
  range,
  type TestCommand,
} from '../../test/worker/worker-kit.js'
import type { SettleScope, SettleWork } from '../ports/index.js'
import { into } from '../sinks/index.js'
import { rowsOf } from '../stores/memory/index.js'
import { HUNG_GRACE_MS } from './handler-call.js'
import { CLOSE_GRACE_MS } from './worker.js'

const LEASE_MS = 3_000

function setUp(over: Omit<TestCommand, 'name'>, queue: QueueSetup = {}) {
  const definition = command({
    name: 'a',
    settlement: 'transaction',
    timeout: '1h',
    batch: { maxSize: 10 },
    retry: { attempts: 3, backoff: { delay: 100, jitter: 'none' } },
    ...over,
  })
  const bench = new Bench([definition], { leaseMs: LEASE_MS, asynchronous: true, ...queue })
  let writes = 0
  return {
    bench,
    /** A key per write: a second write of the same command would show. */
    write(tx: AsyncTx, at: unknown): Promise<void> {
      writes += 1
      return tx.set('effects', `${at}/${writes}`, { at })
    },
    effects: () => rowsOf(bench.real, 'effects').map(({ at }) => at),
  }
}

/** Notes what is asked of the scope, in order. */
function noting(scope: SettleScope<unknown>, taken: string[]): SettleScope<unknown> {
  return {
    get tx() {
      taken.push('tx')
      return scope.tx
    },
    savepoint(work) {
      taken.push('savepoint')
      return scope.savepoint(work)
    },
    write: (bulk) => scope.write(bulk),
  }
}

describe('a transaction that outlives a promise', () => {
  it.each([
    [
      'taken before the first savepoint by a handler that gets it',
      { handleBatch: async () => {} },
      ['tx', 'savepoint'],
    ],
    ['not taken for a sink', { handleBatch: into('effects', { key: ['id'] }) }, ['savepoint']],
  ])('is %s', async (_, handler, expected) => {
    const { bench } = setUp(handler)
    await bench.append('a', [{ id: 1 }])
    const process = bench.process()
    const taken: string[] = []
    process.tamper.settleWithin = (_call, leases, work: SettleWork<unknown>) =>
      bench.server.store.settleWithin(leases, (scope, valid) => work(noting(scope, taken), valid))
    process.worker.start()
    await bench.drain(process)
    expect(taken).toEqual(expected)
  })

  it('commits effects and settlement of several chunks together', async () => {
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        for (const at of payloads) await write(tx, at)
      },
    })
    const ids = (await Promise.all(range(3).map((at) => bench.append('a', [at])))).flat()
    const process = bench.start()
    await bench.drain(process)
    expect(process.calls.settleWithin).toHaveLength(1)
    expect(process.calls.settle).toEqual([])
    expect(effects()).toEqual([0, 1, 2])
    expect(await bench.states(ids)).toEqual(Array(3).fill('succeeded'))
    expect(bench.server.open).toBe(0)
  })

  it('bisects a batch under savepoints and commits all but the bad command', async () => {
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        for (const at of payloads) await write(tx, at)
        if (payloads.includes(6)) throw new Error('bad')
      },
    })
    const ids = await bench.append('a', range(10))
    const process = bench.start()
    await bench.clock.advance(10)
    expect(process.calls.settleWithin).toHaveLength(1)
    expect(effects().sort()).toEqual(range(10).filter((at) => at !== 6))
    expect((await bench.states(ids))[6]).toBe('retrying')
  })

  it('writes the rows of a sink', async () => {
    const { bench } = setUp({ handleBatch: into<{ id: number }>('rows', { key: ['id'] }) })
    const ids = await bench.append('a', [{ id: 1 }, { no: 'key' }, { id: 3 }])
    bench.start()
    await bench.clock.advance(10)
    expect(rowsOf(bench.real, 'rows')).toEqual([{ id: 1 }, { id: 3 }])
    expect(await bench.states(ids)).toEqual(['succeeded', 'retrying', 'succeeded'])
  })

  it('may last longer than its lease: nobody takes the chunk, and no heartbeat waits for it', async () => {
    const opened = gate()
    const { bench, write, effects } = setUp(
      {
        handleBatch: async ([at], { tx }) => {
          await write(tx, at)
          if (at === 'long') await opened.promise
        },
      },
      { concurrency: 2 },
    )
    const ids = await bench.append('a', ['long'])
    const first = bench.start()
    const second = bench.start({ workerId: 'w2' })
    await bench.clock.advance(4 * LEASE_MS)
    const later = await bench.append('a', ['other'])
    await bench.clock.advance(LEASE_MS)
    expect(await bench.states([...ids, ...later])).toEqual(['running', 'succeeded'])
    opened.open()
    await bench.clock.advance(10)
    expect(await bench.states(ids)).toEqual(['succeeded'])
    expect(effects().sort()).toEqual(['long', 'other'])
    for (const { events } of [first, second]) expect(eventsOf(events, 'lease.lost')).toEqual([])
  })

  it('keeps the leases of other chunks alive meanwhile, also when a heartbeat was on its way as it began', async () => {
    const gates = range(2).map(() => gate())
    const waiting = command({ name: 'b', timeout: '1h', handle: (at) => gates[at]?.promise })
    const long = command({
      ...{ name: 'a', settlement: 'transaction', timeout: '1h' },
      handle: () => gates[1]?.promise,
    })
    const bench = new Bench([long, waiting], { leaseMs: LEASE_MS, asynchronous: true, concurrency: 4 })
    const plain = await bench.append('b', [0])
    const process = bench.process()
    const beat = gate()
    let held = 0
    process.tamper.extend = async (call) => {
      held += 1
      if (held === 1) await beat.promise
      return call()
    }
    process.worker.start()
    await bench.clock.advance(LEASE_MS / 3 + 1)
    expect(held).toBe(1)
    const enclosed = await bench.append('a', [1])
    await bench.clock.advance(200)
    expect(bench.server.open).toBe(0)
    beat.open()
    await bench.clock.advance(5 * LEASE_MS)
    expect(bench.server.open).toBe(1)
    expect(await bench.states([...plain, ...enclosed])).toEqual(['running', 'running'])
    for (const { open } of gates) open()
    await bench.clock.advance(10)
    expect(await bench.states([...plain, ...enclosed])).toEqual(['succeeded', 'succeeded'])
    expect(eventsOf(process.events, 'lease.lost')).toEqual([])
  })

  it('settles a large chunk slice by slice although each slice takes longer than the lease', async () => {
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        for (const at of payloads) await write(tx, at)
        await bench.clock.sleep(LEASE_MS + 1_000)
      },
    })
    const ids = await bench.append('a', range(25))
    const process = bench.start()
    bench.start({ workerId: 'w2' })
    await bench.clock.advance(4 * LEASE_MS + 1_000)
    expect(effects()).toEqual(range(25))
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
    expect(eventsOf(process.events, 'lease.lost')).toEqual([])
  })

  it('goes on where its process was stopped past the lease', async () => {
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        for (const at of payloads) await write(tx, at)
        await first.clock.sleep(100)
      },
    })
    const ids = await bench.append('a', range(3))
    const first = bench.start()
    await bench.clock.advance(50)
    first.clock.pause()
    bench.start({ workerId: 'w2' })
    await bench.clock.advance(3 * LEASE_MS)
    expect(effects()).toEqual([])
    first.clock.resume()
    await bench.clock.advance(100)
    expect(effects()).toEqual([0, 1, 2])
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })
})

describe('a transaction whose connection breaks', () => {
  it('leaves nothing behind, and its commands run again without having paid an attempt', async () => {
    const opened = gate()
    let calls = 0
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        calls += 1
        for (const at of payloads) await write(tx, at)
        if (calls === 1) await opened.promise
      },
    })
    const ids = await bench.append('a', range(3))
    const process = bench.start()
    await bench.clock.advance(50)
    bench.server.breakConnections()
    opened.open()
    await bench.clock.advance(1_000)
    expect(effects()).toEqual([0, 1, 2])
    expect(await bench.views(ids)).toMatchObject(range(3).map(() => ({ state: 'succeeded', attempts: 1 })))
    expect(eventsOf(process.events, 'fault')).toMatchObject([{ where: 'worker.settle_within' }])
  })

  it('lets another worker have the chunk once the lease is over, and fences the first', async () => {
    const opened = gate()
    const seen: string[] = []
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        seen.push('call')
        if (seen.length === 1) await opened.promise
        for (const at of payloads) await write(tx, at)
      },
    })
    const ids = await bench.append('a', range(2))
    const first = bench.start()
    await bench.clock.advance(50)
    first.clock.pause()
    bench.server.breakConnections()
    bench.start({ workerId: 'w2' })
    await bench.clock.advance(LEASE_MS + 200)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
    first.clock.resume()
    opened.open()
    await bench.clock.advance(LEASE_MS)
    expect(seen).toHaveLength(2)
    expect(effects()).toEqual([0, 1])
  })
})

describe('a handler that takes too long in its transaction', () => {
  it('is undone alone when it heeds its signal', async () => {
    const { bench, write, effects } = setUp({
      timeout: 1_000,
      handle: async (at, { tx, signal }) => {
        await write(tx, at)
        if (at === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
      handleBatch: undefined as never,
    })
    const ids = await bench.append('a', range(3))
    bench.start()
    await bench.clock.advance(1_010)
    expect(effects()).toEqual([0, 2])
    expect(await bench.views(ids)).toMatchObject([
      { state: 'succeeded' },
      { state: 'retrying', error: { code: 'handler_timeout' } },
      { state: 'succeeded' },
    ])
    expect(bench.server.open).toBe(0)
  })

  it('loses the transaction when it does not, keeps its slot until its lease is over, and is tried again', async () => {
    const late: unknown[] = []
    const opened = gate()
    let calls = 0
    const { bench, write, effects } = setUp(
      {
        timeout: 1_000,
        handle: async (at, { tx }) => {
          calls += 1
          await write(tx, at)
          if (calls > 1) return
          await opened.promise
          await write(tx, 'late').catch((error: unknown) => late.push(error))
        },
        handleBatch: undefined as never,
      },
      { leaseMs: 10_000 },
    )
    const ids = await bench.append('a', ['slow', 'next'])
    const process = bench.start()
    await bench.clock.advance(1_000 + HUNG_GRACE_MS - 10)
    expect(bench.server.open).toBe(1)
    await bench.clock.advance(20)
    expect(bench.server.open).toBe(0)
    await bench.clock.advance(10_000 - (1_000 + HUNG_GRACE_MS) - 20)
    expect(calls).toBe(1)
    expect(effects()).toEqual([])
    await bench.clock.advance(200)
    expect(calls).toBe(3)
    expect(effects()).toEqual(['slow', 'next'])
    expect(await bench.views(ids)).toMatchObject(range(2).map(() => ({ state: 'succeeded', attempts: 2 })))
    opened.open()
    await bench.clock.advance(100)
    expect(late).toMatchObject([{ code: 'invalid_argument' }])
    expect(bench.server.lateEnds).toBe(0)
    expect(calls).toBe(3)
    expect(effects()).toEqual(['slow', 'next'])
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([{ reason: 'hung' }])
  })

  it('gives the connection back when the worker closes', async () => {
    const { bench, write, effects } = setUp({
      handleBatch: async (payloads, { tx }) => {
        for (const at of payloads) await write(tx, at)
        await new Promise(() => {})
      },
    })
    const ids = await bench.append('a', range(2))
    const process = bench.start({ closeTimeoutMs: 500 })
    await bench.clock.advance(50)
    const stopped = process.worker.stop()
    await bench.clock.advance(500 + 2 * CLOSE_GRACE_MS)
    await stopped
    expect(bench.server.open).toBe(0)
    expect(effects()).toEqual([])
    await bench.clock.advance(LEASE_MS)
    const next = await bench.server.store.claim({
      ...{ queue: 'default', types: ['a'], chunksMax: 1, commandsMax: 10, leaseMs: 1_000, workerId: 'w2' },
    })
    expect(next).toMatchObject([{ size: ids.length, expiries: 1 }])
  })
})
