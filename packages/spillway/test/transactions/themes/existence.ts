// It exists when the transaction commits, and never existed when it rolls back.

import { expect, it } from 'vitest'
import { log, ship, track } from '../commands.js'
import { codeOf, type LibraryScene } from '../scene.js'

export function existence(on: LibraryScene): void {
  it('exists once that commits, and not before', async () => {
    const { scene } = on
    const order = scene.newOrder('größer \u0000 als "früher" \\ 😀 ?')
    const receipt = await on.library.run(async ({ tx, order: place }) => {
      await place(order.id)
      const given = await scene.spillway.submit(ship, order, { tx })
      expect(await codeOf(scene.spillway.outcome(given.id))).toBe('not_found')
      return given
    })
    expect(receipt).toMatchObject({ status: 'accepted', durability: 'transaction' })
    const outcome = await scene.spillway.outcome(receipt.id, { payload: true })
    expect(outcome).toMatchObject({ state: 'accepted', acceptedAt: receipt.acceptedAt })
    expect(JSON.parse(outcome.payload ?? '')).toEqual(order)
    expect(await scene.isOrdered(order.id)).toBe(true)
  })

  it('never existed when it rolls back, and neither did its key', async () => {
    const { scene } = on
    const order = scene.newOrder()
    const before = await scene.spillway.accounting()
    const receipt = await on.rollBackAfter(async ({ tx, order: place }) => {
      await place(order.id)
      return scene.spillway.submit(ship, order, { tx })
    })
    expect(await codeOf(scene.spillway.outcome(receipt.id))).toBe('not_found')
    expect(await scene.spillway.accounting()).toEqual(before)
    expect(await scene.isOrdered(order.id)).toBe(false)
    const other = await scene.spillway.submit(ship, { ...order, note: 'other' })
    expect(other.status).toBe('accepted')
  })

  it('is undone by a statement of the caller that fails afterwards', async () => {
    const { scene } = on
    const order = scene.newOrder()
    let id = ''
    const failed = on.library.run(async ({ tx, order: place }) => {
      await place(order.id)
      id = (await scene.spillway.submit(ship, order, { tx })).id
      await place(order.id)
    })
    await expect(failed).rejects.toThrow()
    expect(await codeOf(scene.spillway.outcome(id))).toBe('not_found')
    expect(await scene.isOrdered(order.id)).toBe(false)
  })

  it('takes times, priorities, ordered queues and commands without keys', async () => {
    const { scene } = on
    const order = scene.newOrder()
    const ids = await on.library.run(async ({ tx }) => {
      const later = await scene.spillway.submit(log, order, { tx, delay: '1h', priority: 5 })
      const first = await scene.spillway.submit(track, order, { tx })
      const second = await scene.spillway.submit(track, { ...order, note: 'second' }, { tx })
      return [later.id, first.id, second.id]
    })
    const [later, ...tracked] = await Promise.all(ids.map((id) => scene.spillway.outcome(id)))
    expect(later).toMatchObject({ state: 'scheduled', priority: 5 })
    expect((later?.nextAt ?? 0) - (later?.acceptedAt ?? 0)).toBeGreaterThan(3_500_000)
    expect(tracked.map((view) => view.state)).toEqual(['accepted', 'accepted'])
  })
}
