// How a command that a volatile channel executed goes into the store: with everything its next turn needs to know.

import { isTerminal, type ParkedDraft } from '../domain/index.js'
import type { ReportedUpdate } from '../ports/index.js'

export function parkedDraft(update: ReportedUpdate, now: number): ParkedDraft {
  const { index: _, callback: __, forget: ___, ran: ____, deferred: _____, delayMs, ...notes } = update
  return { ...notes, nextAt: isTerminal(update.state) ? null : now + delayMs }
}
