import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bench, command, type Process, type TestCommand } from '../../test/worker/worker-kit.js'
import { failed, retry } from '../domain/index.js'

interface Step {
  readonly key: string
  readonly n: number
}

const FAST = { attempts: 3, backoff: { delay: 10, jitter: 'none' } } as const

function ordered(over: Omit<TestCommand, 'name'>) {
  return command({ name: 'a', orderingKey: (step) => (step as Step).key, retry: FAST, ...over })
}

const steps = (...texts: string[]): Step[] =>
  texts.map((text) => ({ key: text.slice(0, 1), n: Number(text.slice(1)) }))
const named = ({ key, n }: Step): string => `${key}${n}`

/** Promotes and works off until nothing moves any more. */
async function settle(bench: Bench, process: Process): Promise<void> {
  for (let turns = 0, quiet = 0; quiet < 5 && turns < 200; turns += 1) {
    const moved = await bench.promote()
    await bench.drain(process)
    await bench.clock.advance(1_000)
    quiet = moved === 0 ? quiet + 1 : 0
  }
}

describe('commands of an ordered queue', () => {
  it('never share a batch with another of their key, and keep their order', async () => {
    const calls: string[][] = []
    const definition = ordered({
      handleBatch: async (batch) => void calls.push((batch as Step[]).map(named)),
    })
    const bench = new Bench([definition], { ordered: true, concurrency: 4 })
    await bench.append('a', steps('x1', 'x2', 'y1', 'x3', 'z1', 'y2'), { partition: 0 })
    await bench.drain(bench.start())
    expect(calls).toEqual([['x1', 'y1', 'z1'], ['x2', 'y2'], ['x3']])
  })

  it('wait for an earlier one of their key that is tried again, while other keys go on', async () => {
    const started: string[] = []
    let failures = 2
    const definition = ordered({
      handleBatch: async (batch) =>
        (batch as Step[]).map((step) => {
          started.push(named(step))
          return named(step) === 'x1' && failures-- > 0 ? retry('not yet') : null
        }),
    })
    const bench = new Bench([definition], { ordered: true })
    const ids = await bench.append('a', steps('x1', 'y1', 'x2', 'y2'), { partition: 0 })
    const later = await bench.append('a', steps('x3', 'y3'), { partition: 0 })
    const process = bench.start()
    await bench.drain(process)
    expect(await bench.states([...ids, ...later])).toEqual([
      ...['retrying', 'succeeded', 'blocked', 'succeeded'],
      ...['blocked', 'succeeded'],
    ])
    expect(started).toEqual(['x1', 'y1', 'y2', 'y3'])
    await settle(bench, process)
    expect(started).toEqual(['x1', 'y1', 'y2', 'y3', 'x1', 'x1', 'x2', 'x3'])
    expect(new Set(await bench.states([...ids, ...later]))).toEqual(new Set(['succeeded']))
  })

  it('say nothing of attempts while they were only blocked', async () => {
    const definition = ordered({
      handleBatch: async (batch) => (batch as Step[]).map(({ n }) => (n === 1 ? retry('no') : null)),
    })
    const bench = new Bench([definition], { ordered: true })
    const ids = await bench.append('a', steps('x1', 'x2'), { partition: 0 })
    await bench.drain(bench.start())
    expect((await bench.views(ids))[1]).toMatchObject({
      state: 'blocked',
      attempts: 0,
      history: [],
      error: null,
    })
  })

  it.each([
    ['skip', ['dead', 'succeeded']],
    ['block', ['dead', 'blocked']],
  ] as const)('with onDead %s a dead one leaves its successors %j', async (onDead, states) => {
    const definition = ordered({
      retry: { attempts: 1 },
      handleBatch: async (batch) => (batch as Step[]).map(({ n }) => (n === 1 ? retry('no') : null)),
    })
    const bench = new Bench([definition], { ordered: true, onDead })
    const ids = await bench.append('a', steps('x1', 'x2'), { partition: 0 })
    const process = bench.start()
    await bench.drain(process)
    await settle(bench, process)
    expect(await bench.states(ids)).toEqual(states)
  })

  it.each(['redrive', 'discard'] as const)(
    'follow once a dead one that blocked them has seen a %s',
    async (verb) => {
      let broken = true
      const started: string[] = []
      const definition = ordered({
        retry: { attempts: 1 },
        handleBatch: async (batch) =>
          (batch as Step[]).map((step) => {
            started.push(named(step))
            return broken && step.n === 1 ? retry('no') : null
          }),
      })
      const bench = new Bench([definition], { ordered: true, onDead: 'block' })
      const ids = await bench.append('a', steps('x1', 'x2'), { partition: 0 })
      const process = bench.start()
      await bench.drain(process)
      broken = false
      expect(await bench.real.control[verb]([ids[0] as string])).toEqual(['ok'])
      await settle(bench, process)
      expect(started).toEqual(verb === 'redrive' ? ['x1', 'x1', 'x2'] : ['x1', 'x2'])
      expect((await bench.states(ids))[1]).toBe('succeeded')
    },
  )

  it('do not wait for one that was refused', async () => {
    const definition = ordered({
      handleBatch: async (batch) => (batch as Step[]).map(({ n }) => (n === 1 ? failed('no') : null)),
    })
    const bench = new Bench([definition], { ordered: true, onDead: 'block' })
    const ids = await bench.append('a', steps('x1', 'x2'), { partition: 0 })
    await bench.drain(bench.start())
    expect(await bench.states(ids)).toEqual(['failed', 'succeeded'])
  })

  it('wait in the transaction of a settlement as well', async () => {
    const started: string[] = []
    let failures = 1
    const definition = ordered({
      settlement: 'transaction',
      handleBatch: (batch: Step[]) =>
        batch.map((step) => {
          started.push(named(step))
          return named(step) === 'x1' && failures-- > 0 ? retry('not yet') : null
        }),
    })
    const bench = new Bench([definition], { ordered: true })
    const ids = await bench.append('a', steps('x1', 'y1', 'x2'), { partition: 0 })
    const process = bench.start()
    await bench.drain(process)
    expect(await bench.states(ids)).toEqual(['retrying', 'succeeded', 'blocked'])
    await settle(bench, process)
    expect(started).toEqual(['x1', 'y1', 'x1', 'x2'])
    expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
  })

  it('start in order per key whatever fails how often, over any chunks and several workers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.record({ key: fc.constantFrom('x', 'y', 'z'), fails: fc.nat({ max: 2 }) }), {
            minLength: 1,
            maxLength: 6,
          }),
          { minLength: 1, maxLength: 5 },
        ),
        async (chunks) => {
          const counters = new Map<string, number>()
          const left = new Map<string, number>()
          const started: Step[] = []
          const definition = ordered({
            handleBatch: async (batch) =>
              (batch as Step[]).map((step) => {
                started.push(step)
                const fails = left.get(named(step)) ?? 0
                left.set(named(step), fails - 1)
                return fails > 0 ? retry('again') : null
              }),
          })
          const bench = new Bench([definition], { ordered: true, concurrency: 2 })
          const ids: string[] = []
          for (const chunk of chunks) {
            const payloads = chunk.map(({ key, fails }) => {
              const n = (counters.get(key) ?? 0) + 1
              counters.set(key, n)
              left.set(`${key}${n}`, fails)
              return { key, n }
            })
            ids.push(...(await bench.append('a', payloads, { partition: 0 })))
          }
          const [one, two] = [bench.start(), bench.start({ workerId: 'w2' })]
          await bench.drain(two)
          await settle(bench, one)
          expect(new Set(await bench.states(ids))).toEqual(new Set(['succeeded']))
          for (const key of counters.keys()) {
            const order = started.filter((step) => step.key === key).map(({ n }) => n)
            expect(order).toEqual([...order].sort((a, b) => a - b))
          }
        },
      ),
      { numRuns: 40 },
    )
  })
})
