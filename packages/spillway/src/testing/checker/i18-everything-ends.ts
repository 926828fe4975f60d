// I18: once nothing fails any more, everything reaches a terminal state within the stated bound of leases and backoffs.

import { isTerminal } from '../../domain/index.js'
import type { Facts } from './facts.js'
import type { Healed } from './history.js'
import { findings, type Violation } from './violation.js'

export function everythingEnds(facts: Facts): readonly Violation[] {
  const found = findings('I18')
  const healed = facts.history.events.findLast((event): event is Healed => event.kind === 'healed')
  if (healed === undefined) return found.list
  const deadline = healed.at + healed.boundMs
  for (const { id, state, finishedAt } of facts.history.final.commands) {
    if (!isTerminal(state))
      found.add(facts.history.final.at, id, `is still ${state} long after the last fault`)
    else if (finishedAt !== null && finishedAt > deadline) {
      found.add(
        finishedAt,
        id,
        `ended ${finishedAt - healed.at} ms after the last fault, bound ${healed.boundMs} ms`,
      )
    }
  }
  return found.list
}
