import { describe, expect, it } from 'vitest'
import {
  type BadDayPolicy,
  type DecideInput,
  type Decision,
  decide,
  decideCompensated,
  decideCrashed,
  decidePolled,
  decideReconciled,
} from './decide.js'
import type { Memo } from './memo.js'
import {
  applied,
  type Exception,
  failed,
  notApplied,
  type Outcome,
  ok,
  type Pending,
  type Reconciliation,
  retry,
  stillUnknown,
  unknown,
} from './outcome.js'
import type { Stage } from './states.js'

const backoff = { type: 'exponential', delayMs: 100, maxMs: 1_000, jitter: 'none' } as const
const asking = { backoff: { ...backoff, delayMs: 10 }, attempts: 3 }
const policy: BadDayPolicy = {
  retry: { attempts: 3, backoff, deadlineMs: null },
  reconciliation: null,
  compensates: false,
  compensation: { attempts: 2, backoff: { ...backoff, delayMs: 7 }, onDead: false },
  onFailed: 'final',
  pollEveryMs: null,
}
const error = { code: 'ECONNRESET', message: 'reset' }
const transient: Exception = { outcome: 'exception', fault: 'transient', error }
const permanent: Exception = {
  outcome: 'exception',
  fault: 'permanent',
  error: { code: 'no_table', message: 'no such table' },
}
const pending = (deadlineMs: number): Pending => ({ outcome: 'pending', deadlineMs })
const input = (over: Partial<DecideInput> = {}, policyOver: Partial<BadDayPolicy> = {}): DecideInput => ({
  ...{ outcome: ok(), attempt: 1, policy: { ...policy, ...policyOver }, memo: {} },
  ...{ acceptedAt: 0, now: 0, random: 0.5 },
  ...over,
})

describe('an outcome', () => {
  it('succeeds on ok, with the value if there is one', () => {
    expect(decide(input())).toEqual({ state: 'succeeded' })
    expect(decide(input({ outcome: ok(7) }))).toEqual({ state: 'succeeded', value: 7 })
  })

  it('is final as a business no', () => {
    expect(decide(input({ outcome: failed('address rejected') }))).toEqual({
      state: 'failed',
      error: { code: 'failed', message: 'address rejected' },
    })
  })

  it('is retried as a business no where the type says so, and refused in the end all the same', () => {
    const of = (over: Partial<DecideInput>, policyOver: Partial<BadDayPolicy> = {}) =>
      decide(input({ outcome: failed('busy'), ...over }, { onFailed: 'retry', ...policyOver }))
    expect(of({ attempt: 2 })).toMatchObject({ state: 'retrying', delayMs: 200, error: { code: 'failed' } })
    expect(of({ attempt: 3 })).toMatchObject({ state: 'failed', error: { message: 'busy' } })
    const withDeadline = { retry: { ...policy.retry, deadlineMs: 50 } }
    expect(of({ attempt: 1 }, withDeadline)).toMatchObject({ state: 'failed', error: { message: 'busy' } })
  })

  it('is retried as an exception with growing delays until the attempts are used up', () => {
    const of = (attempt: number) => decide(input({ outcome: transient, attempt }))
    expect(of(1)).toMatchObject({ state: 'retrying', delayMs: 100 })
    expect(of(2)).toMatchObject({ state: 'retrying', delayMs: 200 })
    expect(of(3)).toMatchObject({ state: 'dead', stage: 'execute', error: { code: 'ECONNRESET' } })
  })

  it('is never retried as a permanent fault, nor asked about', () => {
    expect(decide(input({ outcome: permanent }, { reconciliation: asking }))).toMatchObject({
      ...{ state: 'dead', stage: 'execute' },
      error: { code: 'no_table' },
    })
  })

  it('follows the override that its error was found to have, in attempts and backoff', () => {
    const overrides = [{ attempts: 2, backoff: { ...backoff, delayMs: 5_000, maxMs: 5_000 } }]
    const of = (attempt: number) =>
      decide(
        input({ outcome: { ...transient, override: 0 }, attempt }, { retry: { ...policy.retry, overrides } }),
      )
    expect(of(1)).toMatchObject({ state: 'retrying', delayMs: 5_000 })
    expect(of(2)).toMatchObject({ state: 'dead' })
  })

  it("honours the handler's own delay", () => {
    expect(decide(input({ outcome: retry('busy', { afterMs: 1_234 }) }))).toMatchObject({
      ...{ state: 'retrying', delayMs: 1_234 },
      error: { code: 'retry', message: 'busy' },
    })
  })

  it('starts no retry after the deadline, counted from acceptance', () => {
    const withDeadline = { retry: { ...policy.retry, deadlineMs: 1_000 } }
    const at = (now: number) => decide(input({ outcome: transient, acceptedAt: 5_000, now }, withDeadline))
    expect(at(5_900)).toMatchObject({ state: 'retrying' })
    expect(at(5_901)).toMatchObject({
      ...{ state: 'dead' },
      error: { message: expect.stringContaining('deadline') },
    })
  })

  it('waits for the counterpart until the deadline, or for the next poll', () => {
    const waiting = { state: 'pending', expiresInMs: 500, memo: { pendingUntil: 1_500 } }
    const of = (pollEveryMs: number | null) =>
      decide(input({ outcome: pending(500), now: 1_000 }, { pollEveryMs }))
    expect(of(null)).toEqual({ ...waiting, delayMs: 500 })
    expect(of(200)).toEqual({ ...waiting, delayMs: 200 })
    expect(of(800)).toEqual({ ...waiting, delayMs: 500 })
  })
})

