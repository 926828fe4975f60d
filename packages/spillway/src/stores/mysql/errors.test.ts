import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../../errors/index.js'
import { endsConnection, storeError } from './errors.js'
import { classifyMysqlError } from './index.js'

function serverError(errno: number, sqlState = 'HY000', message = 'from the server'): Error {
  return Object.assign(new Error(message), {
    ...{ code: 'ER_SOME', errno, sqlState },
    sql: "insert into t values ('secret payload')",
  })
}

function networkError(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -111, syscall: 'connect' })
}

describe('errors of MySQL', () => {
  it.each([
    ['full', 1021],
    ['full', 1114],
    ['read_only', 1290],
    ['read_only', 1836],
    ['read_only', 1792],
    ['too_many_connections', 1040],
    ['too_many_connections', 1203],
    ['locked', 1205],
    ['deadlock', 1213],
    ['interrupted', 1317],
    ['access_denied', 1045],
    ['no_database', 1049],
    ['tls_required', 3159],
    ['connection', 1053],
    ['connection', 1927],
    ['resources', 1041],
  ])('%s (%i): the store is unavailable', (reason, errno) => {
    expect(classifyMysqlError(serverError(errno))).toBe('transient')
    expect(storeError(serverError(errno), 'db:3306/app')).toMatchObject({
      ...{ code: 'store_unavailable', retryable: true },
      details: { reason, place: 'db:3306/app' },
    })
  })

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'PROTOCOL_CONNECTION_LOST'])(
    '%s: the server is away, and the connection over',
    (code) => {
      expect(storeError(networkError(code), 'p')).toMatchObject({
        ...{ code: 'store_unavailable', details: { reason: 'connection' } },
      })
      expect([classifyMysqlError(networkError(code)), endsConnection(networkError(code))]).toEqual([
        'transient',
        true,
      ])
    },
  )

  it.each([
    ['HANDSHAKE_NO_SSL_SUPPORT', 'tls_unavailable', 'Give the server a certificate'],
    ['HANDSHAKE_SSL_ERROR', 'tls', 'could not agree on TLS with this process: HANDSHAKE_SSL_ERROR.'],
    ['ERR_OSSL_PEM_NO_START_LINE', 'tls', 'could not agree on TLS with this process: ERR_OSSL'],
    ['CERT_HAS_EXPIRED', 'certificate', 'has expired or is not valid yet. Renew it'],
  ])('%s: the connection is not encrypted, for the reason %s', (code, reason, words) => {
    const error = Object.assign(networkError(code), { fatal: true })
    expect(storeError(error, 'p')).toMatchObject({
      ...{ code: 'store_unavailable', message: expect.stringContaining(words), details: { reason } },
    })
  })

  it('a call on a connection that was closed: the server is away', () => {
    const closed = Object.assign(new Error("Can't add new command when connection is in closed state"), {
      fatal: true,
    })
    expect(storeError(closed, 'p')).toMatchObject({ details: { reason: 'connection' } })
  })

  it.each([
    [1062, '23000'],
    [1048, '23000'],
    [1452, '23000'],
    [4025, '23000'],
    [1264, '22003'],
    [1366, '22007'],
    [1406, '22001'],
    [1292, '22007'],
    [1153, '08S01'],
  ])('constraint, type or size (%i): the row is at fault', (errno, state) => {
    expect(classifyMysqlError(serverError(errno, state))).toBe('data')
  })

  it.each([
    [1146, '42S02'],
    [1054, '42S22'],
    [1142, '42000'],
    [1143, '42000'],
    [1370, '42000'],
  ])('table, column or privilege (%i): the schema is at fault', (errno, state) => {
    expect(classifyMysqlError(serverError(errno, state))).toBe('schema')
    expect(storeError(serverError(errno, state), 'p')).toMatchObject({ code: 'store_incompatible' })
  })

  it('a statement that makes no sense can never work', () => {
    expect(classifyMysqlError(serverError(1064, '42000'))).toBe('permanent')
  })

  it('never pass on the statement, or what the server quotes of it', () => {
    const quoting = serverError(1064, '42000', "syntax error near 'secret payload'")
    for (const error of [quoting, serverError(1062, '23000', "Duplicate entry 'secret payload'")]) {
      const told = storeError(error, 'p') as SpillwayError
      expect(
        JSON.stringify([told.message, told.details, told.cause, (told.cause as Error).message]),
      ).not.toMatch(/secret/)
      expect(told.cause).not.toHaveProperty('sql')
    }
  })

  it('are not made of errors that are not theirs', () => {
    const other = new TypeError('x')
    const own = new SpillwayError('closed', 'x')
    expect([storeError(other, 'p'), storeError(own, 'p')]).toEqual([other, own])
    expect([classifyMysqlError(other), classifyMysqlError('text'), classifyMysqlError(null)]).toEqual([
      null,
      null,
      null,
    ])
    expect(classifyMysqlError(new SpillwayError('store_unavailable', 'x'))).toBe('transient')
  })
})
