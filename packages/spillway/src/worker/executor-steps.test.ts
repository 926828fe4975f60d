import { describe, expect, it } from 'vitest'
import {
  first,
  recording,
  resumed,
  type StepContext,
  threeSteps,
  toUndo,
} from '../../test/worker/steps-kit.js'
import { eventsOf, gate, storeIsDown } from '../../test/worker/worker-kit.js'
import { STEPS_BYTES_MAX, STEPS_MAX } from '../domain/index.js'
import type { Store } from '../ports/index.js'

describe('steps', () => {
  it('are recorded in order, with their results, before the handler goes on', async () => {
    const seen: unknown[] = []
    const { execute, recorded } = recording(async (_, { step }) => {
      seen.push(await step('a', () => ({ n: 1 })))
      seen.push(await recorded())
      await step(
        'b',
        () => undefined,
        () => undefined,
      )
      throw new Error('after b')
    })
    expect(await execute(first)).toMatchObject([{ state: 'retrying' }])
    expect(seen).toEqual([{ n: 1 }, [{ name: 'a', result: { n: 1 } }]])
    expect(await recorded()).toEqual([
      { name: 'a', result: { n: 1 } },
      { name: 'b', undo: true },
    ])
  })

  it('are not done again by a retry, which gets what they returned', async () => {
    const seen: unknown[] = []
    const { execute, log } = recording(
      threeSteps(async (_, { attempt, step }) => {
        seen.push(await step('again', () => new Date(0)))
        if (attempt === 1) throw new Error('crash')
      }),
    )
    await execute(first)
    expect(await execute(resumed)).toMatchObject([{ state: 'succeeded', forget: true }])
    expect(log).toEqual(['reserve', 'tell', 'charge'])
    // The same on every execution: as JSON has it.
    expect(seen).toEqual(['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:00.000Z'])
  })

  it('are looked up only when an earlier execution may have recorded some', async () => {
    let reads = 0
    const shared = (real: Store['shared']): Store['shared'] => ({
      ...real,
      read: (keys) => {
        reads += 1
        return real.read(keys)
      },
    })
    const { execute } = recording((_, { step }) => step('a', () => 1), {}, { shared })
    await execute(first)
    expect(reads).toBe(0)
    await execute(resumed)
    expect(reads).toBe(1)
  })

  it('may run at once', async () => {
    const gates = [gate(), gate(), gate()]
    const { bench, execute, recorded } = recording((_, { step }) => {
      const steps = gates.map(({ promise }, at) => step(`s${at}`, () => promise.then(() => at)))
      return Promise.all(steps)
    })
    const report = execute(first)
    for (const at of [2, 0, 1]) {
      gates[at]?.open()
      await bench.clock.advance(0)
    }
    expect(await report).toMatchObject([{ result: '[0,1,2]' }])
    expect(await recorded()).toMatchObject([{ name: 's2' }, { name: 's0' }, { name: 's1' }])
  })

  it('are forgotten once the command has ended', async () => {
    const { execute, executor, recorded } = recording((_, { step }) => step('a', () => 1))
    await execute(first)
    expect(await recorded()).toHaveLength(1)
    executor.forget(['c-0'])
    await executor.close()
    expect(await recorded()).toBeNull()
  })

  it('that cannot be forgotten are a fault that nobody waits for', async () => {
    const shared = (real: Store['shared']): Store['shared'] => ({ ...real, read: storeIsDown })
    const { executor, events } = recording(() => undefined, {}, { shared })
    executor.forget(['c-0'])
    await executor.close()
    expect(eventsOf(events, 'fault')).toMatchObject([{ where: 'worker.steps' }])
  })

  it.each([
    ['a name that was used before', (step: StepContext['step']) => step('a', () => 1), /begun twice/],
    ['no name', (step: StepContext['step']) => step('', () => 1), /needs a name/],
    [
      'a result that JSON cannot hold',
      (step: StepContext['step']) => step('b', () => 1n),
      /cannot be recorded/,
    ],
    [
      'a function as its result',
      (step: StepContext['step']) => step('b', () => () => 1),
      /cannot be recorded/,
    ],
    [
      'results that are too large',
      (step: StepContext['step']) => step('b', () => 'x'.repeat(STEPS_BYTES_MAX)),
      /store them elsewhere/,
    ],
  ])('with %s are an error that no retry helps', async (_, wrong, words) => {
    const { execute } = recording(async (__, { step }) => {
      await step('a', () => 1)
      await wrong(step)
    })
    expect(await execute(first)).toMatchObject([
      { state: 'dead', error: { message: expect.stringMatching(words) } },
    ])
  })

  it('are bounded in number', async () => {
    const { execute } = recording(async (_, { step }) => {
      for (let at = 0; at <= STEPS_MAX; at += 1) await step(`s${at}`, () => at)
    })
    expect(await execute(first)).toMatchObject([
      { state: 'dead', error: { message: expect.stringContaining(`${STEPS_MAX} steps`) } },
    ])
  })

  it('are refused where a transaction undoes everything anyway', async () => {
    const { execute } = recording((_, { step }) => step('a', () => 1), { settlement: 'transaction' })
    expect(await execute(first)).toMatchObject([{ state: 'dead', error: { code: 'unsupported' } }])
  })

  it('are not begun any more once the lease is lost', async () => {
    const { execute, controller, log } = recording(async (entries, { step }) => {
      await step('a', () => controller.abort(new Error('lost')))
      await step('b', () => void entries.push('b'))
    })
    expect(await execute(first)).toMatchObject([{ state: 'retrying', error: { message: 'lost' } }])
    expect(log).toEqual([])
  })
})