describe('an outcome that nobody knows', () => {
  it('is asked about first where the type can be asked, after the wait that the retry would have had', () => {
    for (const outcome of [transient, unknown('no answer')]) {
      const decision = decide(input({ outcome, attempt: 2 }, { reconciliation: asking }))
      expect(decision).toMatchObject({
        ...{ state: 'reconciling', delayMs: 200 },
        memo: { reconciliations: 0, failure: { state: 'unknown' } },
      })
    }
  })

  it('is an exception where the type cannot be asked', () => {
    expect(decide(input({ outcome: unknown('no answer') }))).toMatchObject({
      ...{ state: 'retrying', delayMs: 100 },
      error: { code: 'unknown', message: 'no answer' },
    })
  })

  const doubted: Memo = { failure: { state: 'unknown', error }, reconciliations: 0 }
  const reconciled = (answer: Reconciliation | Exception, over: Partial<DecideInput> = {}, more = {}) =>
    decideReconciled(input({ memo: doubted, ...over }, { reconciliation: asking, ...more }), answer)

  it('is adopted when it happened', () => {
    expect(reconciled(applied())).toEqual({ state: 'succeeded' })
    expect(reconciled(applied('7'))).toEqual({ state: 'succeeded', value: '7' })
  })

  it('is executed again at once when it did not happen, while attempts are left', () => {
    expect(reconciled(notApplied(), { attempt: 2 })).toEqual({ state: 'retrying', delayMs: 0, error })
    expect(reconciled(notApplied(), { attempt: 3 })).toMatchObject({ state: 'dead', stage: 'execute', error })
  })

  it('has no more attempts after the question than the override of its error allows', () => {
    const overrides = [{ attempts: 2, backoff }]
    const retries = { ...policy.retry, overrides }
    const decision = decide(
      input({ outcome: { ...transient, override: 0 } }, { reconciliation: asking, retry: retries }),
    ) as Decision & { memo: Memo }
    expect(reconciled(notApplied(), { memo: decision.memo, attempt: 1 }, { retry: retries }).state).toBe(
      'retrying',
    )
    expect(reconciled(notApplied(), { memo: decision.memo, attempt: 2 }, { retry: retries }).state).toBe(
      'dead',
    )
  })

  it('is asked about again with a backoff of its own while nobody can tell, and no more often than its tries', () => {
    for (const answer of [stillUnknown('in progress'), transient]) {
      expect(reconciled(answer)).toMatchObject({
        state: 'reconciling',
        delayMs: 10,
        memo: { reconciliations: 1 },
      })
      const memo = { ...doubted, reconciliations: 1 }
      expect(reconciled(answer, { memo })).toMatchObject({ delayMs: 20, memo: { reconciliations: 2 } })
      expect(reconciled(answer, { memo: { ...doubted, reconciliations: 2 } })).toMatchObject({
        ...{ state: 'dead', stage: 'reconcile' },
        error: { message: expect.stringContaining('nobody could say') },
        // A redrive asks again as often.
        memo: { reconciliations: 0 },
      })
    }
  })

  it('is undone when nobody can tell and the type undoes dead commands', () => {
    const more = { compensates: true, compensation: { ...policy.compensation, onDead: true } }
    const decision = reconciled(stillUnknown('?'), { memo: { ...doubted, reconciliations: 2 } }, more)
    expect(decision).toMatchObject({ state: 'compensating', memo: { failure: { state: 'unknown' } } })
  })
})

