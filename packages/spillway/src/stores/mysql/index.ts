export { classifyMysqlError } from './errors.js'
export type { MysqlTx } from './handlers-tx.js'
export { type MysqlStore, mysql } from './mysql-store.js'
export type { MysqlOptions } from './options.js'
