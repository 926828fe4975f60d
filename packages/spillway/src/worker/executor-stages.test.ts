import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import { eventsOf } from '../../test/worker/worker-kit.js'
import type { ReconcileReturn } from '../config/index.js'
import { applied, failed, notApplied, ok, parseMemo, retry, stillUnknown } from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'

const handle = (): never => {
  throw new Error('the handler is not called in other stages')
}
const failure = { state: 'unknown', error: { code: 'ECONNRESET', message: 'reset' } } as const
const memo = JSON.stringify({ failure, reconciliations: 0 })
const states = (report: readonly ({ state: string } | null)[]) =>
  report.map((update) => update?.state ?? 'ok')

describe('reconciling', () => {
  const doubted = (count: number, over: Partial<ExecutableCommand> = {}) =>
    commands(count, { attempt: 1, memo, resumed: true, ...over })
  const answers = [applied({ n: 1 }), applied(), notApplied(), stillUnknown('in progress')]

  it('asks about one command after the other, and follows each answer', async () => {
    const asked: unknown[] = []
    const { execute } = setUp({
      handle,
      reconcile: (at, { signal, ...context }) => {
        asked.push([at, context, signal.aborted])
        return answers[at as number] as ReconcileReturn
      },
    })
    const report = await execute(doubted(4), 'reconcile')
    expect(states(report)).toEqual(['succeeded', 'succeeded', 'retrying', 'reconciling'])
    expect(report[0]).toMatchObject({ result: '{"n":1}', stage: 'reconcile', attempts: 1 })
    expect(report[2]).toMatchObject({ delayMs: 0, error: failure.error, memo: null })
    expect(report[2]).not.toHaveProperty('stage')
    expect(parseMemo(report[3]?.memo ?? null)).toMatchObject({ reconciliations: 1, failure })
    expect(asked[1]).toEqual([1, { id: 'c-1', type: 'a', queue: 'default', attempt: 1 }, false])
  })

  it('asks about many at once where the type can', async () => {
    const calls: unknown[] = []
    const { execute } = setUp({
      handle,
      reconcileBatch: (all, context) => {
        calls.push([all, context.commands.map(({ id }) => id)])
        return answers
      },
    })
    expect(states(await execute(doubted(4), 'reconcile'))).toEqual([
      ...['succeeded', 'succeeded', 'retrying', 'reconciling'],
    ])
    expect(calls).toEqual([
      [
        [0, 1, 2, 3],
        ['c-0', 'c-1', 'c-2', 'c-3'],
      ],
    ])
  })

  it('finds the command that the question fails for, and asks about the others', async () => {
    const { execute } = setUp({
      handle,
      reconcileBatch: (all) => {
        if (all.includes(5)) throw new Error('cannot look that up')
        return all.map(() => applied())
      },
    })
    expect(states(await execute(doubted(8), 'reconcile'))).toEqual([
      ...[
        'succeeded',
        'succeeded',
        'succeeded',
        'succeeded',
        'succeeded',
        'reconciling',
        'succeeded',
        'succeeded',
      ],
    ])
  })

  it.each([
    ['nothing', () => undefined],
    ['an outcome', () => ok()],
    ['something else', () => ({ applied: true })],
  ])('takes %s for no answer', async (_, reconcile) => {
    const { execute } = setUp({ handle, reconcile: reconcile as never })
    expect(await execute(doubted(1), 'reconcile')).toMatchObject([
      {
        state: 'reconciling',
        error: { code: 'handler_result', message: expect.stringContaining('applied(value)') },
      },
    ])
  })

  it('takes too few answers for none', async () => {
    const { execute } = setUp({ handle, reconcileBatch: () => [applied()] })
    expect(await execute(doubted(2), 'reconcile')).toMatchObject([
      { state: 'reconciling', error: { code: 'handler_result' } },
      { state: 'reconciling' },
    ])
  })

  it('takes an exception for no answer, and gives up after as many as the type allows', async () => {
    const { execute } = setUp({
      handle,
      reconcile: () => {
        throw new Error('no')
      },
      reconciliation: { attempts: 2, backoff: { delay: 70, jitter: 'none' } },
    })
    expect(await execute(doubted(1), 'reconcile')).toMatchObject([{ state: 'reconciling', delayMs: 70 }])
    const again = doubted(1, { memo: JSON.stringify({ failure, reconciliations: 1 }) })
    const [dead] = await execute(again, 'reconcile')
    expect(dead).toMatchObject({ state: 'dead', stage: 'reconcile' })
    expect(dead?.fingerprint).toBeDefined()
  })

  it('has the timeout of a handler', async () => {
    const { bench, execute } = setUp({
      handle,
      timeout: 50,
      reconcile: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
    })
    const report = execute(doubted(1), 'reconcile')
    await bench.clock.advance(50)
    expect(await report).toMatchObject([{ state: 'reconciling', error: { code: 'handler_timeout' } }])
  })

  it('is dead, to be asked about, when the type has lost the function', async () => {
    const { execute } = setUp({ handle })
    expect(await execute(doubted(1), 'reconcile')).toMatchObject([{ state: 'dead', stage: 'reconcile' }])
  })

  it('counts no attempts', async () => {
    const { execute, events } = setUp({ handle, reconcile: () => applied() })
    await execute(doubted(2), 'reconcile')
    expect(eventsOf(events, 'attempt.finished')).toEqual([])
    expect(eventsOf(events, 'command.finished')).toMatchObject([{ outcome: 'succeeded', count: 2 }])
  })
})

