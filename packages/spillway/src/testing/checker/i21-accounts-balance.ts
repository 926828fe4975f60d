// I21: in any snapshot accepted = ready + running + parked + terminal, the counts agree with the listing
// command by command, and accepted is what was appended less what was pruned.

import type { Accounting } from '../../ports/index.js'
import type { Facts } from './facts.js'
import type { Accounted } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

const PER_QUEUE = [
  'ready',
  'running',
  'scheduled',
  'retrying',
  'reconciling',
  'pending',
  'blocked',
  'compensating',
  'failed',
  'dead',
  'cancelled',
  'compensated',
] as const
const STATES = [...PER_QUEUE, 'succeeded'] as const

export function accountsBalance(facts: Facts): readonly Violation[] {
  const found = findings('I21')
  let kept = 0
  for (const event of facts.history.events) {
    if (event.kind === 'appended' && facts.appends.has(event)) {
      kept += event.commands.filter(({ verdict }) => verdict === 'accepted').length
    } else if (event.kind === 'pruned') {
      kept -= event.changes.filter(({ after }) => after === null).length
    } else if (event.kind === 'accounted') {
      checkSum(event, found)
      checkListing(event, found)
      checkQueues(event, found)
      if (facts.storeRecorded && event.accounting.accepted !== kept) {
        found.add(
          event.at,
          'accounting',
          `counts ${event.accounting.accepted} accepted, ${kept} were appended and not pruned`,
        )
      }
    }
  }
  checkFinal(facts, found)
  return found.list
}

function checkSum({ at, accounting }: Accounted, found: Findings): void {
  const sum = STATES.reduce((total, state) => total + accounting[state], 0)
  if (sum !== accounting.accepted) {
    found.add(
      at,
      'accounting',
      `${accounting.accepted} accepted, but the states add up to ${sum}: ${counts(accounting)}`,
    )
  }
}

function checkListing({ at, accounting, listed }: Accounted, found: Findings): void {
  for (const state of [...STATES, 'accepted'] as const) {
    if (accounting[state] === listed[state]) continue
    found.add(at, 'accounting', `counts ${accounting[state]} ${state}, the listing shows ${listed[state]}`)
  }
}

function checkQueues({ at, accounting, queues }: Accounted, found: Findings): void {
  for (const state of PER_QUEUE) {
    const sum = queues.reduce((total, queue) => total + queue[state], 0)
    if (sum !== accounting[state]) {
      found.add(
        at,
        'queues',
        `count ${sum} ${state} over all queues, the accounting says ${accounting[state]}`,
      )
    }
  }
}

function checkFinal(facts: Facts, found: Findings): void {
  const seen = new Set<string>()
  for (const { id } of facts.history.final.commands) {
    if (seen.has(id)) found.add(facts.history.final.at, id, 'is listed twice')
    seen.add(id)
  }
}

function counts(accounting: Accounting): string {
  return STATES.map((state) => `${state} ${accounting[state]}`).join(', ')
}