describe('a poll', () => {
  const polled = (
    answer: Outcome | null,
    over: Partial<DecideInput> = {},
    pollEveryMs: number | null = 200,
  ) =>
    decidePolled(
      input({ memo: { pendingUntil: 1_000, tokenHash: 'h' }, now: 500, ...over }, { pollEveryMs }),
      answer,
    )

  it('goes on waiting without an answer, and keeps what it waits with', () => {
    for (const answer of [null, transient, pending(9)])
      expect(polled(answer)).toEqual({
        ...{ state: 'pending', delayMs: 200, expiresInMs: 500 },
        memo: { pendingUntil: 1_000, tokenHash: 'h' },
      })
    expect(polled(null, { now: 900 })).toMatchObject({ delayMs: 100, expiresInMs: 100 })
  })

  it('decides an answer like that of a handler', () => {
    expect(polled(ok('1'))).toEqual({ state: 'succeeded', value: '1' })
    expect(polled(failed('no'))).toMatchObject({ state: 'failed' })
    expect(polled(retry('later', { afterMs: 3 }))).toMatchObject({ state: 'retrying', delayMs: 3 })
  })

  it('leaves it unknown at the deadline whether it happened', () => {
    expect(polled(null, { now: 1_000 })).toMatchObject({
      ...{ state: 'retrying' },
      error: { code: 'completion_expired' },
    })
    expect(decidePolled(input({ now: 1, memo: {} }, { reconciliation: asking }), null)).toMatchObject({
      state: 'reconciling',
    })
  })
})

describe('what has to be undone', () => {
  const undoing = { compensates: true }
  const onDead = { compensates: true, compensation: { ...policy.compensation, onDead: true } }

  it('is what was refused, where something can undo it', () => {
    for (const [over, more] of [
      [{}, undoing],
      [{ undoable: true }, {}],
    ] as const)
      expect(decide(input({ outcome: failed('no'), ...over }, more))).toMatchObject({
        ...{ state: 'compensating', delayMs: 0, error: { message: 'no' } },
        memo: { compensations: 0, failure: { state: 'failed', error: { message: 'no' } } },
      })
  })

  it('is what is exhausted only where the type says so', () => {
    expect(decide(input({ outcome: permanent }, undoing))).toMatchObject({ state: 'dead' })
    expect(decide(input({ outcome: permanent }, onDead))).toMatchObject({
      ...{ state: 'compensating' },
      memo: { failure: { state: 'dead' } },
    })
  })

  const failure = { state: 'failed', error: { code: 'failed', message: 'no' } } as const
  const compensated = (outcome: Outcome, compensations = 0) =>
    decideCompensated(input({ outcome, memo: { failure, compensations } }, undoing))

  it('ends compensated, with what it failed with', () => {
    expect(compensated(ok())).toEqual({ state: 'compensated', error: failure.error })
  })

  it('is tried again as often as its tries allow, then it is dead in that stage', () => {
    for (const outcome of [transient, unknown('?'), pending(5)]) {
      expect(compensated(outcome)).toMatchObject({
        state: 'compensating',
        delayMs: 7,
        memo: { compensations: 1 },
      })
      expect(compensated(outcome, 1)).toMatchObject({
        ...{ state: 'dead', stage: 'compensate' },
        error: { message: expect.stringContaining('compensation failed') },
        memo: { failure, compensations: 0 },
      })
    }
    expect(compensated(retry('later', { afterMs: 99 }))).toMatchObject({ state: 'compensating', delayMs: 99 })
  })

  it('is not tried again when undoing it was refused or can never work', () => {
    for (const outcome of [failed('too late'), permanent])
      expect(compensated(outcome)).toMatchObject({ state: 'dead', stage: 'compensate' })
  })
})

describe('a command that crashed its workers as often as it may', () => {
  const crash = { code: 'worker_crash', message: 'the worker died' }
  const crashed = (stage: Stage, more: Partial<BadDayPolicy> = {}, memo: Memo = {}) =>
    decideCrashed(input({ memo }, more), stage, crash)

  it('is dead in the stage it was in', () => {
    expect(crashed('execute')).toMatchObject({ state: 'dead', stage: 'execute', error: crash })
    expect(crashed('poll')).toMatchObject({ state: 'dead', stage: 'poll', error: crash })
    expect(crashed('compensate', {}, { compensations: 2 })).toMatchObject({
      ...{ state: 'dead', stage: 'compensate', error: crash },
      memo: { compensations: 0 },
    })
  })

  it('is to be asked about when it is redriven, because it may have happened', () => {
    expect(crashed('execute', { reconciliation: asking })).toMatchObject({
      ...{ state: 'dead', stage: 'reconcile' },
      memo: { failure: { state: 'unknown', error: crash } },
    })
    const memo = { failure: { state: 'unknown', error }, reconciliations: 2 } as const
    expect(crashed('reconcile', { reconciliation: asking }, memo)).toMatchObject({
      ...{ state: 'dead', stage: 'reconcile' },
      memo: { failure: { error }, reconciliations: 0 },
    })
  })

  it('is undone where the type undoes dead commands', () => {
    const more = { compensates: true, compensation: { ...policy.compensation, onDead: true } }
    expect(crashed('execute', more)).toMatchObject({
      state: 'compensating',
      memo: { failure: { state: 'dead' } },
    })
  })
})
