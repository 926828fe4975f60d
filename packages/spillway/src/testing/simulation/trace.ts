// A run as a fingerprint, to tell whether the same seed took the same course, and as text for a person.

import { hash } from 'node:crypto'
import type { Change, History, HistoryEvent } from '../checker/index.js'

const HASH_LENGTH = 16
const SHORT_ID = 8
const TEXT_MAX = 140

export function traceHash(history: History): string {
  return hash('sha256', JSON.stringify(history), 'hex').slice(0, HASH_LENGTH)
}

/** The last events up to and including those of `until`, one line each. */
export function traceTail(history: History, until: number, lines: number): string[] {
  const start = history.events[0]?.at ?? 0
  const last = history.events.findLastIndex(({ at }) => at <= until)
  const end = last < 0 ? history.events.length : last + 1
  return history.events
    .slice(Math.max(0, end - lines), end)
    .map((event) => `${String(event.at - start).padStart(7)} ms  ${describe(event)}`)
}

function describe(event: HistoryEvent): string {
  switch (event.kind) {
    case 'submitted':
      return `client asks #${event.op}: ${event.type} ${event.payload}${event.key === null ? '' : ` key ${event.key}`}`
    case 'answered':
      return `client told #${event.op}: ${event.answer} ${event.code ?? ''} ${short(event.id)}`
    case 'appended':
      return `append ${short(event.chunkId)} ${event.type}: ${event.commands.map(({ verdict }) => verdict).join(', ')}`
    case 'claimed':
      return `claim ${lease(event)} by ${event.worker}, expiries ${event.expiries}, runs ${event.commands.map(({ id }) => short(id)).join(' ')}`
    case 'written':
      return `${event.release ? 'release' : event.verb} ${lease(event)} by ${event.worker}: ${event.verdict}${event.complete ? ', complete' : ''}${changed(event.changes)}`
    case 'started':
      return `${event.stage ?? 'execute'} ${short(event.id)} attempt ${event.attempt} under ${lease(event)} by ${event.worker}: ${cut(event.payload)}`
    case 'ended':
      return `ran ${short(event.id)}: ${event.state}`
    case 'effect':
      return `effect of ${short(event.id)}`
    case 'called':
      return `${short(event.id)} is called to ${event.stage}, call ${event.call}`
    case 'replied':
      return `${short(event.id)} replies to ${event.stage}: ${event.reply}`
    case 'stepped':
      return `step ${event.step} of ${short(event.id)} ${event.what}, call ${event.call}`
    case 'completed':
      return `complete ${short(event.id)} as ${event.state}: ${event.verdict} (${event.before?.state} -> ${event.after?.state})`
    case 'delivered':
      return `callback ${event.callback.slice(-SHORT_ID)} ${event.taken ? 'is taken' : 'fails'}: ${cut(event.body)}`
    case 'controlled':
      return `${event.verb} ${short(event.id)}: ${event.verdict} (${event.before?.state} -> ${event.after?.state})`
    case 'promoted':
      return `promote by ${event.worker}: ${event.count}${changed(event.changes)}`
    case 'pruned':
      return `prune${changed(event.changes)}`
    case 'paused':
      return `${event.paused ? 'pause' : 'resume'} ${event.queue}`
    case 'observed':
      return `look at ${short(event.id)}: ${event.snapshot?.state ?? 'absent'}`
    case 'accounted':
      return `accounting ${JSON.stringify(event.accounting)}${changed(event.drift)}`
    case 'incident':
      return `* ${event.where}: ${event.what}`
    case 'healed':
      return `* nothing fails from here on; everything must end within ${event.boundMs} ms`
  }
}

function lease({ chunkId, token }: { readonly chunkId: string; readonly token: number }): string {
  return `${short(chunkId)}/${token}`
}

function changed(changes: readonly Change[]): string {
  return changes
    .map(
      ({ id, before, after }) => `; ${short(id)} ${before?.state ?? 'absent'} -> ${after?.state ?? 'absent'}`,
    )
    .join('')
}

/** The end of a chunk id is random, its beginning the time. */
function short(id: string | null): string {
  if (id === null) return ''
  const [chunk = '', index] = id.split('-')
  return chunk.slice(-SHORT_ID) + (index === undefined ? '' : `-${index}`)
}

/** The payload of a callback is longer than a line. */
function cut(text: string): string {
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}...` : text
}
