import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type BadDayPolicy,
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
  type Reconciliation,
  retry,
  stillUnknown,
  unknown,
} from './outcome.js'
import {
  type CommandEvent,
  type CommandState,
  carriedState,
  STAGES,
  type Stage,
  transition,
} from './states.js'

const backoff = { type: 'exponential', delayMs: 100, maxMs: 1_000, jitter: 'none' } as const
const error = { code: 'ECONNRESET', message: 'reset' }
const transient: Exception = { outcome: 'exception', fault: 'transient', error }
const permanent: Exception = { outcome: 'exception', fault: 'permanent', error }
const OUTCOMES: readonly Outcome[] = [
  ...[ok(), ok('1'), failed('no'), retry('later'), unknown('?')],
  ...[{ outcome: 'pending', deadlineMs: 60 } as const, transient, permanent],
]

const VERB = {
  ...{ succeeded: 'ok', failed: 'fail', retrying: 'retry', reconciling: 'doubt', pending: 'pend' },
  ...{ compensating: 'undo', compensated: 'undone', dead: 'exhaust' },
} as const satisfies Record<Decision['state'], CommandEvent>

const someOutcome = fc.constantFrom(...OUTCOMES)
const somePolicy = fc
  .record({
    attempts: fc.integer({ min: 1, max: 6 }),
    deadlineMs: fc.option(fc.integer({ min: 0, max: 2_000 })),
    reconciles: fc.option(fc.integer({ min: 1, max: 4 })),
    compensates: fc.boolean(),
    undos: fc.integer({ min: 1, max: 4 }),
    onDead: fc.boolean(),
    onFailed: fc.constantFrom('final' as const, 'retry' as const),
    pollEveryMs: fc.option(fc.integer({ min: 1, max: 100 })),
  })
  .map(
    (drawn): BadDayPolicy => ({
      retry: { attempts: drawn.attempts, backoff, deadlineMs: drawn.deadlineMs },
      reconciliation: drawn.reconciles === null ? null : { attempts: drawn.reconciles, backoff },
      compensates: drawn.compensates,
      compensation: { attempts: drawn.undos, backoff, onDead: drawn.onDead },
      onFailed: drawn.onFailed,
      pollEveryMs: drawn.pollEveryMs,
    }),
  )

const STAGE_OF: Readonly<Record<'retrying' | 'reconciling' | 'pending' | 'compensating', Stage>> = {
  ...{ retrying: 'execute', reconciling: 'reconcile', pending: 'poll', compensating: 'compensate' },
}

/** What a store and a worker do with decisions until the command has ended, with answers as drawn. */
function* lifeOf(
  drawn: BadDayPolicy,
  undoable: boolean,
  next: () => number,
): Generator<{
  readonly from: CommandState
  readonly stage: Stage
  readonly decision: Decision
  readonly attempt: number
}> {
  const answers = [applied(), notApplied(), stillUnknown(), transient]
  let [stage, attempt, now, memo]: [Stage, number, number, Memo] = ['execute', 0, 0, {}]
  for (;;) {
    if (stage === 'execute') attempt += 1
    const basis = { attempt, policy: drawn, memo, undoable, acceptedAt: 0, now, random: 0.5 }
    const outcome = OUTCOMES[next() % OUTCOMES.length] as Outcome
    const from = carriedState(stage, true)
    let decision: Decision
    if (stage === 'reconcile')
      decision = decideReconciled(basis, answers[next() % answers.length] as Reconciliation)
    else if (stage === 'poll') decision = decidePolled(basis, next() % 2 === 0 ? null : outcome)
    else if (stage === 'compensate') decision = decideCompensated({ ...basis, outcome })
    else decision = decide({ ...basis, outcome })
    yield { from, stage, decision, attempt }
    if (!('delayMs' in decision)) return
    now += Math.max(1, decision.delayMs)
    stage = STAGE_OF[decision.state]
    memo = 'memo' in decision ? decision.memo : {}
  }
}

describe('the life of a command', () => {
  const someLife = [somePolicy, fc.boolean(), fc.infiniteStream(fc.nat(1_000))] as const

  it('makes only transitions that the table allows, and never executes more often than its policy', () => {
    fc.assert(
      fc.property(...someLife, (drawn, undoable, stream) => {
        const next = (): number => stream.next().value as number
        for (const { from, decision, attempt } of lifeOf(drawn, undoable, next)) {
          expect(transition(from, VERB[decision.state])).toBe(decision.state)
          expect(attempt).toBeLessThanOrEqual(drawn.retry.attempts)
          if ('delayMs' in decision) expect(decision.delayMs).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it('comes to an end, whatever is answered', () => {
    fc.assert(
      fc.property(...someLife, (drawn, undoable, stream) => {
        let turns = 0
        for (const _ of lifeOf(drawn, undoable, () => stream.next().value as number)) {
          turns += 1
          // Every execution may wait for a counterpart, be asked about, and be undone in the end.
          expect(turns).toBeLessThan(1_000)
        }
      }),
    )
  })

  it('goes on in a stage that a redrive can resume', () => {
    fc.assert(
      fc.property(someOutcome, somePolicy, fc.constantFrom(...STAGES), (outcome, drawn, stage) => {
        const basis = { attempt: 1, policy: drawn, memo: {}, acceptedAt: 0, now: 0, random: 0.5 }
        const decision = decide({ ...basis, outcome })
        if (decision.state === 'dead') expect(STAGES).toContain(decision.stage)
        const crash = decideCrashed(basis, stage, error)
        expect(['dead', 'compensating']).toContain(crash.state)
      }),
    )
  })
})
