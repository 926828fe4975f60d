// Schema: migrating is explicit, repeatable and safe to do from anywhere; a store that is not migrated does not open.

import { isSpillwayError } from '../../../errors/index.js'
import { rejectionOf } from '../rejection.js'
import type { Theme } from '../suite.js'

export const schemaTheme: Theme = {
  name: 'schema',
  define({ test, bareTest }) {
    test('has nothing pending once it is migrated, and migrates again without effect', async (scene) => {
      const { expect, store } = scene
      const { ids } = await scene.submit()
      const state = await store.schema.state()
      expect(state.pending).toEqual([])
      expect(state.current).toBe(state.target)
      expect(await store.schema.migrate()).toEqual(state)
      expect(await scene.states(ids)).toEqual(['accepted'])
    })

    bareTest('does not open on a database that was not migrated, and says so', async ({ store }, expect) => {
      expect(isSpillwayError(await rejectionOf(store.open()), 'store_incompatible')).toBe(true)
    })

    bareTest('tells what a migration would do without doing it', async ({ store }, expect) => {
      const state = await store.schema.state()
      expect(state.current).toBe(0)
      expect(state.target).toBeGreaterThan(0)
      expect(state.pending.map(({ version }) => version)).toEqual(state.pending.map((_, index) => index + 1))
      for (const { name, sql } of state.pending) {
        expect(name.length).toBeGreaterThan(0)
        expect(sql.length).toBeGreaterThan(0)
      }
      expect(await store.schema.state()).toEqual(state)
    })

    bareTest('opens after migrating, also when several migrate at once', async ({ store }, expect) => {
      const { target } = await store.schema.state()
      const states = await Promise.all([
        store.schema.migrate(),
        store.schema.migrate(),
        store.schema.migrate(),
      ])
      for (const state of states) expect(state).toEqual({ current: target, target, pending: [] })
      await store.open()
      expect(await store.append([])).toEqual([])
    })
  },
}
