// The ledger: what became of every order, from the notes of those who are not Spillway. What the post office printed and
// refunded and what the customer's system was told must be the same story, order by order. Pure.

import type { CommandState } from 'spillway'
import type { PostOfficeFact } from './post-office/wire.js'
import type { CallbackFact } from './upstream/wire.js'

/** What Spillway itself says about an order; the others are asked whether it is so. */
export interface SettledOrder {
  readonly orderId: string
  readonly state: CommandState
  /** Executions. */
  readonly attempts: number
}

export interface Ledger {
  readonly letters: number
  readonly issued: number
  /** Refused by the post office, or given up after all attempts: undone by a refund either way. */
  readonly refusedAndRefunded: number
  readonly givenUpAndRefunded: number
  /** Printed and refunded nevertheless: nobody could say whether they were. */
  readonly takenBack: number
  readonly dead: number
  readonly calledBack: number
  /** Callbacks in all, repeats included. */
  readonly callbacks: number
  /** Letters that were found to have been issued when their outcome was not known. */
  readonly reconciled: number
  readonly pendingCompleted: number
  /** Answers that came when nobody waited for them any more: late ones, and second ones. */
  readonly answersTooLate: number
  /** Executions beyond the first. */
  readonly retries: number
  /** Letters that were printed a second time. */
  readonly duplicates: number
  /** What is not as it should be, in words, with an example each; nothing else makes a run fail. */
  readonly faults: readonly string[]
}

/** What is known about one order. */
interface Story {
  readonly orderId: string
  readonly order: SettledOrder | undefined
  issued: number
  refunded: number
  isRefused: boolean
  wasFound: boolean
  completed: number
  tooLate: number
  readonly callbacks: CallbackFact[]
}

export interface Evidence {
  readonly orderIds: readonly string[]
  readonly settled: readonly SettledOrder[]
  readonly postOffice: readonly PostOfficeFact[]
  readonly upstream: readonly CallbackFact[]
}

export function ledgerOf(evidence: Evidence): Ledger {
  const stories = storiesOf(evidence)
  const count = (holds: (story: Story) => boolean) => stories.filter(holds).length
  const sum = (of: (story: Story) => number) => stories.reduce((total, story) => total + of(story), 0)
  return {
    letters: evidence.orderIds.length,
    issued: count(({ issued }) => issued > 0),
    refusedAndRefunded: count(({ isRefused, refunded }) => isRefused && refunded > 0),
    givenUpAndRefunded: count(({ isRefused, refunded }) => !isRefused && refunded > 0),
    takenBack: count(({ issued, refunded }) => issued > 0 && refunded > 0),
    dead: count(({ order }) => order?.state === 'dead'),
    calledBack: count(({ callbacks }) => callbacks.some(({ taken }) => taken)),
    callbacks: evidence.upstream.length,
    reconciled: count(({ wasFound }) => wasFound),
    pendingCompleted: sum(({ completed }) => completed),
    answersTooLate: sum(({ tooLate }) => tooLate),
    retries: sum(({ order }) => Math.max(0, (order?.attempts ?? 1) - 1)),
    duplicates: sum(({ issued }) => Math.max(0, issued - 1)),
    faults: faultsOf(stories, evidence),
  }
}

function storiesOf({ orderIds, settled, postOffice, upstream }: Evidence): Story[] {
  const orders = new Map(settled.map((order) => [order.orderId, order]))
  const stories = new Map<string, Story>(
    orderIds.map((orderId) => [orderId, { ...untold(), orderId, order: orders.get(orderId) }]),
  )
  for (const fact of postOffice) {
    const story = stories.get(fact.orderId)
    if (story !== undefined) tell(story, fact)
  }
  for (const fact of upstream) stories.get(fact.orderId)?.callbacks.push(fact)
  return [...stories.values()]
}

function untold(): Omit<Story, 'orderId' | 'order'> {
  return {
    ...{ issued: 0, refunded: 0, completed: 0, tooLate: 0 },
    ...{ isRefused: false, wasFound: false },
    callbacks: [],
  }
}

function tell(story: Story, fact: PostOfficeFact): void {
  switch (fact.fact) {
    case 'posted':
      return
    case 'issued':
      story.issued += 1
      return
    case 'refused':
      story.isRefused = true
      return
    case 'refunded':
      story.refunded += 1
      return
    case 'looked':
      if (fact.status === 'issued') story.wasFound = true
      return
    case 'answered':
      if (fact.taken) story.completed += 1
      else story.tooLate += 1
  }
}

type Check = readonly [what: string, isWrong: (story: Story) => boolean]

const CHECKS: readonly Check[] = [
  ['not known to Spillway', ({ order }) => order === undefined],
  ['printed more than once', ({ issued }) => issued > 1],
  ['neither printed nor refunded', ({ issued, refunded }) => issued === 0 && refunded === 0],
  ['refunded more than once', ({ refunded }) => refunded > 1],
  [
    'succeeded, but not printed exactly once and kept',
    ({ order, issued, refunded }) => order?.state === 'succeeded' && (issued !== 1 || refunded > 0),
  ],
  [
    'compensated, but not refunded',
    ({ order, refunded }) => order?.state === 'compensated' && refunded === 0,
  ],
  [
    'neither succeeded nor compensated',
    ({ order }) => order !== undefined && order.state !== 'succeeded' && order.state !== 'compensated',
  ],
  ['never called back', ({ callbacks }) => !callbacks.some(({ taken }) => taken)],
  ['called back with a wrong signature', ({ callbacks }) => callbacks.some(({ verified }) => !verified)],
  ['called back under several ids', ({ callbacks }) => several(callbacks, ({ webhookId }) => webhookId)],
  ['called back with several bodies', ({ callbacks }) => several(callbacks, ({ digest }) => digest)],
  [
    'called back with another end than it had',
    ({ order, callbacks }) => callbacks.some(({ event }) => event !== `command.${order?.state}`),
  ],
]

function several(callbacks: readonly CallbackFact[], of: (fact: CallbackFact) => string): boolean {
  return new Set(callbacks.map(of)).size > 1
}

function faultsOf(stories: readonly Story[], { orderIds, postOffice, upstream }: Evidence): string[] {
  const faults: string[] = []
  for (const [what, isWrong] of CHECKS) {
    const wrong = stories.filter(isWrong)
    if (wrong.length > 0) faults.push(`${wrong.length} ${what}, such as ${wrong[0]?.orderId}`)
  }
  const known = new Set(orderIds)
  const strange = [...postOffice, ...upstream].filter(({ orderId }) => !known.has(orderId))
  if (strange.length > 0) faults.push(`${strange.length} notes about orders that nobody made`)
  return faults
}