describe('commands under which a worker died', () => {
  const doubtful = (count: number) => commands(count, { attempt: 2, resumed: true, doubtful: true })

  it('are asked about before any of them is executed again', async () => {
    const executed: unknown[] = []
    const { execute } = setUp({
      handle: (at) => void executed.push(at),
      reconcile: (at) =>
        [applied('7'), notApplied(), stillUnknown('?'), applied()][at as number] as ReconcileReturn,
    })
    const report = await execute(doubtful(4))
    expect(executed).toEqual([1])
    expect(states(report)).toEqual(['succeeded', 'ok', 'reconciling', 'succeeded'])
    expect(report[0]).toMatchObject({ index: 10, result: '"7"' })
    expect(parseMemo(report[2]?.memo ?? null).failure?.error).toEqual({ code: 'unknown', message: '?' })
  })

  it('are executed again where nobody can be asked', async () => {
    const executed: unknown[] = []
    const { execute } = setUp({ handleBatch: (all) => void executed.push(...all) })
    expect(await execute(doubtful(2))).toEqual([null, null])
    expect(executed).toEqual([0, 1])
  })
})

describe('polling', () => {
  const waiting = (count: number, over: Partial<ExecutableCommand> = {}) =>
    commands(count, {
      memo: JSON.stringify({ pendingUntil: Number.MAX_SAFE_INTEGER, tokenHash: 'h' }),
      ...over,
    })

  it('asks for each answer, and decides it like a handler would have', async () => {
    const { execute } = setUp({
      handle,
      poll: {
        every: '5s',
        run: (at) => [null, undefined, ok(1), ok(), failed('no'), retry('later')][at as number],
      },
    })
    const report = await execute(waiting(6), 'poll')
    expect(states(report)).toEqual(['pending', 'pending', 'succeeded', 'succeeded', 'failed', 'retrying'])
    expect(report[2]).toMatchObject({ result: '1', stage: 'poll' })
  })

  it('keeps the token valid while there is no answer, and says nothing in the history', async () => {
    const { execute } = setUp({ handle, poll: { every: '5s', run: () => null } })
    const [update] = await execute(waiting(1), 'poll')
    expect(update).toMatchObject({ delayMs: 5_000, deferred: true, completion: { tokenHash: 'h' } })
    expect(parseMemo(update?.memo ?? null)).toEqual({ pendingUntil: Number.MAX_SAFE_INTEGER, tokenHash: 'h' })
  })

  it.each([
    ['throws', () => Promise.reject(new Error('503'))],
    ['answers with what is no outcome', () => ({ status: 'done' })],
    ['answers that it is pending', () => ({ outcome: 'pending', deadlineMs: 5 })],
  ])('goes on waiting when the poll %s, and says so in the history', async (_, run) => {
    const { execute } = setUp({ handle, poll: { every: '5s', run: run as never } })
    const [update] = await execute(waiting(1), 'poll')
    expect(update).toMatchObject({ state: 'pending', error: { message: expect.any(String) } })
    expect(update).not.toHaveProperty('deferred')
  })

  it('asks nobody without a function, and at the deadline takes it for unknown', async () => {
    const { bench, execute } = setUp({ handle })
    const pendingUntil = bench.clock.now()
    expect(await execute(waiting(1, { memo: JSON.stringify({ pendingUntil }) }), 'poll')).toMatchObject([
      { state: 'retrying', error: { code: 'completion_expired' } },
    ])
  })
})

