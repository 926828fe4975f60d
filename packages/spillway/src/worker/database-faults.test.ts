import { describe, expect, it } from 'vitest'
import { classify } from './classify.js'
import { databaseFault } from './database-faults.js'

const POSTGRES: readonly [code: string, fault: string | undefined][] = [
  ['08000', 'transient'],
  ['08006', 'transient'],
  ['08P01', 'transient'],
  ['25006', 'transient'],
  ['40001', 'transient'],
  ['40P01', 'transient'],
  ['53100', 'transient'],
  ['53300', 'transient'],
  ['55P03', 'transient'],
  ['57014', 'transient'],
  ['57P01', 'transient'],
  ['57P02', 'transient'],
  ['57P03', 'transient'],
  ['58030', 'transient'],
  ['21000', 'data'],
  ['22001', 'data'],
  ['22P02', 'data'],
  ['23502', 'data'],
  ['23505', 'data'],
  ['23514', 'data'],
  ['40002', 'data'],
  ['P0001', 'data'],
  ['28P01', 'schema'],
  ['3D000', 'schema'],
  ['3F000', 'schema'],
  ['42501', 'schema'],
  ['42703', 'schema'],
  ['42883', 'schema'],
  ['42P01', 'schema'],
  ['42P10', 'schema'],
  ['42601', undefined],
  ['XX000', undefined],
  ['EPIPE', undefined],
]

const MYSQL: readonly [errno: number, code: string, fault: string | undefined][] = [
  [1021, 'ER_DISK_FULL', 'transient'],
  [1040, 'ER_CON_COUNT_ERROR', 'transient'],
  [1205, 'ER_LOCK_WAIT_TIMEOUT', 'transient'],
  [1213, 'ER_LOCK_DEADLOCK', 'transient'],
  [1290, 'ER_OPTION_PREVENTS_STATEMENT', 'transient'],
  [1927, 'ER_CONNECTION_KILLED', 'transient'],
  [2006, 'CR_SERVER_GONE_ERROR', 'transient'],
  [2013, 'CR_SERVER_LOST', 'transient'],
  [1048, 'ER_BAD_NULL_ERROR', 'data'],
  [1062, 'ER_DUP_ENTRY', 'data'],
  [1264, 'ER_WARN_DATA_OUT_OF_RANGE', 'data'],
  [1406, 'ER_DATA_TOO_LONG', 'data'],
  [1452, 'ER_NO_REFERENCED_ROW_2', 'data'],
  [4025, 'ER_CONSTRAINT_FAILED', 'data'],
  [1044, 'ER_DBACCESS_DENIED_ERROR', 'schema'],
  [1049, 'ER_BAD_DB_ERROR', 'schema'],
  [1054, 'ER_BAD_FIELD_ERROR', 'schema'],
  [1142, 'ER_TABLEACCESS_DENIED_ERROR', 'schema'],
  [1146, 'ER_NO_SUCH_TABLE', 'schema'],
  [1064, 'ER_PARSE_ERROR', undefined],
]

describe('databaseFault', () => {
  it.each(POSTGRES)('takes SQLSTATE %s for %s', (code, fault) => {
    expect(databaseFault({ code })).toBe(fault)
  })

  it.each(MYSQL)('takes MySQL error %i (%s) for %s', (errno, code, fault) => {
    expect(databaseFault({ errno, code, sqlState: 'HY000' })).toBe(fault)
  })

  it.each([
    ['PROTOCOL_CONNECTION_LOST', 'transient'],
    ['ER_LOCK_DEADLOCK', 'transient'],
    ['P1001', 'transient'],
    ['P2034', 'transient'],
    ['P2021', 'schema'],
    ['P2002', undefined],
  ])('takes the code %s of a client library for %s', (code, fault) => {
    expect(databaseFault({ code })).toBe(fault)
  })

  it('says nothing about errors of anything else', () => {
    for (const error of [
      {},
      { code: 42_703 },
      { code: 'constructor' },
      { code: 'toString' },
      { code: '42p01' },
      { errno: -111, code: 'ECONNREFUSED' },
      { errno: '1213' },
    ])
      expect(databaseFault(error)).toBeUndefined()
  })
})

describe('an error of a database behind another one', () => {
  const wrapped = (code: string) =>
    new Error('Failed query', { cause: Object.assign(new Error('no'), { code }) })

  it('decides, because query builders wrap what their driver throws', () => {
    expect(classify(wrapped('42P01'))).toBe('schema')
    expect(classify(wrapped('40001'))).toBe('transient')
    expect(classify(wrapped('23505'))).toBe('data')
  })

  it('goes behind what the error says itself', () => {
    expect(classify(Object.assign(wrapped('42P01'), { fault: 'permanent' }))).toBe('permanent')
    expect(classify(wrapped('42P01'), () => 'data')).toBe('data')
  })
})
