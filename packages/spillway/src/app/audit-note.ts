// Who did what, and why, as it is kept in the audit.

import { AUDIT_TEXT_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { AuditNote } from '../ports/index.js'
import type { ActionOptions } from './operator-api.js'

/** Whoever calls the library itself and says nothing else. */
const ACTOR_DEFAULT = 'api'
/** Ids that a note spells out; its count says how many there were. */
const IDS_NAMED_MAX = 8

/** Throws `invalid_argument` when the actor or the reason is no usable text. */
export function auditNote(action: string, target: string, options: ActionOptions = {}): AuditNote {
  const { actor = ACTOR_DEFAULT, reason } = options
  if (!isText(actor) || actor === '')
    throw new SpillwayError('invalid_argument', `actor: give a text of 1 to ${AUDIT_TEXT_MAX} characters.`)
  if (reason !== undefined && !isText(reason))
    throw new SpillwayError(
      'invalid_argument',
      `Give a reason as a text of at most ${AUDIT_TEXT_MAX} characters.`,
    )
  return { actor, action, target: target.slice(0, AUDIT_TEXT_MAX), reason: reason ?? null }
}

export function idsTarget(ids: readonly string[]): string {
  const named = ids.slice(0, IDS_NAMED_MAX).join(', ')
  return ids.length > IDS_NAMED_MAX ? `${named} and ${ids.length - IDS_NAMED_MAX} more` : named
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= AUDIT_TEXT_MAX
}
