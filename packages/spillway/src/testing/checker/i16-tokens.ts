// I16, for counterparts: a token completes the command that waits for it once, before it expires and while nothing else has brought
// that command further; whoever shows it in time is not turned away.

import { type Facts, NO_NEWS } from './facts.js'
import type { Completed, LeaseWritten } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

interface Token {
  readonly id: string
  readonly expiresAt: number
  open: boolean
}

export function tokens(facts: Facts): readonly Violation[] {
  const found = findings('I16')
  const known = new Map<string, Token>()
  for (const event of facts.history.events) {
    if (event.kind === 'written' && event.verdict === 'ok') write(event, facts, known)
    else if (event.kind === 'completed') complete(event, known, found)
  }
  return found.list
}

/** What is written about a command takes the place of whatever it waited for. */
function write(event: LeaseWritten, facts: Facts, known: Map<string, Token>): void {
  const { updates, silent } = facts.news.get(event) ?? NO_NEWS
  const moved = new Set([...updates.map(({ id }) => id), ...silent])
  for (const token of known.values()) if (moved.has(token.id)) token.open = false
  for (const { id, token } of updates) {
    if (token === undefined) continue
    known.set(token.hash, { id, expiresAt: event.at + token.expiresInMs, open: true })
  }
}

function complete(event: Completed, known: Map<string, Token>, found: Findings): void {
  const { at, hash, verdict, before } = event
  const token = known.get(hash)
  const isValid = token?.open === true && at < token.expiresAt
  if (verdict === 'ok') {
    if (token === undefined) found.add(at, hash, 'is a token that nobody waited for, and was accepted')
    else if (!token.open) found.add(at, token.id, 'was completed with a token that was used up')
    else if (at >= token.expiresAt)
      found.add(at, token.id, `was completed ${at - token.expiresAt} ms after its token had expired`)
    if (before !== null && before.state !== 'pending')
      found.add(at, before.id, `was completed while it was ${before.state}`)
    if (event.after !== null && event.after.state !== event.state)
      found.add(
        at,
        event.after.id,
        `was completed as ${event.state}, and the store shows ${event.after.state}`,
      )
    if (token !== undefined) token.open = false
  } else if (verdict === 'not_found' && isValid) {
    found.add(at, token.id, 'waits for its counterpart, whose token was refused')
  }
}
