// What an ordered queue costs when very much is blocked: by the lanes that have something blocked, not by how much each has.

import { describe, expect, it } from 'vitest'
import { listening, type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import type { Lease } from '../../domain/index.js'

const CHUNK = '00000000000070008000000000000000'

interface Crowd {
  readonly keys: number
  /** Per key: the first is dead, the others wait behind it. */
  readonly rows: number
}

/** Blocked rows of one partition, far more than tests could settle one by one. */
function crowd(rig: SqliteRig, { keys, rows }: Crowd): void {
  const total = keys * rows
  rig.connect().exec(`
    insert into spillway_chunks (id, queue, type, priority, partition, codec, state, blocked, promoted, size, accepted,
      live, created_at, ended_at, open, unsuccessful, body)
    values ('${CHUNK}', 'main', 'work', 0, 3, 'json', 'done', 0, 0, ${total}, ${total}, 0, 0, 0, ${total - keys}, ${keys},
      (with recursive n (i) as (select 0 union all select i + 1 from n where i < ${total - 1})
       select '[' || group_concat(i) || ']' from n));
    with recursive n (i) as (select 0 union all select i + 1 from n where i < ${total - 1})
    insert into spillway_parked (chunk_id, idx, queue, type, priority, partition, state, attempts, accepted_at,
      finished_at, seq, ordering_key)
    select '${CHUNK}', i, 'main', 'work', 0, 3, iif(i < ${keys}, 'dead', 'blocked'), 0, 0, iif(i < ${keys}, 0, null), 1,
      printf('key-%05d', i % ${keys})
    from n;`)
}

function promote(rig: SqliteRig, limit = 100): Promise<number> {
  return rig.store.promote({ limit, chunkCommandsMax: 1_000, newChunkId: () => rig.draft().id })
}

async function claim({ store }: SqliteRig): Promise<Lease | undefined> {
  const leases = await store.claim({
    ...{ queue: 'main', types: ['work'], chunksMax: 1, commandsMax: 1_000, leaseMs: 1_000, workerId: 'w' },
  })
  return leases[0]
}

describe('100,000 commands that are blocked behind one', () => {
  it('follow in order, as many as asked, once that one is over', async () => {
    const rig = await sqliteRig()
    crowd(rig, { keys: 1, rows: 100_001 })
    expect(await promote(rig)).toBe(0)
    expect(await rig.store.control.discard([`${CHUNK}-0`])).toEqual(['ok'])
    expect(await promote(rig, 50)).toBe(50)
    const lease = await claim(rig)
    expect(lease?.members?.map(({ place }) => place?.[1])).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    )
    expect(lease?.blockers).toEqual([{ orderingKey: 'key-00000', place: [1, 51] }])
    expect(await rig.store.reader.queues()).toMatchObject([{ blocked: 99_950, running: 50 }])
  })
})

describe('many keys with something blocked', () => {
  it('are looked at in turn, some by each call', async () => {
    const rig = await sqliteRig()
    crowd(rig, { keys: 2_500, rows: 2 })
    expect(await rig.store.control.discard([`${CHUNK}-2499`])).toEqual(['ok'])
    const moved: number[] = []
    for (let call = 0; call < 4; call += 1) moved.push(await promote(rig))
    expect(moved).toEqual([0, 0, 1, 0])
    expect((await claim(rig))?.members?.map(({ place }) => place?.[1])).toEqual([4_999])
  })

  it('are all told to who claims their partition', async () => {
    const rig = await sqliteRig()
    crowd(rig, { keys: 40, rows: 3 })
    await rig.store.append([rig.draft({ partition: 3 })])
    const blockers = (await claim(rig))?.blockers ?? []
    const places = blockers.map(({ place }) => place[1]).sort((a, b) => a - b)
    expect(places).toEqual(Array.from({ length: 40 }, (_, n) => n))
  })
})

describe('statements about lanes', () => {
  it('write the partition as an integer, also where the driver binds every number as a real', async () => {
    const statements = new Set<string>()
    await sqliteRig({ wrap: (client) => listening(client, statements) })
    const about = [...statements].filter((sql) => sql.includes('json_array(?'))
    expect(about).not.toEqual([])
    for (const sql of about)
      expect(sql.replaceAll('json_array(?1, cast(?2 as integer))', '')).not.toContain('json_array(?')
  })

  it('step from lane to lane by the indexes made for it', async () => {
    const statements = new Set<string>()
    const rig = await sqliteRig({ wrap: (client) => listening(client, statements) })
    const plans = rig.connect()
    const about = [...statements].filter((sql) => /\blanes? |\blane =/.test(sql))
    expect(about).toHaveLength(5)
    for (const sql of about) {
      const steps = plans.prepare(`explain query plan ${sql}`).all() as { detail: string }[]
      const details = steps
        .map(({ detail }) => detail)
        .filter((detail) => /(SEARCH|SCAN) (?!lanes|CONSTANT)/.test(detail))
      expect(details).not.toEqual([])
      for (const detail of details) {
        expect(detail).toMatch(/INDEX spillway_parked_(blocked|holding) \(lane|INTEGER PRIMARY KEY/)
      }
    }
  })
})
