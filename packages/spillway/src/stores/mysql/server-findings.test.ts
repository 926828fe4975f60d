import { describe, expect, it } from 'vitest'
import type { Finding } from '../../ports/index.js'
import type { ServerFacts } from './server.js'
import { checkClock, serverFindings } from './server-findings.js'

const GOOD: ServerFacts = {
  ...{ version: '10.11.6-MariaDB', flushAtCommit: 1, binlog: 'off', syncBinlog: 0, engines: [] },
  ...{ maxAllowedPacket: 16 * 1024 * 1024, flushMethod: 'O_DIRECT', readOnly: false },
  ...{ connectionsMax: 151, userConnectionsMax: null, connectionsUsed: 3 },
}

function find(facts: Partial<ServerFacts>, synchronous: 'full' | 'normal' = 'full'): Record<string, Finding> {
  const findings = serverFindings({ ...GOOD, ...facts }, { synchronous, poolSize: 10 })
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]))
}

describe('a MySQL server', () => {
  it('that is as it should be gives nothing to say', () => {
    expect(Object.values(find({})).map(({ level }) => level)).toEqual(Array(8).fill('ok'))
  })

  it.each<[string, 'warn' | 'fail', string, Partial<ServerFacts>]>([
    ['mysql', 'fail', 'MySQL 8.0', { version: '5.7.44' }],
    ['primary', 'fail', 'primary', { readOnly: true }],
    ['durability', 'fail', "'normal'", { flushAtCommit: 2 }],
    ['durability', 'fail', "'normal'", { binlog: 'ROW', syncBinlog: 0 }],
    ['durability', 'fail', 'O_DIRECT', { flushMethod: 'nosync' }],
    ['engine', 'fail', 'InnoDB', { engines: ['spillway_chunks (MyISAM)'] }],
    ['binary log', 'fail', 'MIXED', { binlog: 'STATEMENT' }],
    ['packets', 'fail', '16M', { maxAllowedPacket: 1024 * 1024 }],
    ['connections', 'warn', 'poolSize', { connectionsUsed: 140 }],
    ['connections', 'fail', 'max_connections', { connectionsMax: 19 }],
    ['connections', 'fail', 'max_connections', { userConnectionsMax: 19 }],
  ])('has its %s judged: %s', (name, level, advice, facts) => {
    expect(find(facts)[name]).toMatchObject({ level, advice: expect.stringContaining(advice) })
  })

  it('that may lose the last second is only worth a warning where that is meant', () => {
    expect(find({ flushAtCommit: 2 }, 'normal').durability).toMatchObject({ level: 'warn' })
  })

  it('has its clock compared with this machine', () => {
    expect([checkClock(10_000, 6_000).level, checkClock(10_000, 16_001).level]).toEqual(['ok', 'warn'])
  })
})
