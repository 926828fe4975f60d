import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import { eventsOf, range } from '../../test/worker/worker-kit.js'
import { failed, fingerprintOf, ok, retry } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

const tried = { attempts: 1, ran: { workerId: 'w1', durationMs: 0 } }

describe('a handler for one command', () => {
  it('gets its payload and context', async () => {
    const seen: unknown[] = []
    const { execute } = setUp({
      handle: (payload, { signal, ...context }) =>
        void seen.push(payload, context, signal instanceof AbortSignal),
    })
    expect(await execute(commands(1, { attempt: 2 }))).toEqual([null])
    expect(seen).toEqual([0, { id: 'c-0', type: 'a', queue: 'default', attempt: 2, tx: undefined }, true])
  })

  it('may return a value, an outcome, or nothing', async () => {
    const { execute } = setUp({
      handle: async (at) => [undefined, { n: 1 }, ok('x'), failed('no'), retry('later', { afterMs: 7 })][at],
    })
    expect(await execute(commands(5))).toEqual([
      null,
      { ...tried, index: 11, state: 'succeeded', delayMs: 0, error: null, result: '{"n":1}' },
      { ...tried, index: 12, state: 'succeeded', delayMs: 0, error: null, result: '"x"' },
      {
        ...{ ...tried, index: 13, state: 'failed', delayMs: 0, error: { code: 'failed', message: 'no' } },
        fingerprint: fingerprintOf({ code: 'failed', message: 'no' }),
      },
      { ...tried, index: 14, state: 'retrying', delayMs: 7, error: { code: 'retry', message: 'later' } },
    ])
  })

  it('is called for every command whatever becomes of the others', async () => {
    const { execute } = setUp({
      handle: (at) => {
        if (at === 1) throw new Error('no')
      },
    })
    expect((await execute(commands(3))).map((update) => update?.state ?? 'ok')).toEqual([
      'ok',
      'retrying',
      'ok',
    ])
  })
})

describe('exceptions', () => {
  it('are retried until the attempts are used up', async () => {
    const { execute } = setUp({
      handle: async () => {
        throw new Error('no')
      },
    })
    expect(await execute(commands(1, { attempt: 2 }))).toMatchObject([
      { state: 'retrying', delayMs: 200, attempts: 2 },
    ])
    expect(await execute(commands(1, { attempt: 3 }))).toMatchObject([{ state: 'dead', attempts: 3 }])
  })

  it('that are permanent are not retried', async () => {
    const { execute } = setUp({
      handle: () => {
        throw Object.assign(new Error('no table'), { fault: 'permanent' })
      },
    })
    expect(await execute(commands(1))).toMatchObject([{ state: 'dead', attempts: 1 }])
  })

  it('are classified by the command before anything else', async () => {
    const { execute } = setUp({
      classify: (error) => ((error as Error).message === 'gone' ? 'permanent' : undefined),
      handle: () => {
        throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
      },
    })
    expect(await execute(commands(1))).toMatchObject([{ state: 'dead' }])
  })

  it('of a result that cannot be kept concern their command alone', async () => {
    const { execute } = setUp({ handleBatch: (all) => all.map((at) => ok(at === 1 ? 1n : at)) })
    expect(await execute(commands(3))).toMatchObject([
      { state: 'succeeded', result: '0' },
      { state: 'retrying', error: { code: 'handler_result' } },
      { state: 'succeeded', result: '2' },
    ])
  })
})

