// Many commands in one transaction, in one call or in several at once.

import { expect, it } from 'vitest'
import { log, ship } from '../commands.js'
import type { LibraryScene } from '../scene.js'

export function many(on: LibraryScene): void {
  it('takes many, a bad one refused alone, whatever was started at once', async () => {
    const { scene } = on
    const orders = Array.from({ length: 1_200 }, () => scene.newOrder('x'.repeat(50)))
    const [one] = orders
    const verdicts = await on.library.run(async ({ tx }) => {
      const [many, , again] = await Promise.all([
        scene.spillway.submitMany(ship, [...orders, { id: 'x' } as never], { tx }),
        scene.spillway.submit(log, scene.newOrder(), { tx }),
        scene.spillway.submit(ship, one as never, { tx }),
      ])
      expect(again.status).toBe('duplicate')
      return many
    })
    const ids = verdicts.flatMap((verdict) => (verdict.ok ? [verdict.receipt.id] : []))
    expect(ids).toHaveLength(orders.length)
    expect(verdicts.at(-1)).toMatchObject({ ok: false, error: { code: 'invalid_payload' } })
    expect((await scene.spillway.outcome(ids.at(-1) as string)).state).toBe('accepted')
  })

  it('takes many or none with atomic, and a conflict leaves nothing', async () => {
    const { scene } = on
    const [known, fresh, place] = [scene.newOrder(), scene.newOrder(), scene.newOrder()]
    await scene.spillway.submit(ship, known)
    const before = await scene.spillway.accounting()
    await on.library.run(async (user) => {
      await user.order(place.id)
      const refused = await scene.spillway.submitMany(ship, [fresh, { ...known, note: 'other' }], {
        tx: user.tx,
        atomic: true,
      })
      expect(refused.map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
        'invalid_argument',
        'idempotency_conflict',
      ])
    })
    expect(await scene.spillway.accounting()).toEqual(before)
    expect(await scene.isOrdered(place.id)).toBe(true)
    const stored = await on.library.run(({ tx }) =>
      scene.spillway.submitMany(ship, [fresh, known], { tx, atomic: true }),
    )
    expect(stored.map((verdict) => verdict.ok && verdict.receipt.status)).toEqual(['accepted', 'duplicate'])
  })
}
