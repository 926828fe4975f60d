import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BISECT_EXECUTIONS_MAX, type Exception, type FaultKind } from '../domain/index.js'
import { bisect, LONE_FAILURES_MAX, oneByOne } from './bisect.js'
import { follow, followAsync, type Outcomes, type Plan, type Slice, type Trial } from './trial.js'

const exception = (fault: FaultKind, message = 'bad'): Exception => ({
  outcome: 'exception',
  fault,
  error: { code: 'error', message },
})

/** A batch handler over numbers that throws when one of the bad ones is in the slice. */
function handler(bad: (index: number) => FaultKind | null) {
  const executed: Slice[] = []
  const run = (slice: Slice): Trial => {
    executed.push(slice)
    for (let index = slice.from; index < slice.to; index += 1) {
      const fault = bad(index)
      if (fault !== null) return { ok: false, exception: exception(fault, `bad ${index}`) }
    }
    return { ok: true, outcomes: null }
  }
  return { run, executed }
}

const dataAt = (...indexes: number[]) => {
  const bad = new Set(indexes)
  return (index: number): FaultKind | null => (bad.has(index) ? 'data' : null)
}

const failedIndexes = (outcomes: Outcomes | null): number[] =>
  (outcomes ?? []).flatMap((outcome, index) => (outcome === null ? [] : [index]))

function execute(count: number, bad: (index: number) => FaultKind | null, plan: Plan = bisect(count)) {
  const { run, executed } = handler(bad)
  const outcomes = follow(plan, run)
  return { outcomes, executed, failed: failedIndexes(outcomes) }
}

describe('bisect', () => {
  it('executes a good batch once', () => {
    const { outcomes, executed } = execute(1_000, dataAt())
    expect(outcomes).toBeNull()
    expect(executed).toEqual([{ from: 0, to: 1_000 }])
  })

  it('finds one bad command in 1,000 with at most 21 executions, wherever it is', () => {
    for (let index = 0; index < 1_000; index += 1) {
      const { failed, executed } = execute(1_000, dataAt(index))
      expect(failed).toEqual([index])
      expect(executed.length).toBeLessThanOrEqual(21)
    }
  })

  it('tells each bad command its own error', () => {
    const { outcomes } = execute(1_000, dataAt(17, 801))
    expect(outcomes?.[17]).toEqual(exception('data', 'bad 17'))
    expect(outcomes?.[801]).toEqual(exception('data', 'bad 801'))
  })

  it('lands the good commands although the first two are bad', () => {
    const { failed, executed } = execute(1_000, dataAt(0, 1))
    expect(failed).toEqual([0, 1])
    expect(executed.length).toBeLessThanOrEqual(25)
  })

  it('stops early when everything fails, with the whole exception for what was not tried alone', () => {
    const { failed, executed, outcomes } = execute(1_000, () => 'data')
    expect(failed).toHaveLength(1_000)
    expect(executed.length).toBeLessThanOrEqual(25)
    expect(executed.filter(({ from, to }) => to - from === 1)).toHaveLength(LONE_FAILURES_MAX)
    expect(outcomes?.[999]).toMatchObject({ fault: 'data' })
  })

  it('never bisects a transient fault', () => {
    const { failed, executed } = execute(100, (index) => (index === 50 ? 'transient' : null))
    expect(executed).toHaveLength(1)
    expect(failed).toHaveLength(100)
  })

  it('never bisects a permanent fault', () => {
    const { outcomes, executed } = execute(100, (index) => (index === 50 ? 'permanent' : null))
    expect(executed).toHaveLength(1)
    expect(outcomes?.[0]).toMatchObject({ fault: 'permanent' })
  })

  it('gives what was not tried yet the transient fault that interrupts the search', () => {
    let executions = 0
    const outcomes = follow(bisect(8), () => {
      executions += 1
      return { ok: false, exception: exception(executions < 3 ? 'data' : 'transient') }
    })
    expect(executions).toBe(3)
    expect(outcomes?.map((outcome) => (outcome as Exception).fault)).toEqual(Array(8).fill('transient'))
  })

  it('keeps the outcomes that a good part of a bad batch returned', () => {
    const outcomes = follow(bisect(4), ({ from, to }) => {
      if (from <= 1 && to > 1) return { ok: false, exception: exception('data') }
      return {
        ok: true,
        outcomes: Array.from(
          { length: to - from },
          (_, at) => ({ outcome: 'ok', value: `${from + at}` }) as const,
        ),
      }
    })
    expect(outcomes).toEqual([
      { outcome: 'ok', value: '0' },
      exception('data'),
      { outcome: 'ok', value: '2' },
      { outcome: 'ok', value: '3' },
    ])
  })

  it('does not exceed its budget when very many are bad', () => {
    const { executed } = execute(1_000, (index) => (index % 2 === 0 ? 'data' : null))
    expect(executed.length).toBe(BISECT_EXECUTIONS_MAX)
  })

  it('drives asynchronous executions the same way', async () => {
    const { run, executed } = handler(dataAt(700))
    const outcomes = await followAsync(bisect(1_000), async (slice) => run(slice))
    expect(failedIndexes(outcomes)).toEqual([700])
    expect(executed).toEqual(execute(1_000, dataAt(700)).executed)
  })

  it('blames exactly the bad commands and lands every good one, once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 1_000 }).chain((count) =>
          fc.record({
            count: fc.constant(count),
            // Few enough for the budget, and at least one good command.
            bad: fc.uniqueArray(fc.nat(count - 1), { maxLength: Math.min(5, count - 1) }),
          }),
        ),
        ({ count, bad }) => {
          const { failed, executed } = execute(count, dataAt(...bad))
          expect(failed).toEqual([...bad].sort((a, b) => a - b))
          const landed = executed.filter(({ from, to }) => !bad.some((index) => index >= from && index < to))
          const times = new Array<number>(count).fill(0)
          for (const { from, to } of landed) for (let index = from; index < to; index += 1) times[index]! += 1
          expect(times.every((landings, index) => landings === (bad.includes(index) ? 0 : 1))).toBe(true)
          const perBad = 2 * Math.ceil(Math.log2(count)) + 2
          expect(executed.length).toBeLessThanOrEqual(1 + bad.length * perBad + LONE_FAILURES_MAX)
        },
      ),
    )
  })
})

describe('oneByOne', () => {
  it('executes every command alone, whatever becomes of the others', () => {
    const faults: (FaultKind | null)[] = [null, 'transient', 'permanent', 'data', null]
    const { failed, executed } = execute(5, (index) => faults[index] ?? null, oneByOne(5))
    expect(failed).toEqual([1, 2, 3])
    expect(executed).toHaveLength(5)
  })
})
