// Durability and sharing: what one handle wrote, another one sees, also after the first is gone.

import type { StoreReader, StoreShared } from '../../../ports/index.js'
import type { AnyStore } from '../harness.js'
import { LEASE_MS } from '../scene.js'
import { needsReopen, type Theme } from '../suite.js'
import { awaiting, blocking, doubting, failing, retrying } from '../updates.js'

export const durabilityTheme: Theme = {
  name: 'durability',
  define({ test }) {
    test(
      'has everything after it was closed and opened again',
      async (scene) => {
        const { expect, store, subject } = scene
        const worked = await scene.submit({ payloads: ['a', 'b', 'c'], keys: ['k', null, null] })
        await scene.settle(await scene.claimOne(), { updates: [failing(1), retrying(2, 1_000)] })
        const waiting = await scene.submit({ size: 2 })
        const settings = { paused: true, pauseReason: 'why', leasesMax: 3 }
        await store.control.configureQueue('elsewhere', settings)
        const ids = [...worked.ids, ...waiting.ids]
        const before = await store.reader.get(ids, { payload: true })
        await store.close()
        const opened = await subject.reopen?.()
        expect(await opened?.reader.get(ids, { payload: true })).toEqual(before)
        expect([...((await opened?.control.queueSettings()) ?? [])]).toEqual([['elsewhere', settings]])
        const repeat = scene.draft({ payloads: ['a'], keys: ['k'] })
        expect(await opened?.append([repeat])).toMatchObject([
          { verdicts: [{ status: 'duplicate', id: worked.ids[0] }] },
        ])
        await store.open()
      },
      needsReopen,
    )

    test(
      'has what waits, is shared and was noted, with all of its notes',
      async (scene) => {
        const { expect, store, subject } = scene
        const ordered = { partition: 2, payloads: ['a', 'b', 'c'] }
        const notes = { memo: '{"n":1}', orderingKey: 'key', fingerprint: 'alike' }
        const updates = [doubting(0, 1_000, notes), awaiting(1, 1_000, 'hash'), blocking(2, 'key')]
        const { ids } = await scene.park(updates, ordered)
        await store.shared.write([{ key: 'k', value: '1', version: 0, ttlMs: 60_000 }])
        await store.control.audit({ actor: 'a', action: 'b', target: 'c', reason: 'd' }, 3)
        const look = async (reader: StoreReader, shared: StoreShared) => ({
          views: await reader.get(ids, { payload: true }),
          waiting: await reader.waiting('hash'),
          audit: await reader.audit({ limit: 10 }),
          shared: await shared.read(['k']),
        })
        const before = await look(store.reader, store.shared)
        expect(before.waiting?.view.id).toBe(ids[1])
        await store.close()
        const other = (await subject.reopen?.()) as AnyStore
        expect(await look(other.reader, other.shared)).toEqual(before)
        await store.open()
        expect(await scene.promoteAfter(1_000), 'the blocked one waits for the first').toBe(2)
      },
      needsReopen,
    )

    test(
      'fences a worker of one process against a worker of another',
      async (scene) => {
        const { expect, subject } = scene
        const other = await subject.reopen?.()
        const { ids } = await scene.submit({ size: 2 })
        const late = await scene.claimOne()
        await scene.advance(LEASE_MS + 1)
        const request = {
          queue: 'main',
          types: ['work'],
          chunksMax: 1,
          commandsMax: 10,
          leaseMs: LEASE_MS,
          workerId: 'other',
        }
        const [current] = (await other?.claim(request)) ?? []
        expect(current?.token).toBeGreaterThan(late.token)
        expect(await scene.settle(late, { updates: [failing(0)] })).toBe('stale')
        const settlement = {
          chunkId: late.chunkId,
          token: current?.token ?? 0,
          updates: [],
          finished: [],
          complete: true,
        }
        expect(await other?.settle([settlement])).toEqual(['ok'])
        expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
      },
      needsReopen,
    )

    test(
      'gives a key to one of two processes that submit under it at once',
      async (scene) => {
        const { expect, store, subject } = scene
        const other = await subject.reopen?.()
        for (let round = 0; round < 10; round += 1) {
          const drafts = [0, 1].map(() => scene.draft({ payloads: [round], keys: [`k${round}`] }))
          const answers = await Promise.all(
            drafts.map((draft, n) => (n === 0 ? store : other)?.append([draft])),
          )
          const accepted = answers.filter((answer) => answer?.[0]?.verdicts === null)
          expect(accepted).toHaveLength(1)
        }
        expect((await store.reader.accounting()).accepted).toBe(10)
      },
      needsReopen,
    )

    test('can be closed twice, and opened again', async (scene) => {
      const { expect, store } = scene
      const { ids } = await scene.submit()
      await store.close()
      await store.close()
      await store.open()
      expect(await scene.states(ids)).toEqual(['accepted'])
    })
  },
}
