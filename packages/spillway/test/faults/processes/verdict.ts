// What came of a run with faults, judged by what the callers wrote down and what is in the database afterwards, through the same
// checker as the simulation. The application itself is asked nothing.

import { expect, vi } from 'vitest'
import type { CommandView } from '../../../src/ports/index.js'
import {
  type Answered,
  checkHistory,
  type History,
  type StoredCommand,
  type TypeRule,
} from '../../../src/testing/checker/index.js'
import type { ServerStore } from '../engines.js'
import type { Application } from './application.js'
import { expectLettersSettled, issuedLetters, type LetterCounts } from './letters-verdict.js'
import { PATIENCE } from './patience.js'

const PAGE_ROWS = 500
const UNENDED = [
  ...(['ready', 'running', 'scheduled', 'retrying', 'reconciling', 'pending', 'blocked'] as const),
  'compensating',
] as const
/** Leases of a second, retries of a few, and a machine that is busy with other things. */
const END_WITHIN_MS = 60_000

const RULE: Omit<TypeRule, 'queue' | 'effects'> = { attempts: 5, hungAfterMs: 60_000 }
const TYPES: History['types'] = {
  order: { ...RULE, queue: 'orders', effects: 'transaction' },
  click: { ...RULE, queue: 'clicks', effects: 'sink' },
  letter: { ...RULE, queue: 'letters', effects: 'sink', attempts: 100 },
}
const QUEUES: History['queues'] = {
  orders: { concurrency: 8 },
  clicks: { concurrency: 8 },
  letters: { concurrency: 8 },
}

export interface Told {
  readonly acknowledged: number
  /** Calls of which nobody knows whether they were stored. */
  readonly unknown: number
  readonly letters: LetterCounts
}

/**
 * To be called when nothing fails any more. Waits for everything to end; a command that took a worker with it time and again was put
 * aside, and is run again like an operator would.
 */
export async function expectNothingLostOrDoubled(application: Application): Promise<Told> {
  const { store, told } = application
  const healed = { kind: 'healed', at: Date.now(), boundMs: END_WITHIN_MS } as const
  await application.endCallbackLeases()
  await untilEnded(store)
  await redriveCrashed(store)
  const commands = (await dump(store)).filter(({ type }) => Object.hasOwn(TYPES, type))
  const orders = await application.query('select command from orders')
  const clicks = await application.query('select id from clicks')
  const letterEvents = (await application.counterpart?.events()) ?? []
  const history: History = {
    ...{ types: TYPES, queues: QUEUES },
    events: [...told, healed],
    final: {
      at: Date.now(),
      commands,
      transactionEffects: orders.map(({ command }) => String(command)),
      sinkRows: [...clicks.map(({ id }) => JSON.stringify({ id })), ...issuedLetters(letterEvents)],
    },
  }
  expect(checkHistory(history)).toEqual([])
  const letters = commands.filter(({ type }) => type === 'letter')
  const writes = commands.filter(({ type }) => type !== 'letter')
  expect(writes.filter(({ state }) => state !== 'succeeded')).toEqual([])
  expect(orders.length + clicks.length).toBe(writes.length)
  const answers = told.filter((event): event is Answered => event.kind === 'answered')
  expect(answers.filter(({ answer }) => answer === 'rejected')).toEqual([])
  const count = (answer: Answered['answer']) => answers.filter((event) => event.answer === answer).length
  const acknowledged = count('accepted') + count('duplicate')
  expect(commands.length).toBeGreaterThanOrEqual(acknowledged)
  return { acknowledged, unknown: count('unknown'), letters: expectLettersSettled(letters, letterEvents) }
}

/** Resolves once nothing that is stored waits for anything. */
export async function untilEnded(store: ServerStore): Promise<void> {
  await vi.waitFor(
    async () => {
      const accounting = await store.reader.accounting()
      const left = UNENDED.reduce((sum, state) => sum + accounting[state], 0)
      if (left > 0) throw new Error(`${left} commands have not ended: ${JSON.stringify(accounting)}`)
    },
    { timeout: END_WITHIN_MS, interval: PATIENCE.interval },
  )
}

/** What took a worker with it time and again was put aside, and is run again like an operator would. */
export async function redriveCrashed(store: ServerStore): Promise<void> {
  const dead = (await views(store)).filter(({ state }) => state === 'dead')
  const others = dead.filter(({ error }) => error?.code !== 'worker_crash')
  expect(others.map(({ id, type, attempts, error }) => ({ id, type, attempts, error }))).toEqual([])
  if (dead.length === 0) return
  await store.control.redrive(dead.map(({ id }) => id))
  await untilEnded(store)
}

/** Everything that is stored, with its payloads. */
export async function dump(store: ServerStore): Promise<StoredCommand[]> {
  return (await views(store)).map(({ payload = '', ...view }) => ({ ...view, payload }))
}

/** Everything that is stored. */
async function views(store: ServerStore): Promise<CommandView[]> {
  const found: CommandView[] = []
  for (let next: string | null = ''; next !== null; ) {
    const after: string = next
    const page = await store.reader.list({ limit: PAGE_ROWS, ...(after === '' ? {} : { after }) })
    const ids = page.items.map(({ id }) => id)
    for (const view of await store.reader.get(ids, { payload: true })) if (view !== null) found.push(view)
    next = page.next
  }
  return found
}
