// What came of a run with faults over a broker, judged by what callers and producers wrote down and by what is in the database and at the
// broker afterwards, through the same checker as the simulation.

import { expect, vi } from 'vitest'
import type { Broker } from '../../src/ports/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { type Answered, checkHistory, type History, type TypeRule } from '../../src/testing/checker/index.js'
import type { Application } from '../faults/processes/application.js'
import { PATIENCE } from '../faults/processes/patience.js'
import { dump, redriveCrashed, untilEnded } from '../faults/processes/verdict.js'

const IDS_AT_ONCE = 500
/** Leases of a second, brokers that wait for consumers which are gone, and a machine that is busy with other things. */
const END_WITHIN_MS = 60_000
/** Far longer than a worker, a lease or the broker wait for anything. */
const STUCK_MS = 5_000
const RULE: Omit<TypeRule, 'queue'> = { attempts: 5, effects: 'transaction', hungAfterMs: 60_000 }
const TYPES: History['types'] = {
  order: { ...RULE, queue: 'orders' },
  click: { ...RULE, queue: 'clicks' },
}
const QUEUES: History['queues'] = { orders: { concurrency: 8 }, clicks: { concurrency: 8 } }

export interface Told {
  readonly acknowledged: number
  readonly unknown: number
  /** Receipts of repeats, which were found when they landed. */
  readonly repeats: number
  readonly commands: number
}

export interface Remains {
  readonly application: Application
  /** Opened, and at the server itself. */
  readonly broker: Broker
  /** What can be done when the broker is stuck. */
  readonly free: () => Promise<void>
  /** Of single messages that a producer sent until the broker had them. */
  readonly foreignIds: readonly string[]
}

/** To be called when nothing fails any more. Waits for everything to arrive and to end. */
export async function expectExactlyOnce(remains: Remains): Promise<Told> {
  const { application, foreignIds } = remains
  const { store, told } = application
  const healed = { kind: 'healed', at: systemClock.now(), boundMs: END_WITHIN_MS } as const
  await untilArrived(remains)
  await untilEnded(store)
  await redriveCrashed(store)
  const landed = await landedReceipts(application)
  const commands = await dump(store)
  const rows = await application.query('select command from orders')
  const history: History = {
    ...{ types: TYPES, queues: QUEUES },
    events: [...told.map((event) => landed.get(event) ?? event), healed],
    final: {
      ...{ at: systemClock.now(), commands, sinkRows: [] },
      transactionEffects: rows.map(({ command }) => String(command)),
    },
  }
  expect(checkHistory(history)).toEqual([])
  expect(commands.filter(({ state }) => state !== 'succeeded')).toEqual([])
  expect(rows.length).toBe(commands.length)
  const asked = commands.map(({ payload }) => (JSON.parse(payload) as { readonly id: string }).id)
  expect(foreignIds.filter((id) => !asked.includes(id))).toEqual([])
  expect(new Set(asked).size).toBe(asked.length)
  const answers = [...landed.values()]
  expect(told.filter((event) => event.kind === 'answered' && event.answer === 'rejected')).toEqual([])
  return {
    acknowledged: answers.length,
    unknown: told.filter((event) => event.kind === 'answered' && event.answer === 'unknown').length,
    repeats: answers.filter(({ answer }) => answer === 'duplicate').length,
    commands: commands.length,
  }
}

/** Until nothing is on its way: at the broker, or in a journal before it. What nobody could read is a failure at once. */
async function untilArrived({ application, broker, free }: Remains): Promise<void> {
  const agents = application.posts.filter(({ role }) => role === 'agent')
  const stillness = new Stillness()
  let isFreed = false
  await vi.waitFor(
    async () => {
      for (const { url } of agents) expect(await backlogBytes(url)).toBe(0)
      const states = await broker.state()
      const { accepted } = await application.store.reader.accounting()
      if (stillness.lasts(JSON.stringify([states, accepted])) > STUCK_MS && !isFreed) {
        isFreed = true
        await free()
      }
      for (const { queue, waiting, delivered } of states)
        expect([queue, waiting ?? 0, delivered ?? 0]).toEqual([queue, 0, 0])
    },
    { timeout: END_WITHIN_MS, interval: PATIENCE.interval },
  )
  for (const { refused } of await broker.state()) expect(refused).toBe(0)
}

/** For how long everything has looked the same. */
class Stillness {
  #seen = ''
  #since = 0

  lasts(seen: string): number {
    const now = systemClock.monotonic()
    if (seen !== this.#seen) this.#since = now
    this.#seen = seen
    return now - this.#since
  }
}

async function backlogBytes(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^spillway_agent_backlog_bytes\{[^}]*\} (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

/**
 * Over a broker a repeat is told from a first time only where it lands: its receipt then leads to the first one's command. What is in
 * nobody's hands is left as it was, for the checker to find.
 */
async function landedReceipts({ store, told }: Application): Promise<ReadonlyMap<object, Answered>> {
  const receipts = told.filter(
    (event): event is Answered & { readonly id: string } =>
      event.kind === 'answered' && event.id !== null && event.answer !== 'rejected',
  )
  const landed = new Map<object, Answered>()
  for (let from = 0; from < receipts.length; from += IDS_AT_ONCE) {
    const page = receipts.slice(from, from + IDS_AT_ONCE)
    const views = await store.reader.get(page.map(({ id }) => id))
    for (const [n, receipt] of page.entries()) {
      const id = views[n]?.id ?? receipt.id
      landed.set(receipt, id === receipt.id ? receipt : { ...receipt, answer: 'duplicate', id })
    }
  }
  return landed
}
