import { describe, expect, it } from 'vitest'
import {
  Bench,
  command,
  eventsOf,
  type Process,
  range,
  type TestCommand,
} from '../../test/worker/worker-kit.js'
import { failed, type LeaseRef } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { SettleWork } from '../ports/index.js'
import { into } from '../sinks/index.js'
import { rowsOf } from '../stores/memory/index.js'

const LEASE_MS = 3_000

function setUp(over: Omit<TestCommand, 'name'> = {}) {
  const calls: number[][] = []
  const definition = command({
    name: 'a',
    settlement: 'transaction',
    batch: { maxSize: 10 },
    retry: { attempts: 2, backoff: { delay: 60_000, jitter: 'none' } },
    handleBatch: (payloads, { tx }) => {
      calls.push([...payloads])
      // A key per write: a second write of the same command would show.
      for (const at of payloads) tx.table('effects').set(`${at}/${calls.length}`, { at })
    },
    ...over,
  })
  const bench = new Bench([definition], { leaseMs: LEASE_MS })
  const effects = (): unknown[] => rowsOf(bench.real, 'effects').map(({ at }) => at)
  return { bench, calls, effects }
}

/** The store's settleWithin with something going wrong after `work`, before or after the commit. */
function failCommit(
  process: Process,
  bench: Bench,
  when: 'before' | 'after',
  error: (calls: number) => unknown,
): void {
  process.tamper.settleWithin = async (_, leases: readonly LeaseRef[], work: SettleWork<unknown>) => {
    const fault = error(process.calls.settleWithin.length)
    const verdicts = await bench.real.settleWithin(leases, (scope, valid) => {
      const settlements = work(scope, valid)
      if (fault !== undefined && when === 'before') throw fault
      return settlements
    })
    if (fault !== undefined) throw fault
    return verdicts
  }
}

