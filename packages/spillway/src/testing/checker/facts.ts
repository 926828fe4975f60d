// A history's submissions and claims, found by what later events name them by. Computed once, shared by every check.

import { isTerminal } from '../../domain/index.js'
import type {
  Answered,
  Appended,
  Claimed,
  History,
  LeaseWritten,
  Submitted,
  WrittenUpdate,
} from './history.js'

export interface Submission extends Submitted {
  /** Null while nobody was told anything: as open as `unknown`. */
  readonly answered: Answered | null
}

/** What one write said about commands of which its lease had said nothing yet. */
export interface News {
  readonly updates: readonly WrittenUpdate[]
  /** Succeeded without a word. */
  readonly silent: readonly string[]
}

export const NO_NEWS: News = { updates: [], silent: [] }

export interface Facts {
  readonly history: History
  readonly submissions: readonly Submission[]
  /** Submissions by `textOf(type, payload)`, in the order they were made. */
  readonly byText: ReadonlyMap<string, readonly Submission[]>
  readonly claims: ReadonlyMap<string, Claimed>
  /** The first append of every chunk: later ones are resends and store nothing. */
  readonly appends: ReadonlySet<Appended>
  /** Text of every command id that was stored, by id: as it was submitted. */
  readonly textOfId: ReadonlyMap<string, string>
  /** Texts that operators put in the place of the first one, in order, by id. */
  readonly editsOfId: ReadonlyMap<string, readonly string[]>
  /** What each write said for the first time about a command of its lease; a repeat changes nothing. */
  readonly news: ReadonlyMap<LeaseWritten, News>
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

/** Updates of this write, and not of an earlier one repeated, that sent their commands to wait in rows of their own. */
export function parkings(facts: Facts, written: LeaseWritten): readonly WrittenUpdate[] {
  return (facts.news.get(written) ?? NO_NEWS).updates.filter(({ state }) => !isTerminal(state))
}

export function factsOf(history: History): Facts {
  const answers = new Map<number, Answered>()
  const submitted: Submitted[] = []
  const claims = new Map<string, Claimed>()
  const chunks = new Map<string, Appended>()
  const edits: Edit[] = []
  const writes: LeaseWritten[] = []
  for (const event of history.events) {
    if (event.kind === 'submitted') submitted.push(event)
    else if (event.kind === 'answered') answers.set(event.op, event)
    else if (event.kind === 'claimed') claims.set(leaseKey(event), event)
    else if (event.kind === 'appended' && !chunks.has(event.chunkId)) chunks.set(event.chunkId, event)
    else if (event.kind === 'written' && event.verdict === 'ok') writes.push(event)
    else if (event.kind === 'controlled' && event.payload !== undefined && event.verdict === 'ok')
      edits.push({ id: event.id, payload: event.payload })
  }
  const submissions = submitted.map((event) => ({ ...event, answered: answers.get(event.op) ?? null }))
  const textOfId = textsOf(history, chunks.values())
  return {
    history,
    submissions,
    byText: groupByText(submissions),
    claims,
    appends: new Set(chunks.values()),
    textOfId,
    editsOfId: editedTexts(edits, textOfId),
    news: newsOf(writes, claims),
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

interface Edit {
  readonly id: string
  readonly payload: string
}

function editedTexts(
  edits: readonly Edit[],
  textOfId: ReadonlyMap<string, string>,
): ReadonlyMap<string, string[]> {
  const texts = new Map<string, string[]>()
  for (const { id, payload } of edits) {
    const first = textOfId.get(id) ?? ''
    const text = textOf(first.slice(0, first.indexOf(' ')), payload)
    texts.set(id, [...(texts.get(id) ?? []), text])
  }
  return texts
}

function newsOf(
  writes: readonly LeaseWritten[],
  claims: ReadonlyMap<string, Claimed>,
): ReadonlyMap<LeaseWritten, News> {
  const told = new Map<string, Set<string>>()
  const news = new Map<LeaseWritten, News>()
  for (const write of writes) {
    const key = leaseKey(write)
    const ids = told.get(key) ?? new Set()
    told.set(key, ids)
    const isNew = (id: string): boolean => {
      const known = ids.has(id)
      ids.add(id)
      return !known
    }
    const updates = write.updates.filter(({ id }) => isNew(id))
    const rest = write.complete ? (claims.get(key)?.commands ?? []).map(({ id }) => id) : []
    news.set(write, { updates, silent: [...write.finished, ...rest].filter(isNew) })
  }
  return news
}
