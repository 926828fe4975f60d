// Storing chunks: what it costs, and what happens when something of it is known already or changes meanwhile.

import { Connection } from 'mysql2'
import { describe, expect, it, vi } from 'vitest'
import { mysqlRig } from '../../../test/support/mysql-rig.js'
import { CHUNK_BYTES_MAX, commandId } from '../../domain/index.js'
import { SEPARATOR } from './packets.js'

const DAY_MS = 86_400_000

/** How often what is sent during a call ends a transaction, and how. */
async function endsOf(call: () => Promise<unknown>): Promise<Record<'commits' | 'rollbacks', number>> {
  const query = vi.spyOn(Connection.prototype, 'query')
  try {
    await call()
    const sent = query.mock.calls.flatMap(([sql]) => String(sql).split(SEPARATOR))
    const count = (word: string): number => sent.filter((statement) => statement === word).length
    return { commits: count('commit'), rollbacks: count('rollback') }
  } finally {
    query.mockRestore()
  }
}

describe('a chunk with new keys', () => {
  it('is stored by one transaction, which is not undone', async () => {
    const rig = await mysqlRig()
    await rig.store.append([rig.draft({ keys: ['warm'] })])
    const ends = await endsOf(() =>
      rig.store.append([rig.draft({ payloads: [1, 2, 3], keys: ['a', 'b', null] })]),
    )
    expect(ends).toEqual({ commits: 1, rollbacks: 0 })
  })

  it('is found by its keys from any handle, whoever stored it', async () => {
    const rig = await mysqlRig()
    const draft = rig.draft({ payloads: ['x'], keys: ['k'] })
    await rig.store.append([draft])
    const rows = await rig.rows(
      'select convert(scope using utf8mb4) as scope, convert(idempotency_key using utf8mb4) as k, lower(hex(chunk_id)) as id, idx from spillway_keys_0',
    )
    expect(rows).toEqual([{ scope: 'work', k: 'k', id: draft.id, idx: 0 }])
  })

  it('of the largest size fits into a packet, even if every character must be escaped', async () => {
    const rig = await mysqlRig()
    const payload = "'".repeat(CHUNK_BYTES_MAX - 10)
    const draft = rig.draft({ payloads: [payload] })
    await rig.store.append([draft])
    const [lease] = await rig.store.claim({
      ...{ queue: 'main', types: ['work'], chunksMax: 1, commandsMax: 1, leaseMs: 1_000, workerId: 'w' },
    })
    expect(lease?.body === draft.body).toBe(true)
  })
})

describe('a chunk that is leased as it is stored', () => {
  const lease = { workerId: 'w', leaseMs: 1_000 }

  it('is stored and leased by one transaction, which is not undone whatever is said of other queues', async () => {
    const rig = await mysqlRig()
    await rig.store.control.configureQueue('elsewhere', { paused: true, leasesMax: 1 })
    await rig.store.append([rig.draft({ keys: ['warm'] })])
    const ends = await endsOf(async () => {
      const draft = rig.draft({ payloads: [1, 2], keys: ['a', null] })
      const [result] = await rig.store.append([draft], { lease })
      expect(result?.lease).toMatchObject({ size: 2, skip: [] })
    })
    expect(ends).toEqual({ commits: 1, rollbacks: 0 })
  })

  it('is found as the lease of its worker', async () => {
    const rig = await mysqlRig()
    const [result] = await rig.store.append([rig.draft()], { lease })
    const rows = await rig.rows('select state, token, leased_by, lease_expires_at from spillway_chunks')
    const { token, createdAt } = result?.lease ?? {}
    expect(rows).toEqual([
      { state: 'leased', token, leased_by: 'w', lease_expires_at: (createdAt ?? 0) + lease.leaseMs },
    ])
  })
})

describe('chunks of one call', () => {
  it('that are too large for one packet together are stored all the same, or not at all', async () => {
    const rig = await mysqlRig()
    const large = 'x'.repeat(CHUNK_BYTES_MAX - 10)
    const drafts = [1, 2, 3].map((n) => rig.draft({ payloads: [large], keys: [`large ${n}`] }))
    await rig.store.append(drafts)
    expect(await rig.rows('select count(*) as chunks from spillway_chunks')).toEqual([{ chunks: 3 }])
    const more = [
      rig.draft({ payloads: [large], keys: ['new'] }),
      rig.draft({ payloads: ['y'], keys: ['large 2'] }),
    ]
    const results = await rig.store.append(more, { atomic: true })
    expect(results[1]?.verdicts).toMatchObject([
      { status: 'conflict', id: commandId(drafts[1]?.id ?? '', 0) },
    ])
    expect(await rig.rows('select count(*) as chunks from spillway_chunks')).toEqual([{ chunks: 3 }])
  })

  it('under the same key know each other, in the order they were given', async () => {
    const rig = await mysqlRig()
    const drafts = ['first', 'first', 'other'].map((payload) =>
      rig.draft({ payloads: [payload], keys: ['k'] }),
    )
    const id = commandId(drafts[0]?.id ?? '', 0)
    const results = await rig.store.append(drafts)
    expect(results.map(({ verdicts }) => verdicts)).toEqual([
      null,
      [{ status: 'duplicate', id }],
      [{ status: 'conflict', id }],
    ])
  })
})

