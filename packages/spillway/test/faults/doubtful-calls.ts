// The calls of a store that write, each with what a caller does when it does not know whether one took effect: it sends the
// same again. Afterwards nothing may be lost and nothing may have happened twice.

import { expect } from 'vitest'
import type { ChunkDraft, Lease, LeaseVerdict, Settlement } from '../../src/domain/index.js'
import { isSpillwayError } from '../../src/errors/index.js'
import type { AppendSettledOptions, SettleScope } from '../../src/ports/index.js'
import type { ServerStore } from './engines.js'
import { DAY_MS, type FaultRig, idsOf, LEASE_MS } from './fault-rig.js'

/** One call and its consequences, on a queue of its own. */
export interface DoubtfulCall {
  call(store: ServerStore): Promise<unknown>
  /** Sends it again, without faults, and checks what came of both. */
  resolve(): Promise<void>
}

export interface CallKind {
  readonly name: string
  prepare(rig: FaultRig, queue: string): Promise<DoubtfulCall>
}

const ATTEMPTS_MAX = 25
/** Longer than any of these calls waits. */
const LOCK_WAIT_MS = 10_000
const PAYLOADS = [{ n: 0 }, { text: 'one' }, { text: 'z'.repeat(300) }]

const append: CallKind = {
  name: 'append',
  async prepare(rig, queue) {
    const drafts = [rig.draft(queue, PAYLOADS), rig.draft(queue, PAYLOADS)]
    const call = (store: ServerStore) => store.append(drafts)
    return {
      call,
      async resolve() {
        const first = await persist(() => call(rig.store))
        const again = await call(rig.truth)
        expect(again).toEqual(first)
        expect(first.map(({ verdicts }) => verdicts)).toEqual([null, null])
        const views = await rig.truth.reader.get(drafts.flatMap(idsOf), { payload: true })
        expect(views.map((view) => view && [view.state, JSON.parse(view.payload ?? 'null')])).toEqual(
          [...PAYLOADS, ...PAYLOADS].map((payload) => ['accepted', payload]),
        )
        await expectKeysOf(rig, drafts[0] as ChunkDraft)
        expect(await rig.claim(queue)).toHaveLength(2)
      },
    }
  },
}

/** In doubt it is appended, which tells: that is what whoever takes the short way does. */
const appendSettled = (name: string, options: AppendSettledOptions): CallKind => ({
  name,
  async prepare(rig, queue) {
    const drafts = [rig.draft(queue, PAYLOADS), rig.draft(queue, PAYLOADS)]
    const ids = drafts.flatMap(idsOf)
    const rows = rig.effectsOf(ids)
    return {
      call: (store) => store.appendSettled(drafts, rows, options),
      async resolve() {
        const first = await persist(() => rig.store.append(drafts))
        expect(first.map(({ verdicts }) => verdicts)).toEqual([null, null])
        expect(await rig.truth.append(drafts)).toEqual(first)
        expect(await rig.truth.appendSettled(drafts, rows)).toBe(null)
        const states = await statesOf(rig, ids)
        expectOneOf(['accepted', 'succeeded'], states)
        expect(new Set(states).size, 'both chunks or none').toBe(1)
        const isSettled = states[0] === 'succeeded'
        expect(await rig.countEffects(ids)).toEqual(ids.map(() => (isSettled ? 1 : 0)))
        await expectKeysOf(rig, drafts[0] as ChunkDraft)
        expect(await rig.claim(queue)).toHaveLength(isSettled ? 0 : 2)
        await expectBalance(rig)
      },
    }
  },
})

/** The keys lead to the chunk's own commands, and to no others. */
async function expectKeysOf(rig: FaultRig, draft: ChunkDraft): Promise<void> {
  const repeated = { ...draft, id: rig.newChunkId(), queue: `${draft.queue}.repeated` }
  const [result] = await rig.truth.append([repeated])
  expect(result?.verdicts).toEqual(idsOf(draft).map((id) => ({ status: 'duplicate', id })))
}

const claim: CallKind = {
  name: 'claim',
  async prepare(rig, queue) {
    const draft = rig.draft(queue, PAYLOADS)
    await rig.truth.append([draft])
    return {
      call: (store) => rig.claim(queue, store),
      async resolve() {
        const atOnce = await rig.claim(queue)
        const later = await persist(async () => {
          // Each time: what is asked for again may have been claimed by then, and nobody told.
          await rig.clock.advance(LEASE_MS + 1)
          return rig.claim(queue, rig.store)
        })
        const leases = [...atOnce, ...later]
        // Whoever claimed it without learning so keeps it until the lease expires, and no longer.
        expect(later.map(({ chunkId }) => chunkId)).toEqual([draft.id])
        const tokens = leases.map(({ token }) => token)
        expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
        expect(await rig.truth.settle(leases.map(completed))).toEqual([...atOnce.map(() => 'stale'), 'ok'])
      },
    }
  },
}

const extend: CallKind = {
  name: 'extend',
  async prepare(rig, queue) {
    const { ids, lease } = await leased(rig, queue)
    const beat = {
      chunkId: lease.chunkId,
      token: lease.token,
      updates: [failing(0)],
      finished: [1],
      cursor: 2,
    }
    const call = (store: ServerStore) => store.extend([beat], LEASE_MS)
    return {
      call,
      async resolve() {
        expect(await persist(() => call(rig.store))).toEqual(['ok'])
        expect(await statesOf(rig, ids)).toEqual(['failed', 'succeeded', 'running'])
        await rig.clock.advance(LEASE_MS + 1)
        const [next] = await rig.claim(queue)
        expect(next).toMatchObject({ chunkId: lease.chunkId, skip: [0, 1], cursor: 2, expiries: 1 })
        await expectBalance(rig)
      },
    }
  },
}

