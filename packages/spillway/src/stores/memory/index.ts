export { commandOf, type MemoryOptions, memory, rowsOf } from './memory-store.js'
export { type MemoryRow, type MemoryTable, type MemoryTx, rowKey } from './tables.js'
