import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, gate, range } from '../../test/worker/worker-kit.js'
import { failed, ok } from '../domain/index.js'
import { into } from '../sinks/index.js'
import { rowsOf } from '../stores/memory/index.js'

/** A batch command that notes what each call got. */
function batching(over: Parameters<typeof command>[0] | object = {}) {
  const calls: number[][] = []
  const definition = command({
    name: 'a',
    batch: { maxSize: 10, maxWait: 5 },
    handleBatch: async (payloads) => void calls.push([...payloads]),
    ...over,
  })
  return { calls, definition }
}

describe('assembling', () => {
  it('puts whole chunks of one type together up to the size of a batch', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    for (const at of range(5)) await bench.append('a', [at * 4, at * 4 + 1, at * 4 + 2, at * 4 + 3])
    const process = bench.start()
    await bench.drain(process)
    expect(calls).toEqual([range(8), range(8).map((at) => at + 8), range(4).map((at) => at + 16)])
    expect(process.calls.settle.length).toBeLessThanOrEqual(3)
  })

  it('runs a chunk larger than a batch in slices and settles each', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    const ids = await bench.append('a', range(25))
    const process = bench.start()
    await bench.drain(process)
    expect(calls).toEqual([range(10), range(10).map((at) => at + 10), [20, 21, 22, 23, 24]])
    const settlements = process.calls.settle.flatMap(
      ([items]) => items as { complete: boolean; finished: number[] }[],
    )
    expect(settlements.map(({ complete, finished }) => [complete, finished.length])).toEqual([
      [false, 10],
      [false, 10],
      [true, 0],
    ])
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('runs slices of one chunk at once when there are slots', async () => {
    const open = gate()
    let running = 0
    let most = 0
    const { definition } = batching({
      handleBatch: async () => {
        running += 1
        most = Math.max(most, running)
        await open.promise
        running -= 1
      },
    })
    const bench = new Bench([definition], { concurrency: 3 })
    const ids = await bench.append('a', range(50))
    const process = bench.start()
    await bench.clock.advance(10)
    expect(most).toBe(3)
    open.open()
    await bench.drain(process)
    expect(most).toBe(3)
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('does not mix types, and gives each handler only its own', async () => {
    const a = batching()
    const b = batching({ name: 'b' })
    const bench = new Bench([a.definition, b.definition])
    await bench.append('a', [1])
    await bench.append('b', [2])
    await bench.append('a', [3])
    await bench.drain(bench.start())
    expect(a.calls).toEqual([[1, 3]])
    expect(b.calls).toEqual([[2]])
  })

  it('takes higher priorities first', async () => {
    const { calls, definition } = batching({ batch: { maxSize: 1 } })
    const bench = new Bench([definition])
    for (const priority of [0, 5, 1]) await bench.append('a', [priority], { priority })
    await bench.drain(bench.start())
    expect(calls).toEqual([[5], [1], [0]])
  })

  it('runs nothing that was cancelled or is no duplicate of this store', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    const ids = await bench.append('a', range(4))
    await bench.real.control.cancel([ids[1] as string])
    await bench.drain(bench.start())
    expect(calls).toEqual([[0, 2, 3]])
    expect(await bench.states(ids)).toEqual(['succeeded', 'cancelled', 'succeeded', 'succeeded'])
  })

  it('writes outcomes of every kind', async () => {
    const { definition } = batching({ handleBatch: () => [ok({ n: 1 }), failed('no'), null] })
    const bench = new Bench([definition])
    const ids = await bench.append('a', range(3))
    await bench.drain(bench.start())
    const views = await bench.views(ids)
    expect(views.map((view) => [view?.state, view?.result, view?.error?.message])).toEqual([
      ['succeeded', '{"n":1}', undefined],
      ['failed', null, 'no'],
      ['succeeded', null, undefined],
    ])
  })

  it('lands 999 commands around a poisonous one and parks that for a retry', async () => {
    let calls = 0
    const { definition } = batching({
      batch: { maxSize: 1_000 },
      handleBatch: (payloads: number[]) => {
        calls += 1
        if (payloads.includes(500)) throw new Error('poison')
      },
    })
    const bench = new Bench([definition])
    const ids = await bench.append('a', range(1_000))
    await bench.drain(bench.start())
    const states = await bench.states(ids)
    expect(calls).toBeLessThanOrEqual(25)
    expect(states[500]).toBe('retrying')
    expect(states.filter((state) => state === 'succeeded')).toHaveLength(999)
  })
})

describe('a retried command', () => {
  it('comes back as its next attempt under its own id until it is dead', async () => {
    const seen: unknown[] = []
    const bench = new Bench([
      command({
        name: 'a',
        retry: { attempts: 3, backoff: { delay: 1_000, type: 'fixed', jitter: 'none' } },
        handle: (_, { id, attempt }) => {
          seen.push([id, attempt])
          throw new Error('no')
        },
      }),
    ])
    const ids = await bench.append('a', [1])
    const process = bench.start()
    for (const _ of range(3)) {
      await bench.drain(process)
      await bench.clock.advance(1_000)
      await bench.promote()
    }
    expect(seen).toEqual([1, 2, 3].map((attempt) => [ids[0], attempt]))
    expect(await bench.views(ids)).toMatchObject([{ state: 'dead', attempts: 3 }])
  })
})

describe('claiming', () => {
  it('never asks for types without a handler here', async () => {
    const a = batching()
    const submitOnly = command({ name: 'b' })
    const bench = new Bench([a.definition, submitOnly])
    const ids = await bench.append('b', [1])
    const process = bench.start()
    await bench.drain(process)
    expect(
      new Set(process.calls.claim.map(([request]) => (request as { types: string[] }).types.join())),
    ).toEqual(new Set(['a']))
    expect(await bench.states(ids)).toEqual(['accepted'])
  })

  it('does nothing at all when the queue has no handler here', async () => {
    const bench = new Bench([command({ name: 'b' })])
    await bench.append('b', [1])
    const process = bench.start()
    await bench.clock.advance(10_000)
    await process.worker.idle()
    expect(process.calls.claim).toEqual([])
  })

  it('claims at once for a batch handler that has been idle, and lets what follows gather', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    const process = bench.start()
    await bench.clock.advance(10)
    await bench.append('a', [0])
    await bench.clock.advance(0)
    expect(calls).toEqual([[0]])
    for (const at of [1, 2, 3, 4]) {
      await bench.append('a', [at])
      await bench.clock.advance(1)
    }
    expect(calls).toEqual([[0]])
    await bench.clock.advance(1)
    expect(calls).toEqual([[0], [1, 2, 3, 4]])
    expect(process.calls.claim).toHaveLength(3)
  })

  it('claims at once when a whole batch is announced', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    bench.start()
    await bench.clock.advance(10)
    await bench.append('a', range(10))
    await bench.clock.advance(0)
    expect(calls).toEqual([range(10)])
  })

  it('claims at once for a handler of single commands', async () => {
    const seen: number[] = []
    const bench = new Bench([command({ name: 'a', handle: (at) => void seen.push(at) })])
    bench.start()
    await bench.clock.advance(10)
    await bench.append('a', [1])
    await bench.clock.advance(0)
    expect(seen).toEqual([1])
  })

  it('finds work that nobody announced by polling', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    Object.assign(bench.real, { wake: { subscribe: () => () => {} } })
    bench.start({ pollMs: 100 })
    await bench.clock.advance(50)
    await bench.append('a', [1])
    await bench.clock.advance(49)
    expect(calls).toEqual([])
    await bench.clock.advance(51)
    expect(calls).toEqual([[1]])
  })

  it('keeps claiming without a pause while there is more, letting others have their turn in between', async () => {
    const { calls, definition } = batching({ handleBatch: into<{ id: number }>('t', { key: ['id'] }) })
    const bench = new Bench([definition])
    for (const at of range(100))
      await bench.append(
        'a',
        range(10).map((id) => ({ id: at * 10 + id })),
      )
    const process = bench.start()
    let othersTurns = 0
    const takeTurn = (): void => {
      othersTurns += 1
      if (rowsOf(bench.real, 't').length < 1_000) bench.clock.defer(takeTurn)
    }
    bench.clock.defer(takeTurn)
    await bench.clock.advance(0)
    expect(rowsOf(bench.real, 't')).toHaveLength(1_000)
    expect(process.calls.settleWithin).toHaveLength(100)
    expect(othersTurns).toBeGreaterThan(100)
    expect(calls).toEqual([])
  })

  it('stays within the concurrency of the queue', async () => {
    const open = gate()
    let running = 0
    const bench = new Bench(
      [
        command({
          name: 'a',
          handle: async () => {
            running += 1
            await open.promise
          },
        }),
      ],
      { concurrency: 3 },
    )
    for (const at of range(20)) await bench.append('a', [at])
    const process = bench.start()
    await bench.clock.advance(1_000)
    expect(running).toBe(3)
    expect((await bench.real.reader.accounting()).running).toBeLessThanOrEqual(4)
    open.open()
    await bench.drain(process)
    expect(running).toBe(20)
  })

  it('runs commands of single handlers from several chunks at once, and a chunk is done when all of it is', async () => {
    const gates = range(4).map(() => gate())
    const bench = new Bench([command({ name: 'a', handle: (at) => gates[at]?.promise })], { concurrency: 4 })
    const ids = [...(await bench.append('a', [0, 1])), ...(await bench.append('a', [2, 3]))]
    const process = bench.start()
    await bench.clock.advance(1)
    for (const at of [0, 2, 3]) gates[at]?.open()
    await bench.clock.advance(1)
    expect(await bench.states(ids)).toEqual(['running', 'running', 'succeeded', 'succeeded'])
    gates[1]?.open()
    await bench.drain(process)
    expect(await bench.states(ids)).toEqual(Array(4).fill('succeeded'))
  })

  it('runs a chunk of an ordered partition strictly in order', async () => {
    const seen: string[] = []
    const bench = new Bench(
      [
        command({
          name: 'a',
          orderingKey: () => 'k',
          handle: async (at) => {
            seen.push(`start ${at}`)
            await bench.clock.sleep(at === 0 ? 50 : 1)
            seen.push(`end ${at}`)
          },
        }),
      ],
      { concurrency: 8, ordered: true },
    )
    await bench.append('a', [0, 1, 2], { partition: 7 })
    const process = bench.start()
    await bench.drain(process)
    expect(seen).toEqual(range(3).flatMap((at) => [`start ${at}`, `end ${at}`]))
  })

  it('leaves a paused queue alone', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    await bench.append('a', [1])
    await bench.real.control.configureQueue('default', { paused: true })
    bench.start()
    await bench.clock.advance(1_000)
    expect(calls).toEqual([])
    await bench.real.control.configureQueue('default', { paused: false })
    await bench.clock.advance(100)
    expect(calls).toEqual([[1]])
  })
})