const settle: CallKind = {
  name: 'settle',
  async prepare(rig, queue) {
    const { ids, lease } = await leased(rig, queue)
    const settlement: Settlement = { ...completed(lease), updates: [failing(0), retrying(1)] }
    const call = (store: ServerStore) => store.settle([settlement])
    return {
      call,
      async resolve() {
        expectOneOf(['ok', 'stale'], await persist(() => call(rig.store)))
        expect(await call(rig.truth)).toEqual(['stale'])
        expect(await statesOf(rig, ids)).toEqual(['failed', 'retrying', 'succeeded'])
        const views = await rig.truth.reader.get(ids)
        expect(views.map((view) => [view?.attempts, view?.history.length])).toEqual([
          [1, 1],
          [1, 1],
          [1, 0],
        ])
        await expectBalance(rig)
      },
    }
  },
}

const settleWithin: CallKind = {
  name: 'settleWithin',
  async prepare(rig, queue) {
    const { ids, lease } = await leased(rig, queue)
    const call = (store: ServerStore): Promise<readonly LeaseVerdict[]> =>
      store.settleWithin([lease], async (scope: SettleScope<unknown>, valid: readonly boolean[]) => {
        if (valid[0] !== true) return []
        await scope.write(rig.effectsOf(ids))
        return [{ ...completed(lease), updates: [failing(0)] }]
      })
    return {
      call,
      async resolve() {
        expectOneOf(['ok', 'stale'], await persist(() => call(rig.store)))
        expect(await call(rig.truth)).toEqual(['stale'])
        expect(await rig.countEffects(ids)).toEqual([1, 1, 1])
        expect(await statesOf(rig, ids)).toEqual(['failed', 'succeeded', 'succeeded'])
        await expectBalance(rig)
      },
    }
  },
}

const promote: CallKind = {
  name: 'promote',
  async prepare(rig, queue) {
    const due = { state: 'scheduled', nextAt: rig.clock.now(), attempts: 0, error: null } as const
    const draft = rig.draft(queue, PAYLOADS, { keys: null, parked: PAYLOADS.map(() => due) })
    await rig.truth.append([draft])
    const call = (store: ServerStore) =>
      store.promote({ limit: 100, chunkCommandsMax: 2, newChunkId: rig.newChunkId })
    return {
      call,
      async resolve() {
        expectOneOf([0, 3], [await persist(() => call(rig.store))])
        const leases = await rig.claim(queue)
        const members = leases.flatMap((lease) => lease.members?.map(({ id }) => id) ?? [])
        expect(members.sort()).toEqual(idsOf(draft))
        expect(await rig.truth.settle(leases.map(completed))).toEqual(leases.map(() => 'ok'))
        expect(await statesOf(rig, idsOf(draft))).toEqual(PAYLOADS.map(() => 'succeeded'))
        await expectBalance(rig)
      },
    }
  },
}

const cancel: CallKind = {
  name: 'cancel',
  async prepare(rig, queue) {
    const draft = rig.draft(queue, PAYLOADS)
    await rig.truth.append([draft])
    const [first = '', second = ''] = idsOf(draft)
    const call = (store: ServerStore) => store.control.cancel([first, second])
    return {
      call,
      async resolve() {
        const verdicts = await persist(() => call(rig.store))
        expectOneOf(['ok', 'conflict'], verdicts)
        expect(new Set(verdicts).size).toBe(1)
        expect(await statesOf(rig, idsOf(draft))).toEqual(['cancelled', 'cancelled', 'accepted'])
        await expectBalance(rig)
      },
    }
  },
}

export const CALL_KINDS: readonly CallKind[] = [
  append,
  appendSettled('appendSettled', {}),
  appendSettled('appendSettled with a limit of its waiting', { lockWaitMs: LOCK_WAIT_MS }),
  ...[claim, extend, settle, settleWithin, promote, cancel],
]

/**
 * A caller who is told to try again does, a few times: the connection may have been cut after the answer, unnoticed, or the deadline is
 * too short for a machine that is busy.
 */
export async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isSpillwayError(error, 'store_unavailable')) throw error
    }
  }
}

async function leased(rig: FaultRig, queue: string): Promise<{ ids: string[]; lease: Lease }> {
  const draft = rig.draft(queue, PAYLOADS)
  await rig.truth.append([draft])
  const [lease] = await rig.claim(queue)
  if (lease === undefined) throw new Error('nothing to claim')
  return { ids: idsOf(draft), lease }
}

export function completed({ chunkId, token }: Pick<Lease, 'chunkId' | 'token'>): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}

function failing(index: number): Settlement['updates'][number] {
  return { index, state: 'failed', attempts: 1, delayMs: 0, error: { code: 'failed', message: 'refused' } }
}

function retrying(index: number): Settlement['updates'][number] {
  return {
    index,
    state: 'retrying',
    attempts: 1,
    delayMs: DAY_MS,
    error: { code: 'timeout', message: 'later' },
  }
}

async function statesOf(rig: FaultRig, ids: readonly string[]): Promise<(string | undefined)[]> {
  return (await rig.truth.reader.get(ids)).map((view) => view?.state)
}

/** Whether the first attempt took effect is open; that all answers tell the same story is not. */
function expectOneOf<T>(allowed: readonly T[], answers: readonly T[]): void {
  expect(answers.filter((answer) => !allowed.includes(answer))).toEqual([])
}

/** Accepted = the sum of all places. */
export async function expectBalance(rig: FaultRig): Promise<void> {
  const { accepted, ...places } = await persist(() => rig.truth.reader.accounting())
  expect(Object.values(places).reduce((sum, count) => sum + count, 0)).toBe(accepted)
}
