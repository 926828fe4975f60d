// What PostgreSQL, the network and the driver report, in Spillway's words, and that no password is in them.

import pg from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { claimAll, complete, disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { untilAnswered } from '../../../test/support/until-answered.js'
import { SpillwayError } from '../../errors/index.js'
import { classifyPostgresError, connectError, storeError } from './errors.js'
import { type PostgresOptions, postgres } from './index.js'

/** As often as there are connections, a call may find one before its end was heard of; and a busy machine may be late. */
const FAILURES_MAX = 40

const PLACE = { where: 'db.example:5432/app', sent: true }

function fromServer(code: string): Error {
  return Object.assign(new Error('as the server says'), { code, severity: 'ERROR' })
}

describe('classifyPostgresError', () => {
  it.each([
    ...[
      '40001',
      '40P01',
      '55P03',
      '57P01',
      '57P02',
      '57P03',
      '57014',
      '53100',
      '53200',
      '53300',
      '25006',
      '25P03',
      '58030',
    ].map((code) => [code, 'transient'] as const),
    ...['08000', '08006', '08P01'].map((code) => [code, 'transient'] as const),
    ...['23505', '23502', '23503', '23514', '22001', '22003', '22P02', '22021', '54000'].map(
      (code) => [code, 'data'] as const,
    ),
    ...['42P01', '42703', '42501', '42883', '3F000', '42804'].map((code) => [code, 'schema'] as const),
    ...['42601', 'P0001', 'XX000'].map((code) => [code, 'permanent'] as const),
  ])('takes SQLSTATE %s for %s', (code, fault) => {
    expect(classifyPostgresError(fromServer(code))).toBe(fault)
  })

  it.each([
    [Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
    [new AggregateError([Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })])],
    [new Error('Connection terminated unexpectedly')],
    [new Error('Query read timeout')],
    [new Error('timeout exceeded when trying to connect')],
  ])('takes %s for transient', (error) => {
    expect(classifyPostgresError(error)).toBe('transient')
  })

  it("knows nothing of errors that are not PostgreSQL's", () => {
    for (const error of [new TypeError('x'), 'text', null, Object.assign(new Error('x'), { code: '23505' })])
      expect(classifyPostgresError(error)).toBe('permanent')
  })
})

describe('what a call rejects with', () => {
  it.each([
    ['53100', 'full'],
    ['53300', 'connections'],
    ['25006', 'read_only'],
    ['57P01', 'shutdown'],
    ['40P01', 'busy'],
    ['57014', 'timeout'],
  ])('is store_unavailable for SQLSTATE %s, with the reason %s', (code, reason) => {
    expect(storeError(fromServer(code), PLACE)).toMatchObject({
      code: 'store_unavailable',
      retryable: true,
      details: { reason, where: PLACE.where },
    })
  })

  it('says that the outcome is unknown when the connection was lost after something was sent', () => {
    const lost = new Error('Connection terminated unexpectedly')
    expect(storeError(lost, PLACE)).toMatchObject({ details: { outcome: 'unknown' } })
    expect(storeError(lost, { ...PLACE, sent: false })).not.toMatchObject({ details: { outcome: 'unknown' } })
    expect(storeError(fromServer('40P01'), PLACE)).not.toMatchObject({ details: { outcome: 'unknown' } })
  })

  it('explains a missing prepared statement, and a missing table', () => {
    expect(storeError(fromServer('26000'), PLACE)).toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('prepare: false'),
    })
    expect(storeError(fromServer('42P01'), PLACE)).toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('spillway migrate'),
    })
  })

  it('leaves errors alone that are its own or nobody’s', () => {
    const own = new SpillwayError('closed', 'x')
    const other = new TypeError('x')
    expect([storeError(own, PLACE), storeError(other, PLACE)]).toEqual([own, other])
  })
})

describe('what a call rejects with that got no connection', () => {
  it.each([
    ['28P01', 'access_denied', 'password'],
    ['28000', 'access_denied', 'password'],
    ['3D000', 'no_database', 'Create it'],
    ['53300', 'connections', 'max_connections'],
  ])('is store_unavailable for SQLSTATE %s, with the reason %s and advice', (state, reason, advice) => {
    expect(connectError(fromServer(state), PLACE.where)).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(advice),
      details: { reason, where: PLACE.where },
    })
  })

  it.each([
    ['28000', 'no pg_hba.conf entry for host "h", user "u", database "d", no encryption'],
    ['28000', 'pg_hba.conf rejects connection for host "h", user "u", database "d", SSL off'],
    ['28000', 'SSL connection is required. Please specify SSL options and retry.'],
    ['08P01', 'SSL required'],
    ['XX000', 'connection is insecure (try using `sslmode=require`)'],
  ])('asks for TLS where the server, or what stands before it, says %s %s', (state, message) => {
    const error = Object.assign(fromServer(state), { message })
    expect(connectError(error, PLACE.where)).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('Ask for TLS by sslmode=verify-full in the url'),
      details: { reason: 'tls_required' },
    })
  })

  it.each([
    ['The server does not support SSL connections', 'tls_unavailable', 'Set ssl to on at the server'],
    ['There was an error establishing an SSL connection', 'tls', 'could not agree on TLS with this process'],
    [
      'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string',
      'connection',
      'client password must',
    ],
  ])('explains what the driver says: %s', (message, reason, words) => {
    expect(connectError(new Error(message), PLACE.where)).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(words),
      details: { reason },
    })
  })
})

