// The memory store is the contract's model: it passes all of it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { storeContract } from '../../testing/store-contract/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { memory, rowsOf } from './index.js'

storeContract(
  {
    name: 'memory',
    async make() {
      const clock = new VirtualClock()
      const store = memory({ clock })
      await store.open()
      return {
        store,
        now: () => clock.now(),
        advance: (ms) => clock.advance(ms),
        createTable: () => {},
        readTable: async (table) => rowsOf(store, table),
        dispose: () => store.close(),
      }
    },
  },
  {
    describe,
    it,
    expect,
    forAll: (property) =>
      fc.assert(fc.asyncProperty(fc.array(fc.nat(0xffff), { maxLength: 600, size: 'max' }), property), {
        numRuns: 60,
        endOnFailure: true,
      }),
  },
)
