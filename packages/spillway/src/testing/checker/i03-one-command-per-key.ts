// I3: within its window an idempotency key of a command type maps to one command id: the same payload gets the same
// answer, another payload a conflict that changes nothing.

import { type Facts, type Submission, textOf } from './facts.js'
import type { Answered } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

/** A key taken by an append, at the exact time of the store. */
interface Taken {
  readonly id: string
  readonly at: number
}

export function oneCommandPerKey(facts: Facts): readonly Violation[] {
  const found = findings('I3')
  const keyed = new Map<string, Submission[]>()
  for (const submission of facts.submissions) {
    if (submission.key === null) continue
    const scoped = scopedKey(submission)
    const group = keyed.get(scoped)
    if (group === undefined) keyed.set(scoped, [submission])
    else group.push(submission)
  }
  for (const [key, group] of keyed) {
    for (const submission of group) checkAnswer(key, submission, group, facts, found)
    checkReceipts(key, group, found)
  }
  checkAppends(facts, found)
  return found.list
}

function scopedKey(submission: Submission): string {
  return `${submission.type}/${submission.key}`
}

function checkAnswer(
  key: string,
  submission: Submission,
  group: readonly Submission[],
  facts: Facts,
  found: Findings,
): void {
  const { answered } = submission
  if (answered === null) return
  const { answer, id, at } = answered
  if ((answer === 'duplicate' || answer === 'accepted') && id !== null) {
    const text = facts.textOfId.get(id)
    if (text === undefined) return
    if (text !== textOf(submission.type, submission.payload)) {
      found.add(at, key, `was answered ${answer} with ${id}, which has another payload: a conflict was due`)
    }
  }
  if (answer === 'rejected' && answered.code === 'idempotency_conflict') {
    // Of an atomic submit that is refused as a whole, one command may have been the reason for the other's conflict.
    const others = group.filter((other) => other.payload !== submission.payload && other.at <= at)
    if (!others.some(({ answered: told }) => told?.answer !== 'rejected' || isAtomicRefusal(told, at))) {
      found.add(at, key, 'was answered with a conflict, but no other payload can have taken the key')
    }
  }
}

function isAtomicRefusal(answered: Answered, at: number): boolean {
  return answered.at === at && answered.code === 'invalid_argument'
}

/** Two receipts of which each says `accepted` cannot both be right within the window, whenever the commits were. */
function checkReceipts(key: string, group: readonly Submission[], found: Findings): void {
  const accepted = group.filter(({ answered }) => answered?.answer === 'accepted')
  for (const [index, first] of accepted.entries()) {
    for (const second of accepted.slice(index + 1)) {
      const start = Math.min(first.at, second.at)
      const end = Math.max(first.answered?.at ?? 0, second.answered?.at ?? 0)
      if (end - start < Math.min(first.windowMs, second.windowMs)) {
        found.add(end, key, `was accepted twice: ${first.answered?.id} and ${second.answered?.id}`)
      }
    }
  }
}

function checkAppends(facts: Facts, found: Findings): void {
  const taken = new Map<string, Taken>()
  for (const append of facts.appends) {
    for (const { id, payload, verdict } of append.commands) {
      const submission = facts.byText.get(textOf(append.type, payload))?.[0]
      if (verdict !== 'accepted' || submission === undefined || submission.key === null) continue
      const key = scopedKey(submission)
      const earlier = taken.get(key)
      if (earlier !== undefined && append.at < earlier.at + submission.windowMs) {
        found.add(append.at, key, `was stored as ${id} though ${earlier.id} has the key`)
      }
      taken.set(key, { id, at: append.at })
    }
  }
}