describe('a body that cannot be decoded', () => {
  it('ends its commands as dead instead of coming back forever', async () => {
    const { calls, definition } = batching()
    const bench = new Bench([definition])
    const ids = await bench.append('a', [1, 2])
    const process = bench.process()
    process.tamper.claim = async (call) =>
      (await call()).map((lease: object) => ({ ...lease, body: '[secret' }))
    process.worker.start()
    await bench.drain(process)
    expect(calls).toEqual([])
    expect(await bench.views(ids)).toMatchObject(
      Array(2).fill({ state: 'dead', error: { code: 'internal' } }),
    )
    expect(JSON.stringify(process.events)).not.toContain('secret')
    expect(eventsOf(process.events, 'command.finished')).toMatchObject([{ outcome: 'dead', count: 2 }])
  })
})

describe('a chunk of a type that was not asked for', () => {
  it('is left to whoever can handle it', async () => {
    const { definition } = batching()
    const bench = new Bench([definition])
    await bench.append('a', [1])
    const process = bench.process()
    process.tamper.claim = async (call) => (await call()).map((lease: object) => ({ ...lease, type: 'zzz' }))
    process.worker.start()
    await bench.clock.advance(10)
    expect(eventsOf(process.events, 'fault')).toMatchObject([
      { where: 'worker.claim', error: { code: 'internal' } },
    ])
    expect(process.calls.settle).toEqual([])
  })
})
