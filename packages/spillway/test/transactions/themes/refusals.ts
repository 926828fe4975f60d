// What is no transaction on the store's database is refused before anything is written.

import { expect, it } from 'vitest'
import { count, ship } from '../commands.js'
import { prepareDatabase } from '../engine.js'
import { codeOf, type LibraryScene } from '../scene.js'

export function refusals(on: LibraryScene): void {
  it('is refused outside a transaction, and stores nothing', async () => {
    const { scene } = on
    const order = scene.newOrder()
    const before = await scene.spillway.accounting()
    const ended = await on.library.run(async ({ tx }) => tx)
    for (const tx of [ended, ...Object.values(on.library.outside)])
      expect(await codeOf(scene.spillway.submit(ship, order, { tx }))).toBe('invalid_argument')
    expect(await scene.spillway.accounting()).toEqual(before)
  })

  it('is refused by a queue in memory, and by a transaction of another database', async () => {
    const { scene } = on
    const elsewhere = await prepareDatabase(scene.engine)
    const other = await on.open(elsewhere.database.url)
    try {
      const refusal = other.run(({ tx }) => scene.spillway.submit(ship, scene.newOrder(), { tx }))
      await expect(refusal).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('another database'),
      })
      const store = scene.engine.storeAt(elsewhere.database.url)
      await store.schema.migrate()
      const stillRefused = other.run(({ tx }) => scene.spillway.submit(ship, scene.newOrder(), { tx }))
      await expect(stillRefused).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('another database'),
      })
      const rows = await elsewhere.observer.query(`select 1 from ${scene.engine.chunksTable}`)
      expect(rows).toEqual([])
    } finally {
      await other.close()
      await elsewhere.observer.close()
      await elsewhere.database.drop()
    }
    const unsupported = on.library.run(({ tx }) => scene.spillway.submit(count, scene.newOrder(), { tx }))
    await expect(unsupported).rejects.toMatchObject({ code: 'unsupported' })
  })
}
