// Claims and tenants by plan: what is ready is stepped through by index and never sorted, whatever else waits there.

import { describe, expect, it } from 'vitest'
import { listening, sqliteRig } from '../../../test/support/sqlite-rig.js'

/** Steps of the plans of the statements that fit. */
async function plansOf(fits: (sql: string) => boolean): Promise<{ statements: number; details: string[] }> {
  const all = new Set<string>()
  const rig = await sqliteRig({ wrap: (client) => listening(client, all) })
  const plans = rig.connect()
  const statements = [...all].filter(fits)
  const details = statements.flatMap((sql) => {
    const steps = plans.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
    return steps.map(({ detail }) => detail)
  })
  return { statements: statements.length, details }
}

describe('claiming', () => {
  it('reads ready chunks in the order of the index, by priority or the oldest of each priority', async () => {
    const ready = /^\s*select (seq|1|max).*from spillway_chunks where state = 'ready'/s
    const { statements, details } = await plansOf((sql) => ready.test(sql))
    expect(statements).toBe(8)
    for (const detail of details) {
      expect(detail).toMatch(
        /INDEX spillway_chunks_(ready \(queue=\? AND blocked=\? AND <expr>=\? AND type=\?|tenant \(queue=\? AND blocked=\? AND tenant=\? AND type=\?)/,
      )
    }
  })

  it('finds the few chunks without a tenant, and each tenant, among very many others', async () => {
    const rig = await sqliteRig()
    const drafts = Array.from({ length: 3_000 }, (_, n) =>
      rig.draft({ tenant: n % 2 === 0 ? 'a' : 'b', priority: 1 }),
    )
    await rig.store.append([
      ...drafts,
      rig.draft({ payloads: ['own'] }),
      rig.draft({ tenant: 'c', payloads: ['c'] }),
    ])
    expect((await rig.store.readyTenants('main', ['work'], 10)).map(({ tenant }) => tenant)).toEqual([
      'a',
      'b',
      '',
      'c',
    ])
    const request = {
      queue: 'main',
      types: ['work'],
      chunksMax: 1,
      commandsMax: 10,
      leaseMs: 1_000,
      workerId: 'w',
    }
    for (const [tenant, body] of [
      ['', '["own"]'],
      ['c', '["c"]'],
    ] as const)
      expect(await rig.store.claim({ ...request, tenant })).toMatchObject([{ body }])
  })
})

describe('telling whose commands wait', () => {
  it('steps from tenant to tenant, type to type and priority to priority', async () => {
    const { statements, details } = await plansOf((sql) => sql.includes('heads (seq)'))
    expect(statements).toBe(2)
    const looks = details.filter((detail) => /SEARCH (spillway_chunks|later|lower|head) /.test(detail))
    expect(looks).not.toEqual([])
    for (const detail of looks) {
      expect(detail).toMatch(/tenant>\?|(tenant|<expr>)=\? AND type=\?|INTEGER PRIMARY KEY/)
    }
    expect(details.filter((detail) => /^SCAN (spillway_chunks|later|lower|head)\b/.test(detail))).toEqual([])
  })
})
