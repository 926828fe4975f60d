export { classifyPostgresError } from './errors.js'
export type { PostgresOptions } from './options.js'
export { type PostgresStore, postgres } from './postgres-store.js'
