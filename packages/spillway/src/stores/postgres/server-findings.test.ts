import { describe, expect, it } from 'vitest'
import type { Finding } from '../../ports/index.js'
import { type PostgresOptions, settingsOf } from './options.js'
import { type Between, betweenFindings } from './pooler.js'
import type { ServerFacts } from './server-facts.js'
import { serverFindings } from './server-findings.js'

const NOW = 1_700_000_000_000
const GOOD: ServerFacts = {
  ...{
    version: '15.4',
    version_number: 150_004,
    fsync: true,
    full_page_writes: true,
    synchronous_commit: 'on',
  },
  ...{ autovacuum: true, standby: false, read_only: false, connections: 97, connections_used: 3, now: NOW },
}

const named = (findings: readonly Finding[]): Record<string, Finding> =>
  Object.fromEntries(findings.map((finding) => [finding.name, finding]))

function find(facts: Partial<ServerFacts>, options: PostgresOptions = {}): Record<string, Finding> {
  return named(serverFindings({ ...GOOD, ...facts }, settingsOf('postgres://u@h/d', options), NOW))
}

describe('a PostgreSQL server', () => {
  it('that is as it should be gives nothing to say', () => {
    expect(Object.values(find({})).map(({ level }) => level)).toEqual(Array(6).fill('ok'))
  })

  it.each<[string, 'warn' | 'fail', string, Partial<ServerFacts>]>([
    ['postgres', 'fail', '13 or later', { version: '12.9', version_number: 120_009 }],
    ['primary', 'fail', 'primary', { standby: true }],
    ['primary', 'fail', 'default_transaction_read_only', { read_only: true }],
    ['durability', 'fail', 'fsync', { fsync: false }],
    ['durability', 'warn', 'whole', { full_page_writes: false }],
    ['durability', 'warn', 'synchronous_commit', { synchronous_commit: 'off' }],
    ['autovacuum', 'warn', 'Set it to on', { autovacuum: false }],
    ['connections', 'warn', 'max_connections', { connections_used: 77 }],
    ['connections', 'fail', 'connectionsMax', { connections: 20 }],
    ['server clock', 'warn', 'time synchronisation', { now: NOW - 6_000 }],
  ])('has its %s judged: %s', (name, level, advice, facts) => {
    expect(find(facts)[name]).toMatchObject({ level, advice: expect.stringContaining(advice) })
  })

  it('is asked for as many connections as the options say', () => {
    const options = { connectionsMax: 5, transactionsMax: 2, listen: false }
    expect(find({ connections: 7, connections_used: 0 }, options).connections).toMatchObject({
      level: 'ok',
      detail: expect.stringContaining('up to 7'),
    })
    expect(
      find({ connections: 7, connections_used: 0 }, { ...options, listen: true }).connections,
    ).toMatchObject({
      level: 'fail',
    })
  })
})

describe('what is between', () => {
  it.each<[Between, boolean, Finding['level'], Finding['level']]>([
    [{ pooler: 'none', prepares: true, hears: true }, true, 'ok', 'ok'],
    [{ pooler: 'none', prepares: true, hears: false }, true, 'ok', 'warn'],
    [{ pooler: 'sessions', prepares: true, hears: true }, true, 'ok', 'ok'],
    [{ pooler: 'transactions', prepares: false, hears: false }, true, 'fail', 'warn'],
    [{ pooler: 'transactions', prepares: true, hears: null }, true, 'ok', 'ok'],
    [{ pooler: 'transactions', prepares: false, hears: null }, false, 'ok', 'ok'],
  ])('%o, with prepare %s, is %s and %s', (between, prepare, pooler, wakeUp) => {
    expect(named(betweenFindings(between, prepare))).toMatchObject({
      pooler: { level: pooler },
      'wake-up': { level: wakeUp },
    })
  })
})