describe('an execution that lost its command', () => {
  it('records nothing over what its successor recorded, and ends there', async () => {
    const opened = gate()
    const { bench, execute, log, recorded } = recording(async (entries, { attempt, step }) => {
      await step('a', () => void entries.push(`a by ${attempt}`))
      if (attempt === 1) await opened.promise
      await step('b', () => void entries.push(`b by ${attempt}`))
      await step('c', () => void entries.push(`c by ${attempt}`))
    })
    const zombie = execute(first)
    await bench.clock.advance(0)
    expect(await execute(resumed)).toMatchObject([{ state: 'succeeded' }])
    opened.open()
    expect(await zombie).toMatchObject([{ state: 'retrying', error: { code: 'lease_lost' } }])
    expect(log).toEqual(['a by 1', 'b by 2', 'c by 2', 'b by 1'])
    expect(await recorded()).toMatchObject([{ name: 'a' }, { name: 'b' }, { name: 'c' }])
  })

  it('does not take a successor that has undone its steps for itself', async () => {
    const opened = gate()
    const undone: string[] = []
    const { bench, execute, recorded } = recording(async (_, { attempt, step }) => {
      await step('a', () => 1)
      if (attempt === 1) await opened.promise
      await step(
        'b',
        () => 2,
        () => void undone.push('b'),
      )
      if (attempt === 2) throw Object.assign(new Error('no'), { fault: 'permanent' })
    })
    const zombie = execute(first)
    await bench.clock.advance(0)
    await execute(resumed)
    // The record is back to what the zombie has seen, but by other hands.
    await execute(toUndo, 'compensate')
    expect(undone).toEqual(['b'])
    opened.open()
    expect(await zombie).toMatchObject([{ error: { code: 'lease_lost' } }])
    expect(await recorded()).toBeNull()
  })
})

describe('a store that fails while a step is recorded', () => {
  const failing = (after: boolean, times: number) => {
    let left = times
    return (real: Store['shared']): Store['shared'] => ({
      ...real,
      write: async (writes) => {
        if (left === 0) return real.write(writes)
        left -= 1
        if (after) await real.write(writes)
        return storeIsDown()
      },
    })
  }
  const twoSteps = async (log: string[], { step }: StepContext) => {
    await step('a', () => void log.push('a'))
    await step('b', () => void log.push('b'))
  }

  for (const after of [false, true])
    it(`is asked again, and the step is not done again (${after ? 'after' : 'before'} the write)`, async () => {
      const { bench, execute, log, recorded } = recording(twoSteps, {}, { shared: failing(after, 2) })
      const report = execute(first)
      await bench.clock.advance(20_000)
      expect(await report).toMatchObject([{ state: 'succeeded' }])
      expect(log).toEqual(['a', 'b'])
      expect(await recorded()).toMatchObject([{ name: 'a' }, { name: 'b' }])
    })

  it('is an exception that retries when it does not come back', async () => {
    const { bench, execute } = recording(twoSteps, {}, { shared: failing(false, 1_000) })
    const report = execute(first)
    await bench.clock.advance(25_000)
    expect(await report).toMatchObject([{ state: 'retrying', error: { code: 'store_unavailable' } }])
  })
})
