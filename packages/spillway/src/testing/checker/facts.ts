// A history's submissions and claims, found by what later events name them by. Computed once, shared by every check.

import type { Answered, Appended, Claimed, History, LeaseWritten, Submitted } from './history.js'

export interface Submission extends Submitted {
  /** Null while nobody was told anything: as open as `unknown`. */
  readonly answered: Answered | null
}

export interface Facts {
  readonly history: History
  readonly submissions: readonly Submission[]
  /** Submissions by `textOf(type, payload)`, in the order they were made. */
  readonly byText: ReadonlyMap<string, readonly Submission[]>
  readonly claims: ReadonlyMap<string, Claimed>
  /** The first append of every chunk: later ones are resends and store nothing. */
  readonly appends: ReadonlySet<Appended>
  /** Text of every command id that was stored, by id. */
  readonly textOfId: ReadonlyMap<string, string>
  /** Whether the store's own operations were recorded, or only what clients saw. */
  readonly storeRecorded: boolean
}

export function textOf(type: string, payload: string): string {
  return `${type} ${payload}`
}

export function leaseKey(lease: { readonly chunkId: string; readonly token: number }): string {
  return `${lease.chunkId}/${lease.token}`
}

/** Whether the command may be in the store as far as its client knows. */
export function mayBeStored(submission: Submission): boolean {
  const answer = submission.answered?.answer ?? 'unknown'
  return answer === 'accepted' || answer === 'unknown'
}

/** Commands that this write, and not an earlier one repeated, sent to wait for a retry. */
export function parkedBy(written: LeaseWritten): ReadonlySet<string> {
  return new Set(written.changes.filter(({ after }) => after?.state === 'retrying').map(({ id }) => id))
}

export function factsOf(history: History): Facts {
  const answers = new Map<number, Answered>()
  const submitted: Submitted[] = []
  const claims = new Map<string, Claimed>()
  const chunks = new Map<string, Appended>()
  for (const event of history.events) {
    if (event.kind === 'submitted') submitted.push(event)
    else if (event.kind === 'answered') answers.set(event.op, event)
    else if (event.kind === 'claimed') claims.set(leaseKey(event), event)
    else if (event.kind === 'appended' && !chunks.has(event.chunkId)) chunks.set(event.chunkId, event)
  }
  const submissions = submitted.map((event) => ({ ...event, answered: answers.get(event.op) ?? null }))
  return {
    history,
    submissions,
    byText: groupByText(submissions),
    claims,
    appends: new Set(chunks.values()),
    textOfId: textsOf(history, chunks.values()),
    storeRecorded: chunks.size > 0,
  }
}

function groupByText(submissions: readonly Submission[]): Map<string, Submission[]> {
  const groups = new Map<string, Submission[]>()
  for (const submission of submissions) {
    const text = textOf(submission.type, submission.payload)
    const group = groups.get(text)
    if (group === undefined) groups.set(text, [submission])
    else group.push(submission)
  }
  return groups
}

function textsOf(history: History, appends: Iterable<Appended>): Map<string, string> {
  const texts = new Map<string, string>()
  for (const command of history.final.commands) texts.set(command.id, textOf(command.type, command.payload))
  for (const append of appends) {
    for (const { id, payload, verdict } of append.commands) {
      if (verdict === 'accepted') texts.set(id, textOf(append.type, payload))
    }
  }
  return texts
}
