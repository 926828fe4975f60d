// Bulk writes as a sink makes them, into tables that a test makes.

import type { BulkWrite } from '../../src/ports/index.js'
import { type MysqlRig, mysqlRig } from './mysql-rig.js'

export const CLICKS = 'create table clicks (id varchar(50) primary key, n int, note varchar(50))'

export async function write(rig: MysqlRig, bulk: Partial<BulkWrite>): Promise<void> {
  const whole: BulkWrite = {
    table: 'clicks',
    columns: ['id', 'n'],
    key: ['id'],
    onConflict: 'update',
    rows: [],
    ...bulk,
  }
  await rig.store.settleWithin([], async (scope) => {
    await scope.write(whole)
    return []
  })
}

/** With tables made by these statements. */
export async function rigWith(...statements: string[]): Promise<MysqlRig> {
  const rig = await mysqlRig()
  for (const statement of statements) await rig.rows(statement)
  return rig
}