describe('compensating', () => {
  const refused = { state: 'failed', error: { code: 'failed', message: 'no stock' } } as const
  const failing = (count: number, compensations = 0) =>
    commands(count, { memo: JSON.stringify({ failure: refused, compensations }), resumed: true })

  it('undoes each command, knowing what it failed with', async () => {
    const undone: unknown[] = []
    const { execute, events } = setUp({
      handle,
      compensate: async (at, failed, { signal: _, ...context }) => {
        undone.push([at, failed, context])
        return { refund: 1 }
      },
    })
    const report = await execute(failing(2), 'compensate')
    expect(report).toMatchObject([
      { state: 'compensated', stage: 'compensate', error: refused.error },
      { state: 'compensated' },
    ])
    expect(undone[1]).toEqual([1, refused, { id: 'c-1', type: 'a', queue: 'default', attempt: 1 }])
    expect(eventsOf(events, 'command.finished')).toMatchObject([{ outcome: 'compensated', count: 2 }])
  })

  it('is tried again as often as the type allows, and ends dead in that stage', async () => {
    const { execute } = setUp({
      handle,
      compensation: { attempts: 2, backoff: { delay: 30, jitter: 'none' } },
      compensate: () => {
        throw new Error('refund service is down')
      },
    })
    const [again] = await execute(failing(1), 'compensate')
    expect(again).toMatchObject({ state: 'compensating', delayMs: 30 })
    expect(parseMemo(again?.memo ?? null)).toEqual({ failure: refused, compensations: 1 })
    expect(await execute(failing(1, 1), 'compensate')).toMatchObject([
      {
        ...{ state: 'dead', stage: 'compensate' },
        error: { message: 'compensation failed: refund service is down' },
      },
    ])
  })

  it('follows the outcomes that it returns', async () => {
    const { execute } = setUp({
      handle,
      compensate: (at) => [failed('too late'), retry('soon', { afterMs: 9 }), ok()][at as number],
    })
    const report = await execute(failing(3), 'compensate')
    expect(states(report)).toEqual(['dead', 'compensating', 'compensated'])
    expect(report[1]).toMatchObject({ delayMs: 9 })
  })

  it('finds nothing to undo where the type has nothing for it', async () => {
    const { execute } = setUp({ handleBatch: handle })
    expect(states(await execute(failing(1), 'compensate'))).toEqual(['compensated'])
  })

  it('is not within the transaction of a type that has one', async () => {
    const { execute } = setUp({
      handle,
      settlement: 'transaction',
      compensate: (_, __, context) => {
        if ('tx' in context) throw new Error('a transaction')
      },
    })
    expect(states(await execute(failing(1), 'compensate'))).toEqual(['compensated'])
  })
})

describe('what ended outside of a handler', () => {
  const exception = {
    outcome: 'exception',
    fault: 'transient',
    error: { code: 'closed', message: 'x' },
  } as const

  it('is decided in the words of its stage', () => {
    const { executor } = setUp({ handle, reconcile: () => applied(), compensate: () => undefined })
    const stateIn = (stage: 'execute' | 'reconcile' | 'poll' | 'compensate', memo: object = {}) =>
      executor.conclude('a', commands(1, { memo: JSON.stringify(memo) }), [exception], { stage })[0]?.state
    expect(stateIn('execute')).toBe('reconciling')
    expect(stateIn('reconcile')).toBe('reconciling')
    expect(stateIn('poll', { pendingUntil: Number.MAX_SAFE_INTEGER })).toBe('pending')
    expect(stateIn('compensate')).toBe('compensating')
  })

  it('is not tried again after as many crashes as its stage allows', () => {
    const { executor, events } = setUp({ handle, compensate: () => undefined })
    const crashed = (stage: 'execute' | 'compensate') =>
      executor.conclude('a', commands(1), [exception], { stage, crashed: true })[0]
    expect(crashed('execute')).toMatchObject({ state: 'dead' })
    expect(crashed('execute')).not.toHaveProperty('stage')
    expect(crashed('compensate')).toMatchObject({ state: 'dead', stage: 'compensate' })
    expect(eventsOf(events, 'attempt.finished')).toEqual([])
  })
})
