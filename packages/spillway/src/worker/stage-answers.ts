// From what the functions of the other stages returned to answers that may be kept: whether a command happened, what its
// counterpart says, whether it is undone.

import {
  type Exception,
  isHandlerOutcome,
  isReconciliation,
  type Outcome,
  type Reconciliation,
} from '../domain/index.js'
import { described, listOf, wrongResult } from './handler-outcomes.js'
import { type Abilities, keepable, reasonText, resultText } from './keepable.js'

/** Of a poll: null while there is no answer. Throws `handler_result` for what is neither. */
export function polledOutcome(returned: unknown, abilities: Abilities): Outcome | null {
  if (returned === undefined || returned === null) return null
  if (!isHandlerOutcome(returned) || returned.outcome === 'pending')
    throw wrongResult(
      `returned ${described(returned)} from poll; use ok(value), failed(...), retry(...), unknown(...), or null while there is no answer`,
    )
  return keepable(returned, abilities) ?? { outcome: 'ok' }
}

/** Of a compensation: whatever is no outcome means that it was undone. */
export function compensatedOutcome(returned: unknown, abilities: Abilities): Outcome | null {
  return isHandlerOutcome(returned) && returned.outcome !== 'ok' ? keepable(returned, abilities) : null
}

/** Of `reconcile`. Throws `handler_result` for anything else than an answer. */
export function reconciliationOf(returned: unknown): Reconciliation | Exception {
  if (!isReconciliation(returned))
    throw wrongResult(
      `returned ${described(returned)} from reconcile; use applied(value), notApplied() or stillUnknown(...)`,
    )
  switch (returned.reconciled) {
    case 'applied':
      return returned.value === undefined ? { reconciled: 'applied' } : adopted(returned.value)
    case 'notApplied':
      return { reconciled: 'notApplied' }
    case 'stillUnknown':
      return { reconciled: 'stillUnknown', reason: reasonText(returned.reason) }
  }
}

/** Of `reconcileBatch`: exactly one answer per command. Throws `handler_result` otherwise. */
export function reconciliationsOf(returned: unknown, size: number): readonly (Reconciliation | Exception)[] {
  return listOf(returned, size, 'an array of answers').map(reconciliationOf)
}

function adopted(value: unknown): Reconciliation | Exception {
  const text = resultText(value)
  return typeof text === 'string' ? { reconciled: 'applied', value: text } : text
}
