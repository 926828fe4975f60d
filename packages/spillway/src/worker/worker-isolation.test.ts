import { describe, expect, it } from 'vitest'
import { Bench, command, type Process, range } from '../../test/worker/worker-kit.js'
import type { LeaseProgress, LeaseRef } from '../domain/index.js'
import type { SettleWork } from '../ports/index.js'
import { rowsOf } from '../stores/memory/index.js'

const LEASE_MS = 3_000

/** Workers that die, all at once and without a word, when a handler gets one of the killing payloads. */
function mortal(kills: (at: number) => boolean, over: object = {}) {
  const calls: { payloads: number[]; worker: string; attempts: number[] }[] = []
  let victim: Process | null = null
  let name = ''
  const definition = command({
    name: 'a',
    batch: { maxSize: 100 },
    timeout: '1h',
    handleBatch: (payloads, { commands }) => {
      const attempts = commands.map(({ attempt }: { attempt: number }) => attempt)
      calls.push({ payloads: [...payloads], worker: name, attempts })
      if (!payloads.some(kills)) return undefined
      victim?.clock.pause()
      return new Promise(() => {})
    },
    ...over,
  })
  const bench = new Bench([definition], { leaseMs: LEASE_MS })
  /** Starts one worker after the other until one of them survives or the limit is reached. */
  const runUntilQuiet = async (ids: readonly string[], workersMax = 10): Promise<number> => {
    for (let worker = 1; worker <= workersMax; worker += 1) {
      name = `w${worker}`
      victim = bench.start({ workerId: name })
      await bench.clock.advance(LEASE_MS + 500)
      const states = await bench.states(ids)
      if (!states.some((state) => state === 'running' || state === 'accepted')) return worker
    }
    return workersMax
  }
  return { bench, calls, runUntilQuiet }
}

