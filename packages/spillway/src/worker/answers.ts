// What a turn of commands came to, one entry per command, in the words of its stage; and what follows from it. All decisions
// are domain/decide's.

import {
  type DecideBasis,
  type Decision,
  decide,
  decideCompensated,
  decideCrashed,
  decidePolled,
  decideReconciled,
  type Exception,
  type Outcome,
  type Reconciliation,
  type Stage,
} from '../domain/index.js'
import type { Outcomes } from './trial.js'

const OK: Outcome = Object.freeze({ outcome: 'ok' })

export type Answers =
  /** null = all succeeded without a value; an entry that is null = that one did. */
  | { readonly stage: 'execute'; readonly outcomes: Outcomes | null }
  | { readonly stage: 'reconcile'; readonly outcomes: readonly (Reconciliation | Exception)[] }
  /** null = no answer yet. */
  | { readonly stage: 'poll'; readonly outcomes: Outcomes }
  /** null = undone. */
  | { readonly stage: 'compensate'; readonly outcomes: Outcomes }
  /** The workers that had them died or stalled. */
  | { readonly stage: Stage; readonly crashed: readonly Exception[] }

/** It was executed and succeeded without a value: there is nothing to decide. */
export function isPlainSuccess(answers: Answers, at: number): boolean {
  return answers.stage === 'execute' && !('crashed' in answers) && (answers.outcomes?.[at] ?? null) === null
}

export function decisionOf(answers: Answers, at: number, basis: DecideBasis): Decision {
  if ('crashed' in answers)
    return decideCrashed(basis, answers.stage, (answers.crashed[at] as Exception).error)
  switch (answers.stage) {
    case 'execute':
      return decide({ ...basis, outcome: answers.outcomes?.[at] ?? OK })
    case 'reconcile':
      return decideReconciled(basis, answers.outcomes[at] as Reconciliation | Exception)
    case 'poll':
      return decidePolled(basis, answers.outcomes[at] ?? null)
    case 'compensate':
      return decideCompensated({ ...basis, outcome: answers.outcomes[at] ?? OK })
  }
}

/** The same answer for every stage: what was tried failed with this. */
export function failedWith(stage: Stage, exceptions: readonly Exception[]): Answers {
  switch (stage) {
    case 'execute':
      return { stage, outcomes: exceptions }
    case 'reconcile':
      return { stage, outcomes: exceptions }
    case 'poll':
      return { stage, outcomes: exceptions }
    case 'compensate':
      return { stage, outcomes: exceptions }
  }
}

/** The handler's own words, where the command is to wait for its counterpart from now on. */
export function pendingToken(answers: Answers, at: number): string | undefined {
  const outcome =
    'crashed' in answers || answers.stage !== 'execute' ? null : (answers.outcomes?.[at] ?? null)
  return outcome?.outcome === 'pending' ? outcome.token : undefined
}

/** What an unanswered poll failed with, if it did; the decision about it says only that it goes on waiting. */
export function pollFault(answers: Answers, at: number): Outcome | null {
  return 'crashed' in answers || answers.stage !== 'poll' ? null : (answers.outcomes[at] ?? null)
}