describe('transaction settlement', () => {
  it('commits effects and settlement of several chunks in one call', async () => {
    const { bench, effects } = setUp()
    const ids = (await Promise.all(range(3).map((at) => bench.append('a', [at])))).flat()
    const process = bench.start()
    await bench.drain(process)
    expect(process.calls.settleWithin).toHaveLength(1)
    expect(process.calls.settle).toEqual([])
    expect(effects()).toEqual([0, 1, 2])
    expect(await bench.states(ids)).toEqual(Array(3).fill('succeeded'))
  })

  it('settles a large chunk slice by slice, the last slice completing it', async () => {
    const { bench, calls, effects } = setUp()
    const ids = await bench.append('a', range(25))
    const process = bench.start()
    await bench.drain(process)
    expect(calls.map((payloads) => payloads.length)).toEqual([10, 10, 5])
    expect(process.calls.settleWithin).toHaveLength(3)
    expect(process.calls.settle).toEqual([])
    expect(effects()).toEqual(range(25))
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('keeps the effects of the good commands of a batch with poison', async () => {
    const { bench } = setUp({
      handleBatch: into<{ id: number }>('rows', { key: ['id'] }),
      batch: { maxSize: 1_000 },
    })
    const ids = await bench.append(
      'a',
      range(1_000).map((id) => (id === 321 ? { no: 'key' } : { id })),
    )
    await bench.drain(bench.start())
    expect(rowsOf(bench.real, 'rows')).toHaveLength(999)
    const states = await bench.states(ids)
    expect(states[321]).toBe('retrying')
    expect(states.filter((state) => state === 'succeeded')).toHaveLength(999)
  })

  it('runs single commands in groups that share a commit, each in a savepoint of its own', async () => {
    const { bench } = setUp({
      handleBatch: undefined as never,
      handle: (at, { tx }) => {
        tx.table('effects').set(`${at}`, { at })
        if (at === 3) throw new Error('no')
        return at === 4 ? failed('refused') : undefined
      },
    })
    const ids = await bench.append('a', range(6))
    const process = bench.start()
    await bench.drain(process)
    expect(process.calls.settleWithin).toHaveLength(1)
    expect(rowsOf(bench.real, 'effects').map(({ at }) => at)).toEqual([0, 1, 2, 4, 5])
    expect(await bench.states(ids)).toEqual([
      'succeeded',
      'succeeded',
      'succeeded',
      'retrying',
      'failed',
      'succeeded',
    ])
  })

  it('does not execute commands of a chunk that was taken over, and settles the others', async () => {
    const { bench, calls, effects } = setUp()
    const [first] = await bench.append('a', [1])
    const [second] = await bench.append('a', [2])
    const process = bench.process()
    process.tamper.settleWithin = async (_, leases: readonly LeaseRef[], work: SettleWork<unknown>) =>
      bench.real.settleWithin(
        leases.map((lease, at) => (at === 0 ? { ...lease, token: 99 } : lease)),
        work,
      )
    process.worker.start()
    await bench.clock.advance(1)
    expect(calls).toEqual([[2]])
    expect(effects()).toEqual([2])
    expect(eventsOf(process.events, 'lease.lost')).toMatchObject([
      { reason: 'stale', chunkId: first?.slice(0, 32) },
    ])
    expect(await bench.states([second as string])).toEqual(['succeeded'])
  })
})

describe('a commit that fails', () => {
  const unavailable = new SpillwayError('store_unavailable', 'disk full')

  it('because the store cannot do it now gives the chunk back and tries again later, without counting an attempt', async () => {
    const { bench, calls, effects } = setUp()
    const ids = await bench.append('a', [1, 2])
    const process = bench.process()
    failCommit(process, bench, 'before', (count) => (count <= 3 ? unavailable : undefined))
    process.worker.start()
    await bench.clock.advance(10)
    expect(effects()).toEqual([])
    await bench.clock.advance(2_500)
    expect(calls).toHaveLength(4)
    expect(effects()).toEqual([1, 2])
    expect(await bench.states(ids)).toEqual(['succeeded', 'succeeded'])
  })

  it('is tried again less and less often', async () => {
    const { bench, calls } = setUp()
    await bench.append('a', [1])
    const process = bench.process()
    failCommit(process, bench, 'before', () => unavailable)
    process.worker.start()
    await bench.clock.advance(60_000)
    expect(calls.length).toBeGreaterThan(5)
    expect(calls.length).toBeLessThan(40)
  })

  it('but landed all the same never writes its effects twice', async () => {
    const { bench, effects } = setUp()
    const ids = await bench.append('a', range(25))
    const process = bench.process()
    failCommit(process, bench, 'after', (count) => (count % 2 === 1 ? unavailable : undefined))
    process.worker.start()
    await bench.clock.advance(60_000)
    expect(effects().sort((a, b) => Number(a) - Number(b))).toEqual(range(25))
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('because of one command is narrowed down to it; the others commit', async () => {
    const { bench, effects } = setUp()
    const ids = await bench.append('a', range(5))
    const process = bench.process()
    process.tamper.settleWithin = (_, leases: readonly LeaseRef[], work: SettleWork<unknown>) =>
      bench.real.settleWithin(leases, (scope, valid) => {
        const settlements = work(scope, valid)
        const rows = (
          scope.tx as unknown as { table(name: string): { entries(): [string, { at: number }][] } }
        ).table('effects')
        if (rows.entries().some(([, { at }]) => at === 3)) {
          throw Object.assign(new Error('deferred constraint'), { fault: 'data' })
        }
        return settlements
      })
    process.worker.start()
    await bench.clock.advance(100)
    expect(effects()).toEqual([0, 1, 2, 4])
    const views = await bench.views(ids)
    expect(views.map((view) => view?.state)).toEqual(
      range(5).map((at) => (at === 3 ? 'retrying' : 'succeeded')),
    )
    expect(views[3]?.error?.message).toBe('deferred constraint')
  })

  it('in a way that tells nothing leaves the chunk to its lease, and so comes to an end', async () => {
    const { bench, calls } = setUp()
    const ids = await bench.append('a', [1])
    const process = bench.process()
    failCommit(process, bench, 'before', () => new Error('something odd'))
    process.worker.start()
    await bench.clock.advance(60_000)
    expect(calls.length).toBe(2)
    expect(await bench.views(ids)).toMatchObject([{ state: 'dead', error: { code: 'worker_crash' } }])
    expect(eventsOf(process.events, 'fault')[0]).toMatchObject({ where: 'worker.settle_within' })
  })
})