describe('a batch handler', () => {
  it('gets all commands in one call, with ids and attempts in order', async () => {
    const calls: unknown[] = []
    const { execute } = setUp({
      handleBatch: (payloads, { commands: list }) => void calls.push([payloads, list[1].id, list[1].attempt]),
    })
    expect(await execute(commands(3))).toEqual([null, null, null])
    expect(calls).toEqual([[[0, 1, 2], 'c-1', 1]])
  })

  it('may change its array of payloads without confusing whose outcome is whose', async () => {
    const { execute } = setUp({
      handleBatch: (payloads) => {
        const outcomes = payloads.map((at) => (at === 2 ? failed('two') : null))
        payloads.length = 0
        return outcomes
      },
    })
    expect((await execute(commands(3))).map((update) => update?.state ?? 'ok')).toEqual([
      'ok',
      'ok',
      'failed',
    ])
  })

  it.each([
    ['too few outcomes', [null]],
    ['something else than outcomes', 'fine'],
  ])('that returns %s is retried whole, never taken for a success', async (_, returned) => {
    let calls = 0
    const { execute } = setUp({
      handleBatch: () => {
        calls += 1
        return returned
      },
    })
    const report = await execute(commands(3))
    expect(report.map((update) => [update?.state, update?.error?.code])).toEqual(
      Array(3).fill(['retrying', 'handler_result']),
    )
    expect(calls).toBe(1)
  })

  it('is bisected around poison: one bad command in 1,000 costs at most 25 executions', async () => {
    let calls = 0
    const landed: number[] = []
    const { execute } = setUp({
      handleBatch: async (payloads) => {
        calls += 1
        if (payloads.includes(637)) throw new RangeError('637 does not fit')
        landed.push(...payloads)
      },
    })
    const report = await execute(commands(1_000))
    expect(calls).toBeLessThanOrEqual(25)
    expect(landed.sort((a, b) => a - b)).toEqual(range(1_000).filter((at) => at !== 637))
    expect(report.flatMap((update) => update ?? [])).toMatchObject([
      { index: 647, state: 'retrying', error: { message: '637 does not fit' } },
    ])
  })

  it('is retried whole after a fault of the moment', async () => {
    let calls = 0
    const { execute } = setUp({
      handleBatch: () => {
        calls += 1
        throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
      },
    })
    expect((await execute(commands(100))).every((update) => update?.state === 'retrying')).toBe(true)
    expect(calls).toBe(1)
  })

  it('in which everything fails is not called for each of its commands', async () => {
    let calls = 0
    const { execute } = setUp({
      handleBatch: () => {
        calls += 1
        throw new Error('no column x')
      },
    })
    expect((await execute(commands(1_000))).every((update) => update?.state === 'retrying')).toBe(true)
    expect(calls).toBeLessThanOrEqual(25)
  })
})

describe('telemetry', () => {
  it('counts a good batch in three events', async () => {
    const { execute, events, bench } = setUp({ handleBatch: () => bench.clock.sleep(20) })
    const report = execute(commands(100, { acceptedAt: bench.clock.now() - 50 }))
    await bench.clock.advance(20)
    await report
    const about = { queue: 'default', type: 'a' }
    expect(events).toEqual([
      { event: 'batch.executed', ...about, commands: 100, durationMs: 20, waitMs: 50 },
      { event: 'attempt.finished', ...about, outcome: 'ok', count: 100 },
      { event: 'command.finished', ...about, outcome: 'succeeded', count: 100, completionMs: 70 },
    ])
  })

  it('tells retries, timeouts, dead and failed commands apart, and names each', async () => {
    const { execute, events, bench } = setUp({
      timeout: 1_000,
      handle: async (at, { signal }) => {
        if (at === 0) throw new Error('no')
        if (at === 1) throw new SpillwayError('invalid_argument', 'never')
        if (at === 2) return failed('refused')
        return new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const report = execute(commands(4))
    await bench.clock.advance(1_000)
    await report
    expect(eventsOf(events, 'attempt.finished').map(({ outcome, count }) => [outcome, count])).toEqual([
      ...[
        ['retry', 1],
        ['fatal', 2],
        ['timeout', 1],
      ],
    ])
    expect(eventsOf(events, 'command.finished').map(({ outcome, count }) => [outcome, count])).toEqual([
      ...[
        ['dead', 1],
        ['failed', 1],
      ],
    ])
    expect(
      eventsOf(events, 'command.exception').map(({ commandId, state, errorCode }) => [
        commandId,
        state,
        errorCode,
      ]),
    ).toEqual([
      ...[
        ['c-0', 'retrying', 'Error'],
        ['c-1', 'dead', 'invalid_argument'],
      ],
      ...[
        ['c-2', 'failed', 'failed'],
        ['c-3', 'retrying', 'handler_timeout'],
      ],
    ])
  })
})

describe('misuse', () => {
  it('rejects a type that is not defined here', async () => {
    const { executor, signal } = setUp({ handle: () => undefined })
    await expect(executor.execute('zzz', commands(1), { signal })).rejects.toMatchObject({
      code: 'unknown_command',
    })
  })

  it('does not call a handler for no commands', async () => {
    let calls = 0
    const { execute } = setUp({
      handleBatch: () => {
        calls += 1
      },
    })
    expect(await execute([])).toEqual([])
    expect(calls).toBe(0)
  })
})
