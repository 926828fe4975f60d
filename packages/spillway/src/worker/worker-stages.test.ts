import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, gate, range } from '../../test/worker/worker-kit.js'
import { pending } from '../config/index.js'
import { applied, failed, notApplied, stillUnknown, unknown } from '../domain/index.js'

const POLL_MS = 100
const quick = { backoff: { delay: 10, jitter: 'none' } } as const

/** Runs the worker until nothing is due any more. */
async function workOff(
  bench: Bench,
  ids: readonly string[],
  turnsMax = 50,
): Promise<readonly (string | undefined)[]> {
  for (let turn = 0; turn < turnsMax; turn += 1) {
    await bench.promote()
    await bench.clock.advance(POLL_MS)
  }
  return bench.states(ids)
}

describe('a command that is not simply executed', () => {
  it('is asked about, and executed again when it did not happen', async () => {
    const log: string[] = []
    const bench = new Bench([
      command({
        ...{ name: 'a', retry: { attempts: 3, ...quick } },
        handle: (at, { attempt }) => {
          log.push(`run ${at}`)
          if (attempt === 1) throw new Error('timeout')
        },
        reconcile: (at) => {
          log.push(`ask ${at}`)
          return at === 0 ? applied('found') : notApplied()
        },
      }),
    ])
    bench.start()
    const ids = await bench.append('a', [0, 1])
    expect(await workOff(bench, ids)).toEqual(['succeeded', 'succeeded'])
    expect(log.sort()).toEqual(['ask 0', 'ask 1', 'run 0', 'run 1', 'run 1'])
    expect(await bench.views(ids)).toMatchObject([
      { attempts: 1, result: '"found"' },
      { attempts: 2, result: null },
    ])
  })

  it('waits for its counterpart, and is asked for the answer', async () => {
    let answer: unknown = null
    const bench = new Bench([
      command({
        name: 'a',
        handle: () => pending({ deadline: '1h' }),
        poll: { every: 500, run: () => answer as never },
      }),
    ])
    bench.start()
    const ids = await bench.append('a', [0])
    expect(await workOff(bench, ids, 20)).toEqual(['pending'])
    answer = failed('no stock')
    expect(await workOff(bench, ids)).toEqual(['failed'])
  })

  it('is undone, and ends with what it failed with', async () => {
    const bench = new Bench([
      command({
        ...{ name: 'a', compensation: { attempts: 3, ...quick } },
        handle: () => failed('address rejected'),
        compensate: (at) => {
          if (at === 1) throw new Error('cannot')
        },
      }),
    ])
    bench.start()
    const ids = await bench.append('a', [0, 1])
    expect(await workOff(bench, ids)).toEqual(['compensated', 'dead'])
    expect(await bench.views(ids)).toMatchObject([
      { error: { message: 'address rejected' } },
      { stage: 'compensate', error: { message: 'compensation failed: cannot' } },
    ])
  })

  it('is undone in reverse by its steps across workers, and leaves no record', async () => {
    const log: string[] = []
    const bench = new Bench([
      command({
        name: 'a',
        handle: async (_, { step }) => {
          for (const name of ['seat', 'card'])
            await step(
              name,
              () => void log.push(name),
              () => void log.push(`undo ${name}`),
            )
          return failed('sold out')
        },
      }),
    ])
    bench.start()
    const ids = await bench.append('a', [0])
    expect(await workOff(bench, ids)).toEqual(['compensated'])
    expect(log).toEqual(['seat', 'card', 'undo card', 'undo seat'])
    expect(await bench.real.shared.keys('spillway.steps/', 10)).toEqual([])
  })

  it('leaves no record of its steps once it has succeeded', async () => {
    const bench = new Bench([command({ name: 'a', handle: (_, { step }) => step('once', () => 1) })])
    const process = bench.start()
    const ids = await bench.append('a', range(3))
    expect(await workOff(bench, ids, 3)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expect(await bench.real.shared.keys('spillway.steps/', 10)).toEqual([])
    expect(eventsOf(process.events, 'fault')).toEqual([])
  })

  it('is undone outside of the transaction that its type is executed in', async () => {
    const bench = new Bench([
      command({
        ...{ name: 'a', settlement: 'transaction' },
        handleBatch: (all) => all.map(() => failed('no')),
        compensate: async () => undefined,
      }),
    ])
    const { calls } = bench.start()
    const ids = await bench.append('a', range(2))
    expect(await workOff(bench, ids, 5)).toEqual(['compensated', 'compensated'])
    expect(calls.settleWithin).toHaveLength(1)
  })
})

describe('handler calls', () => {
  it('never mix stages, and ask about many at once only where the type can', async () => {
    const calls: string[] = []
    const bench = new Bench(
      [
        command({
          ...{ name: 'a', batch: { maxSize: 100 }, retry: quick, reconciliation: quick, compensation: quick },
          handleBatch: (all) => {
            calls.push(`run ${all.length}`)
            return all.map((at) => (at % 2 === 0 ? unknown('?') : failed('no')))
          },
          reconcileBatch: (all) => {
            calls.push(`ask ${all.length}`)
            return all.map(() => applied())
          },
          compensate: () => void calls.push('undo'),
        }),
      ],
      { concurrency: 4 },
    )
    bench.start()
    const ids = await bench.append('a', range(6))
    expect([...(await workOff(bench, ids))].sort()).toEqual([
      ...['compensated', 'compensated', 'compensated', 'succeeded', 'succeeded', 'succeeded'],
    ])
    expect(calls.sort()).toEqual(['ask 3', 'run 6', 'undo', 'undo', 'undo'])
  })
})

describe('a worker that dies in another stage', () => {
  const LEASE_MS = 3_000

  /** Workers that stall for good whenever the function is called for the killing payload. */
  async function crashing(stage: 'reconcile' | 'compensate' | 'poll') {
    let tries = 0
    let victim: { clock: { pause(): void } } | null = null
    const kill = (at: unknown): unknown => {
      if (at !== 1) return stage === 'poll' ? { outcome: 'ok' } : applied()
      tries += 1
      victim?.clock.pause()
      return new Promise(() => {})
    }
    const outcome = { reconcile: unknown('?'), compensate: failed('no'), poll: pending({ deadline: '1d' }) }[
      stage
    ]
    const bench = new Bench(
      [
        command({
          ...{ name: 'a', timeout: '1h', retry: quick },
          ...{ reconciliation: { attempts: 4, ...quick }, compensation: { attempts: 4, ...quick } },
          handle: () => outcome,
          ...(stage === 'reconcile' ? { reconcile: kill as never } : {}),
          ...(stage === 'compensate' ? { compensate: kill } : {}),
          ...(stage === 'poll' ? { poll: { every: 10, run: kill as never } } : {}),
        }),
      ],
      { leaseMs: LEASE_MS },
    )
    const ids = await bench.append('a', [0, 1, 2])
    for (let worker = 1; worker <= 8; worker += 1) {
      victim = bench.start({ workerId: `w${worker}` })
      for (let turn = 0; turn < 10; turn += 1) {
        await bench.promote()
        await bench.clock.advance(LEASE_MS / 5)
      }
    }
    return { views: await bench.views(ids), tries: () => tries }
  }

  it.each([
    ['reconcile', 'succeeded'],
    ['compensate', 'compensated'],
    ['poll', 'succeeded'],
  ] as const)(
    'is a try of %s: the others end well, and the one that kills ends dead there',
    async (stage, well) => {
      const { views, tries } = await crashing(stage)
      expect(views.map((view) => view?.state)).toEqual([well, 'dead', well])
      expect(views[1]).toMatchObject({ stage, attempts: 1, error: { code: 'worker_crash' } })
      expect(tries()).toBeLessThanOrEqual(4)
    },
  )
})

describe('commands under which a worker died', () => {
  it('are asked about by the next one before they are executed again', async () => {
    const log: string[] = []
    let victim: { clock: { pause(): void } } | null = null
    const bench = new Bench(
      [
        command({
          ...{ name: 'a', batch: { maxSize: 10 }, timeout: '1h' },
          handleBatch: (all) => {
            log.push(`run ${all.join()}`)
            if (log.length > 1) return
            victim?.clock.pause()
            return new Promise(() => {})
          },
          reconcileBatch: (all) => {
            log.push(`ask ${all.join()}`)
            return all.map((at) => [applied(), notApplied(), stillUnknown()][at as number] ?? notApplied())
          },
        }),
      ],
      { leaseMs: 3_000 },
    )
    const ids = await bench.append('a', range(3))
    victim = bench.start({ workerId: 'w1' })
    await bench.clock.advance(3_500)
    bench.start({ workerId: 'w2' })
    await bench.clock.advance(500)
    expect(log).toEqual(['run 0,1,2', 'ask 0,1,2', 'run 1'])
    expect(await bench.states(ids)).toEqual(['succeeded', 'succeeded', 'reconciling'])
  })
})

describe('a handler that blocks the process past its lease', () => {
  it('is reported, and what it comes to is thrown away', async () => {
    const opened = gate()
    const bench = new Bench([command({ name: 'a', timeout: '1h', handle: () => opened.promise })], {
      leaseMs: 3_000,
    })
    const { clock, events, calls } = bench.start()
    const ids = await bench.append('a', [0])
    await bench.clock.advance(500)
    clock.pause()
    await bench.clock.advance(5_000)
    // The handler comes back first, as it does when it was what held up everything else.
    opened.open()
    await bench.clock.advance(0)
    clock.resume()
    await bench.clock.advance(0)
    expect(eventsOf(events, 'event_loop.blocked')).toMatchObject([{ types: ['a'] }])
    expect(eventsOf(events, 'event_loop.blocked')[0]?.durationMs).toBeGreaterThanOrEqual(4_000)
    expect(eventsOf(events, 'lease.lost')).toMatchObject([{ reason: 'expired' }])
    expect(calls.settle).toMatchObject([[[{ token: 2 }]]])
    await bench.clock.advance(POLL_MS)
    expect(await bench.states(ids)).toEqual(['succeeded'])
    expect(await bench.views(ids)).toMatchObject([{ attempts: 2 }])
  })

  it('is told from one that waits: a heartbeat in time is no event', async () => {
    const opened = gate()
    const bench = new Bench([command({ name: 'a', timeout: '1h', handle: () => opened.promise })], {
      leaseMs: 3_000,
    })
    const { events } = bench.start()
    await bench.append('a', [0])
    await bench.clock.advance(10_000)
    expect(eventsOf(events, 'event_loop.blocked')).toEqual([])
  })
})
