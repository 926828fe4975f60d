// Ordering keys with several workers and maintainers at once: whatever becomes of a command, the next one of its key is not tried before it is
// over; and very many that wait behind one are neither a burden nor forgotten.

import { describe, expect, it, onTestFinished } from 'vitest'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import {
  type Blocker,
  type CommandUpdate,
  commandId,
  isTerminal,
  type Lease,
  type ParkedDraft,
  type Place,
} from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { seededRandom } from '../../testing/seeded-random.js'
import { type MysqlStore, mysql } from './index.js'

const KEYS = 3

async function another(rig: MysqlRig): Promise<MysqlStore> {
  const store = mysql(rig.database.url, { ...TEST_OPTIONS, clock: rig.clock })
  await store.open()
  onTestFinished(() => store.close())
  return store
}

function promoteRequest(rig: MysqlRig, limit: number): PromoteRequest {
  return { limit, chunkCommandsMax: 5, newChunkId: () => rig.draft().id }
}

function claimOf(store: MysqlStore): Promise<readonly Lease[]> {
  return store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 5, commandsMax: 100 },
    ...{ leaseMs: 60_000, workerId: 'w' },
  })
}

interface Turn {
  readonly id: string
  readonly key: string
}

/** Tries the commands of a chunk in order, as a worker does, and notes those that were tried. */
function turnsOf(lease: Lease, random: () => number, tried: Turn[]): CommandUpdate[] {
  const held = new Set<string>()
  const payloads = JSON.parse(lease.body) as { key: string }[]
  return payloads.flatMap(({ key }, index): CommandUpdate[] => {
    if (lease.skip.includes(index)) return []
    const member = lease.members?.[index]
    const base = { index, attempts: 1, delayMs: 0, error: null, orderingKey: key }
    if (held.has(key) || isBlocked(lease.blockers ?? [], key, member?.place ?? null)) {
      held.add(key)
      return [{ ...base, state: 'blocked', deferred: true }]
    }
    tried.push({ id: member?.id ?? commandId(lease.chunkId, index), key })
    const chance = random()
    if (chance < 0.4) return []
    if (chance < 0.5) return [{ ...base, state: 'failed' }]
    held.add(key)
    return [
      {
        ...base,
        state: chance < 0.8 ? 'retrying' : 'reconciling',
        stage: chance < 0.8 ? 'execute' : 'reconcile',
      },
    ]
  })
}

/** A command in the chunk it was submitted in comes after everything that has a row. */
function isBlocked(blockers: readonly Blocker[], key: string, place: Place | null): boolean {
  const blocker = blockers.find(({ orderingKey }) => orderingKey === key)
  if (blocker === undefined || place === null) return blocker !== undefined
  const [seq, index] = blocker.place
  return seq < place[0] || (seq === place[0] && index < place[1])
}

describe('commands of one key', () => {
  it('are tried in order, with two workers and two maintainers at once', async () => {
    const rig = await mysqlRig()
    const stores = [rig.store, await another(rig)]
    const submitted: Turn[] = []
    for (let n = 0; n < 8; n += 1) {
      const payloads = Array.from({ length: 4 }, (_, index) => ({ key: `key ${(n + index) % KEYS}` }))
      const draft = rig.draft({ payloads, partition: 1 })
      await rig.store.append([draft])
      submitted.push(...payloads.map(({ key }, index) => ({ id: commandId(draft.id, index), key })))
    }
    const tried: Turn[] = []
    const random = seededRandom(5)
    const work = async (store: MysqlStore): Promise<void> => {
      for (const lease of await claimOf(store)) {
        const { chunkId, token } = lease
        const updates = turnsOf(lease, random, tried)
        await store.settle([{ chunkId, token, updates, finished: [], complete: true }])
      }
    }
    for (let rounds = 0; rounds < 300; rounds += 1) {
      await Promise.all(stores.flatMap((store) => [work(store), store.promote(promoteRequest(rig, 4))]))
      if ((await rig.store.reader.accounting()).accepted === (await ended(rig, submitted))) break
    }
    expect(await ended(rig, submitted)).toBe(submitted.length)
    for (let key = 0; key < KEYS; key += 1) {
      const order = submitted.filter((turn) => turn.key === `key ${key}`).map(({ id }) => id)
      const turns = tried.filter((turn) => turn.key === `key ${key}`).map(({ id }) => order.indexOf(id))
      expect(turns).toEqual([...turns].sort((a, b) => a - b))
    }
  })

  it('that nothing holds up any more are let go, however many others are blocked for long', async () => {
    const rig = await mysqlRig()
    const parked = (state: 'dead' | 'blocked', orderingKey: string): ParkedDraft => {
      return { state, nextAt: null, attempts: 0, error: null, orderingKey }
    }
    const held = [parked('dead', 'a'), ...Array.from({ length: 5_100 }, () => parked('blocked', 'a'))]
    const more = Array.from({ length: 1_200 }, (_, n) => [
      parked('dead', `b${n}`),
      parked('blocked', `b${n}`),
    ]).flat()
    const free = [parked('blocked', 'c')]
    for (const list of [held, more, free]) {
      await rig.store.append([rig.draft({ partition: 2, parked: list, payloads: list.map(() => 0) })])
    }
    await rig.store.append([rig.draft({ partition: 2 })])
    const [lease] = await claimOf(rig.store)
    expect(lease?.blockers).toHaveLength(1_202)
    expect(await rig.store.promote(promoteRequest(rig, 100))).toBe(1)
    expect(await rig.store.promote(promoteRequest(rig, 100))).toBe(0)
  })
})

async function ended(rig: MysqlRig, turns: readonly Turn[]): Promise<number> {
  const views = await rig.store.reader.get(turns.map(({ id }) => id))
  return views.filter((view) => view !== null && isTerminal(view.state)).length
}