describe('options', () => {
  it.each([
    'postgres://u@/d?host=/run/postgresql',
    'postgres:///d',
    'postgresql://u:p%40@[::1]:5433/d?sslmode=require',
    'postgres://u@h/d?ssl=true',
    'postgres://u@h/d?ssl=no-verify',
  ])('may have a url such as %s', (url) => {
    expect(postgres(url).name).toBe('postgres')
  })

  it.each([
    ['nothing', {}],
    ['both a url and a pool', { url: 'postgres://u:secret-word@h/d', pool: new pg.Pool() }],
    ['another kind of url', { url: 'mysql://u:secret-word@h/d' }],
    ['a url that cannot be read', { url: 'postgres://u:p#secret-word@h/d' }],
    ['a password with a hash', { url: 'postgres://u:#secret-word@h/d' }],
    ['a password with a slash', { url: 'postgres://u:1/secret-word@h/d' }],
    ['TLS that the driver would fail over', { url: 'postgres://u:secret-word@h/d?ssl=require' }],
    ['TLS that is not what it looks like', { url: 'postgres://u:secret-word@h/d?ssl=false' }],
    [
      'TLS in two places',
      { url: 'postgres://u:secret-word@h/d?sslmode=verify-full', connection: { ssl: { ca: 'pem' } } },
    ],
    ['no options, as from a variable that is not set', undefined as unknown as PostgresOptions],
  ])('are refused with %s, without a word of what was given', (_, options) => {
    let error: unknown
    try {
      postgres(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'invalid_argument' })
    expect(everythingIn(error)).not.toContain('secret-word')
  })
})

requireServer(describe, 'postgres')('a store whose server is in trouble', () => {
  const newRig = disposing(postgresRigs())

  it('says that a server does not answer, and not who asked', async () => {
    const store = postgres('postgres://user:secret-word@127.0.0.1:1/app?sslmode=disable')
    for (const call of [store.open, store.schema.state, store.schema.migrate]) {
      const error = await call().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store_unavailable', details: { where: '127.0.0.1:1/app' } })
      expect(everythingIn(error)).not.toContain('secret-word')
    }
  })

  it('rejects every call while it is closed', async () => {
    const { store } = await newRig({ state: 'migrated' })
    const closed = { code: 'closed', retryable: true }
    await expect(store.append([])).rejects.toMatchObject(closed)
    await expect(claimAll(store)).rejects.toMatchObject(closed)
    await expect(store.settle([])).rejects.toMatchObject(closed)
    await expect(store.settleWithin([], () => [])).rejects.toMatchObject(closed)
    await expect(store.reader.queues()).rejects.toMatchObject(closed)
    await expect(store.control.queueSettings()).rejects.toMatchObject(closed)
    await expect(store.nodes.list()).rejects.toMatchObject(closed)
    await expect(store.probe()).rejects.toMatchObject(closed)
  })

  it('gives up a call after its deadline, and the connection with it', async () => {
    const rig = await newRig()
    const hasty = await untilAnswered(
      () => rig.other({ queryTimeoutMs: 500, connectionsMax: 1 }),
      FAILURES_MAX,
    )
    const session = await sessionOn(rig)
    const lease = await rig.lease()
    await session.query('begin')
    await session.query('select 1 from chunks for update')
    await expect(hasty.settle([complete(lease)])).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'timeout', outcome: 'unknown' },
    })
    await session.query('rollback')
    const draft = rig.draft()
    await untilAnswered(() => hasty.append([draft]), FAILURES_MAX)
  })

  it('lives through the end of all of its connections', async () => {
    const rig = await newRig()
    await rig.store.append([rig.draft()])
    await rig.rows(`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'spillway'`)
    const draft = rig.draft()
    await untilAnswered(() => rig.store.append([draft]), FAILURES_MAX)
    expect(await untilAnswered(() => claimAll(rig.store), FAILURES_MAX)).toHaveLength(2)
  })

  it('can neither probe nor append on a read-only server, and says so', async () => {
    const rig = await newRig()
    const store = await rig.other({ connection: { options: '-c default_transaction_read_only=on' } })
    const readOnly = { code: 'store_unavailable', details: { reason: 'read_only' } }
    await expect(store.probe()).rejects.toMatchObject(readOnly)
    await expect(store.append([rig.draft()])).rejects.toMatchObject(readOnly)
    await rig.store.probe()
    await rig.store.probe()
    expect(await rig.rows('select count(*)::int as probes from @.probes')).toEqual([{ probes: 1 }])
  })

  it('keeps to its own way of reading values when the application changed the driver’s', async () => {
    const rig = await newRig()
    const before = pg.types.getTypeParser(20)
    onTestFinished(() => pg.types.setTypeParser(20, before))
    pg.types.setTypeParser(20, (text) => BigInt(text))
    const lease = await rig.lease()
    expect(typeof lease.token).toBe('number')
  })
})

/** All texts of an error, its causes included. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? ''
  const own = JSON.stringify(
    Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name))),
  )
  return `${own} ${JSON.stringify(error)} ${everythingIn(error.cause)}`
}
