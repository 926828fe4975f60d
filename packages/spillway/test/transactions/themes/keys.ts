// Idempotency keys: repeats, conflicts, and two transactions with the same key at once.

import { expect, it } from 'vitest'
import type { Receipt } from '../../../src/index.js'
import type { UserTransaction } from '../../support/transactions/library.js'
import { bill, ship } from '../commands.js'
import { codeOf, type LibraryScene } from '../scene.js'

export function keys(on: LibraryScene): void {
  it('knows what was submitted before, in the same transaction too', async () => {
    const { scene } = on
    const [early, late] = [scene.newOrder(), scene.newOrder()]
    const first = await scene.spillway.submit(ship, early)
    await on.library.run(async ({ tx, order: place }) => {
      const again = await scene.spillway.submit(ship, early, { tx })
      expect(again).toMatchObject({ status: 'duplicate', id: first.id })
      const second = await scene.spillway.submit(ship, late, { tx })
      expect(await scene.spillway.submit(ship, late, { tx })).toMatchObject({
        status: 'duplicate',
        id: second.id,
      })
      await place(late.id)
    })
    expect(await scene.isOrdered(late.id)).toBe(true)
  })

  it('refuses a conflict and leaves the transaction as it was', async () => {
    const { scene } = on
    const order = scene.newOrder()
    await scene.spillway.submit(ship, order)
    await on.library.run(async ({ tx, order: place }) => {
      const conflicting = scene.spillway.submit(ship, { ...order, note: 'other' }, { tx })
      expect(await codeOf(conflicting)).toBe('idempotency_conflict')
      expect(await codeOf(scene.spillway.submit(ship, { id: 'x' } as never, { tx }))).toBe('invalid_payload')
      await place(order.id)
    })
    expect(await scene.isOrdered(order.id)).toBe(true)
  })

  it('waits for a transaction that has the same key: a repeat when it commits, the first when it rolls back', async () => {
    const { scene } = on
    const other = await on.open(scene.url)
    try {
      for (const commits of [true, false]) {
        const order = scene.newOrder()
        const later: Promise<Receipt>[] = []
        const race = async ({ tx }: UserTransaction) => {
          const first = await scene.spillway.submit(ship, order, { tx })
          later.push(other.run((user) => scene.spillway.submit(ship, order, { tx: user.tx })))
          await scene.someoneWaits()
          return first
        }
        const first = await (commits ? on.library.run(race) : on.rollBackAfter(race))
        const [{ status, id }] = (await Promise.all(later)) as [Receipt]
        expect(status).toBe(commits ? 'duplicate' : 'accepted')
        expect(id === first.id).toBe(commits)
        expect((await scene.spillway.outcome(id)).state).toBe('accepted')
      }
    } finally {
      await other.close()
    }
  })

  it('stores keys that are kept for longer, after others in the same transaction', async () => {
    const { scene } = on
    const order = scene.newOrder()
    await on.library.run(async ({ tx }) => {
      expect((await scene.spillway.submit(ship, order, { tx })).status).toBe('accepted')
      expect((await scene.spillway.submit(bill, order, { tx })).status).toBe('accepted')
    })
    expect((await scene.spillway.submit(bill, order)).status).toBe('duplicate')
  })
}