describe('crash isolation', () => {
  it('finds the one command of a chunk that kills its workers; the others succeed', async () => {
    const { bench, calls, runUntilQuiet } = mortal((at) => at === 3)
    const ids = await bench.append('a', range(6))
    const workers = await runUntilQuiet(ids)
    expect(workers).toBe(4)
    const views = await bench.views(ids)
    expect(views.map((view) => view?.state)).toEqual(range(6).map((at) => (at === 3 ? 'dead' : 'succeeded')))
    expect(views[3]).toMatchObject({ attempts: 3, error: { code: 'worker_crash' } })
    expect(calls.map(({ payloads, worker }) => `${worker}:${payloads.join()}`)).toEqual([
      'w1:0,1,2,3,4,5',
      'w2:0,1,2,3,4,5',
      ...['w3:0', 'w3:1', 'w3:2', 'w3:3'],
      ...['w4:4', 'w4:5'],
    ])
  })

  it('counts a crash as an attempt of every command until they run alone, and never more than the policy allows', async () => {
    const { bench, calls, runUntilQuiet } = mortal((at) => at === 0 || at === 2, { retry: { attempts: 3 } })
    const ids = await bench.append('a', range(4))
    await runUntilQuiet(ids)
    expect(calls.map(({ attempts }) => attempts[0])).toEqual([1, 2, 3, 3, 3, 3])
    expect((await bench.views(ids)).map((view) => view?.state)).toEqual([
      'dead',
      'succeeded',
      'dead',
      'succeeded',
    ])
  })

  it('runs alone after the first crash already when there are only two attempts', async () => {
    const { bench, calls, runUntilQuiet } = mortal((at) => at === 1, { retry: { attempts: 2 } })
    const ids = await bench.append('a', range(3))
    await runUntilQuiet(ids)
    expect(calls.map(({ payloads }) => payloads)).toEqual([[0, 1, 2], [0], [1], [2]])
    expect(await bench.states(ids)).toEqual(['succeeded', 'dead', 'succeeded'])
  })

  it('executes a command with a single attempt never again after a crash', async () => {
    const { bench, calls, runUntilQuiet } = mortal((at) => at === 1, { retry: { attempts: 1 } })
    const ids = await bench.append('a', range(3))
    await runUntilQuiet(ids)
    expect(calls).toHaveLength(1)
    expect(await bench.views(ids)).toMatchObject(
      Array(3).fill({ state: 'dead', attempts: 1, error: { code: 'worker_crash' } }),
    )
  })

  it('writes the cursor before each command, together with what is finished', async () => {
    const { bench, runUntilQuiet } = mortal((at) => at === 2)
    const ids = await bench.append('a', range(4))
    await runUntilQuiet(ids, 2)
    const third = bench.start({ workerId: 'w3' })
    await bench.clock.advance(500)
    const marks = third.calls.extend.flatMap(([items]) => items as LeaseProgress[])
    expect(marks.map(({ cursor }) => cursor)).toEqual([0, 1, 2])
    expect(marks.map(({ finished }) => finished)).toEqual([[], [0], [1]])
    expect(third.calls.settle).toEqual([])
  })

  it('goes on with the next command only after the cursor was written', async () => {
    const { bench, calls, runUntilQuiet } = mortal((at) => at === 9)
    const ids = await bench.append('a', [9, 1])
    await runUntilQuiet(ids, 2)
    const third = bench.process({ workerId: 'w3' })
    third.tamper.extend = () => new Promise(() => {})
    third.worker.start()
    await bench.clock.advance(LEASE_MS)
    expect(calls).toHaveLength(2)
  })

  it('works the same where effects and settlement share a transaction', async () => {
    const calls: number[][] = []
    let dead = false
    const definition = command({
      name: 'a',
      settlement: 'transaction',
      handleBatch: (payloads, { tx }) => {
        calls.push([...payloads])
        for (const at of payloads) tx.table('effects').set(`${at}`, { at })
        dead ||= payloads.includes(1)
        if (dead) throw Object.assign(new Error('died'), { fault: 'transient' })
      },
    })
    const bench = new Bench([definition], { leaseMs: LEASE_MS })
    const ids = await bench.append('a', range(3))
    for (const worker of range(4)) {
      dead = false
      const process = bench.process({ workerId: `w${worker}` })
      process.tamper.settleWithin = (_, leases: readonly LeaseRef[], work: SettleWork<unknown>) =>
        bench.real
          .settleWithin(leases, (scope, valid) => {
            const settlements = work(scope, valid)
            if (dead) throw new Error('nothing of a dead process commits')
            return settlements
          })
          .catch(() => {
            process.clock.pause()
            return new Promise(() => {})
          })
      process.worker.start()
      await bench.clock.advance(LEASE_MS + 500)
    }
    expect(calls).toEqual([[0, 1, 2], [0, 1, 2], [0], [1], [2]])
    expect(await bench.states(ids)).toEqual(['succeeded', 'dead', 'succeeded'])
    expect(rowsOf(bench.real, 'effects').map(({ at }) => at)).toEqual([0, 2])
  })

  it('does not blame a command for a worker that was shut down in an orderly way', async () => {
    const { bench, runUntilQuiet } = mortal((at) => at === 7)
    const ids = await bench.append('a', [7, 1, 2])
    await runUntilQuiet(ids, 2)
    const third = bench.process({ workerId: 'w3', closeTimeoutMs: 100 })
    third.tamper.extend = async (call) => {
      const verdicts = await call()
      await bench.clock.sleep(10)
      return verdicts
    }
    third.worker.start()
    await bench.clock.advance(1)
    const stopped = third.worker.stop()
    await bench.clock.advance(1_000)
    await stopped
    const [lease] = await bench.real.claim({
      ...{ queue: 'default', types: ['a'], chunksMax: 1, commandsMax: 1, leaseMs: 1_000, workerId: 'look' },
    })
    expect(lease).toMatchObject({ cursor: null, expiries: 2, skip: [] })
  })
})
