// The memory store, simulated: no real I/O, so thousands of worlds take minutes.

import { type MemoryTx, memory, rowsOf } from '../../../stores/memory/index.js'
import type { SimulatedStores } from './simulated-store.js'

export function memoryStores(): SimulatedStores {
  let written = 0
  return {
    name: 'memory',
    async make(clock) {
      const store = memory({ clock })
      return {
        store,
        isOutside: false,
        insert(tx, table, row) {
          // A key of its own for every row: a second one must show, not overwrite the first.
          written += 1
          ;(tx as MemoryTx).table(table).set(`row-${written}`, row)
        },
        readTable: async (table) => rowsOf(store, table),
        dispose: async () => {},
      }
    },
    close: async () => {},
  }
}