describe('keys that many calls want at once', () => {
  it('in any order have one owner each, and no call fails', async () => {
    const rig = await mysqlRig({ poolSize: 8 })
    const keys = Array.from({ length: 40 }, (_, n) => `key ${n}`)
    const drafts = Array.from({ length: 24 }, (_, n) => {
      const order = n % 2 === 0 ? keys : [...keys].reverse()
      return rig.draft({ payloads: order, keys: order })
    })
    const results = (await Promise.all(drafts.map((draft) => rig.store.append([draft])))).flat()
    const accepted = results.map(
      ({ verdicts }) => keys.length - (verdicts?.filter(({ status }) => status !== 'accepted').length ?? 0),
    )
    expect(accepted.reduce((sum, count) => sum + count, 0)).toBe(keys.length)
    expect((await rig.store.reader.accounting()).accepted).toBe(keys.length)
  })
})

describe('the key tables', () => {
  it('are asked both, and only the current one is written', async () => {
    const rig = await mysqlRig()
    const first = rig.draft({ payloads: ['p'], keys: ['old'] })
    await rig.store.append([first])
    await rig.rows(
      `update spillway_key_ring set generation = 1, window_ms = 0, aging_until = ${rig.clock.now() + DAY_MS}`,
    )
    const [result] = await rig.store.append([rig.draft({ payloads: ['p', 'q'], keys: ['old', 'new'] })])
    expect(result?.verdicts).toEqual([
      { status: 'duplicate', id: commandId(first.id, 0) },
      { status: 'accepted' },
    ])
    expect(await rig.rows('select convert(idempotency_key using utf8mb4) as k from spillway_keys_1')).toEqual(
      [{ k: 'new' }],
    )
    expect(await rig.rows('select window_ms from spillway_key_ring')).toEqual([{ window_ms: DAY_MS }])
  })

  it('that were turned since the last append are noticed by the next, which loses nothing', async () => {
    const rig = await mysqlRig()
    for (let generation = 1; generation < 6; generation += 1) {
      await rig.store.append([rig.draft({ keys: [`before ${generation}`] })])
      await rig.rows(
        `update spillway_key_ring set generation = ${generation}, window_ms = 0, aging_until = ${rig.clock.now() + DAY_MS}`,
      )
      const repeat = rig.draft({ keys: [`before ${generation}`] })
      expect((await rig.store.append([repeat]))[0]?.verdicts).toMatchObject([{ status: 'duplicate' }])
    }
  })

  it('an expired key of the other table counts as absent', async () => {
    const rig = await mysqlRig()
    await rig.store.append([rig.draft({ keys: ['k'], windowMs: 1_000 })])
    await rig.rows(
      `update spillway_key_ring set generation = 1, window_ms = 0, aging_until = ${rig.clock.now() + 1_000}`,
    )
    await rig.clock.advance(1_000)
    expect((await rig.store.append([rig.draft({ keys: ['k'] })]))[0]?.verdicts).toBe(null)
  })

  it('are held by an append until it commits: a turn waits for it', async () => {
    const rig = await mysqlRig()
    const other = await rig.connect()
    await rig.store.append([rig.draft({ keys: ['first'] })])
    await other.query('set session innodb_lock_wait_timeout = 1')
    const holder = await rig.connect()
    await holder.beginTransaction()
    await rig.store.append([rig.draft({ keys: ['mine'] })], { tx: holder })
    await expect(
      other.query('update spillway_key_ring set generation = generation + 1'),
    ).rejects.toMatchObject({
      errno: 1205,
    })
    await holder.rollback()
    await other.query('update spillway_key_ring set window_ms = window_ms + 1')
  })

  it('know the longest window of their keys before the key is stored', async () => {
    const rig = await mysqlRig()
    for (const windowMs of [1_000, 5_000, 2_000]) {
      await rig.store.append([rig.draft({ keys: [`of ${windowMs}`], windowMs })])
    }
    expect(await rig.rows('select window_ms from spillway_key_ring')).toEqual([{ window_ms: 5_000 }])
  })
})
