import type { PoolClient } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import type { AppendVerdict, ChunkDraft } from '../../domain/index.js'
import { newAccess } from './access.js'
import { type KeyRing, type KeyRingOptions, newKeyRing } from './key-ring.js'
import { machinePause, machineRandom } from './machine.js'
import { settingsOf } from './options.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Every table that is not empty is large. */
const LARGE: KeyRingOptions = { smallBytes: 0 }

requireServer(describe, 'postgres')('the ring of keys', () => {
  const rigs = disposing(postgresRigs())

  function ringOf({ url, schema, clock }: PostgresRig, options?: KeyRingOptions): KeyRing {
    const settings = settingsOf(url, { schema, clock, listen: false })
    const access = newAccess(settings, { pause: machinePause, random: machineRandom })
    onTestFinished(() => access.connections.close())
    return newKeyRing(access.database, options)
  }

  function keyed(rig: PostgresRig, keys: readonly string[], windowMs = DAY_MS): ChunkDraft {
    const draft = rig.draft({ payloads: keys })
    return { ...draft, keys: keys.map((key) => ({ key, fingerprint: `of ${key}`, windowMs })) }
  }

  async function append(
    rig: PostgresRig,
    keys: readonly string[],
    windowMs = DAY_MS,
  ): Promise<AppendVerdict['status'][]> {
    const [result] = await rig.store.append([keyed(rig, keys, windowMs)])
    return result?.verdicts?.map(({ status }) => status) ?? keys.map(() => 'accepted')
  }

  async function sizes(rig: PostgresRig): Promise<unknown> {
    const [row] = await rig.rows(`
      select current, (select count(*) from @.keys_0)::int as keys_0, (select count(*) from @.keys_1)::int as keys_1
      from @.key_ring`)
    return row
  }

  it('deletes from small tables what expired, a bounded number at a time', async () => {
    const rig = await rigs()
    const ring = ringOf(rig)
    await append(
      rig,
      Array.from({ length: 10 }, (_, n) => `short ${n}`),
      HOUR_MS,
    )
    await append(rig, ['long'])
    expect(await ring.removeExpired(100)).toBe(0)
    await rig.clock.advance(HOUR_MS)
    expect([await ring.removeExpired(6), await ring.removeExpired(6), await ring.removeExpired(6)]).toEqual([
      6, 4, 0,
    ])
    expect(await append(rig, ['long', 'short 1'])).toEqual(['duplicate', 'accepted'])
    expect(await sizes(rig)).toEqual({ current: 0, keys_0: 2, keys_1: 0 })
  })

  it('leaves a large table alone until one of its keys expired', async () => {
    const rig = await rigs()
    const ring = ringOf(rig, LARGE)
    await append(rig, ['a', 'b'])
    await rig.clock.advance(DAY_MS - 1)
    expect(await ring.removeExpired(100)).toBe(0)
    expect(await sizes(rig)).toMatchObject({ current: 0 })
    await rig.clock.advance(1)
    await ring.removeExpired(100)
    expect(await sizes(rig)).toEqual({ current: 1, keys_0: 2, keys_1: 0 })
  })

  it('takes turns: a key is known until its own time is over, in whichever table it is', async () => {
    const rig = await rigs()
    const ring = ringOf(rig, LARGE)
    await append(rig, ['early'])
    await rig.clock.advance(DAY_MS / 2)
    await append(rig, ['late'])
    await rig.clock.advance(DAY_MS / 2)
    await ring.removeExpired(100)
    expect(await append(rig, ['early', 'late', 'new'])).toEqual(['accepted', 'duplicate', 'accepted'])
    expect(await sizes(rig)).toEqual({ current: 1, keys_0: 2, keys_1: 2 })
    await ring.removeExpired(100)
    await rig.clock.advance(DAY_MS / 2 - 1)
    await ring.removeExpired(100)
    expect(await append(rig, ['early', 'late', 'new'])).toEqual(['duplicate', 'duplicate', 'duplicate'])
    expect(await sizes(rig)).toEqual({ current: 1, keys_0: 2, keys_1: 2 })
    await rig.clock.advance(1)
    await ring.removeExpired(100)
    expect(await sizes(rig)).toEqual({ current: 0, keys_0: 0, keys_1: 2 })
    expect(await append(rig, ['early', 'late', 'new'])).toEqual(['duplicate', 'accepted', 'duplicate'])
  })

  it('keeps a table for its longest window, found in steps', async () => {
    const rig = await rigs()
    const ring = ringOf(rig, { ...LARGE, pagesPerStep: 1 })
    await append(rig, ['long'], 10 * DAY_MS)
    for (let n = 0; n < 4; n += 1)
      await append(
        rig,
        Array.from({ length: 100 }, (_, at) => `${n} ${at}`),
      )
    await rig.clock.advance(DAY_MS)
    await ring.removeExpired(100)
    expect(
      await rig.rows('select other_expires_at > $1 as unknown from @.key_ring', [Number.MAX_SAFE_INTEGER]),
    ).toEqual([{ unknown: true }])
    for (let step = 0; step < 20; step += 1) await ring.removeExpired(100)
    const longest = rig.clock.now() + 9 * DAY_MS
    expect(await rig.rows('select other_expires_at::float8 as at from @.key_ring')).toEqual([{ at: longest }])
    await rig.clock.advance(9 * DAY_MS - 1)
    await ring.removeExpired(100)
    expect(await append(rig, ['long'])).toEqual(['duplicate'])
    await rig.clock.advance(1)
    await ring.removeExpired(100)
    expect(await sizes(rig)).toMatchObject({ keys_0: 0 })
    expect(await append(rig, ['long'])).toEqual(['accepted'])
  })

  it('does not trust what it read of a table before the table was emptied', async () => {
    const rig = await rigs()
    const [slow, quick] = [ringOf(rig, { ...LARGE, pagesPerStep: 1 }), ringOf(rig, LARGE)]
    const many = (name: string) => Array.from({ length: 300 }, (_, at) => `${name} ${at}`)
    await append(rig, many('first'))
    await rig.clock.advance(DAY_MS)
    await slow.removeExpired(100)
    await slow.removeExpired(100)
    // All the way round, without the slow one.
    await append(rig, many('second'))
    for (let n = 0; n < 2; n += 1) await quick.removeExpired(100)
    await rig.clock.advance(DAY_MS)
    await quick.removeExpired(100)
    await append(rig, ['third'], 10 * DAY_MS)
    for (let n = 0; n < 3; n += 1) await quick.removeExpired(100)
    await rig.clock.advance(DAY_MS)
    for (let n = 0; n < 10; n += 1) await slow.removeExpired(100)
    expect(await append(rig, ['third'])).toEqual(['duplicate'])
  })

  it('does not keep appends waiting behind a transaction that is under way', async () => {
    const rig = await rigs()
    const ring = ringOf(rig, LARGE)
    await append(rig, ['a'])
    await rig.clock.advance(DAY_MS)
    const open = await sessionOn(rig)
    await open.query('begin')
    await rig.store.append([keyed(rig, ['b'])], { tx: open as unknown as PoolClient })
    expect(await ring.removeExpired(100)).toBe(0)
    expect(await sizes(rig)).toMatchObject({ current: 0 })
    expect(await append(rig, ['c'])).toEqual(['accepted'])
    await open.query('commit')
    await ring.removeExpired(100)
    expect(await sizes(rig)).toEqual({ current: 1, keys_0: 3, keys_1: 0 })
    expect(await append(rig, ['b', 'c'])).toEqual(['duplicate', 'duplicate'])
  })

  it('gives a key to one command while appends and turns go on at once', async () => {
    const rig = await rigs()
    const stores = [rig.store, await rig.other(), await rig.other()]
    const ring = ringOf(rig, LARGE)
    const accepted = new Map<string, number>()
    for (let round = 0; round < 40; round += 1) {
      const keys = [`k${round}`, `k${Math.max(0, round - 1)}`, `long ${round % 7}`]
      const given = stores.map((store) =>
        store.append([
          {
            ...keyed(rig, keys),
            keys: keys.map((key) => ({ key, fingerprint: 'f', windowMs: key.startsWith('k') ? 10 : 1_000 })),
          },
        ]),
      )
      const [results] = await Promise.all([
        Promise.all(given),
        ring.removeExpired(100),
        ring.removeExpired(100),
      ])
      for (const [result] of results) {
        for (const [at, key] of keys.entries()) {
          const isAccepted = (result?.verdicts?.[at]?.status ?? 'accepted') === 'accepted'
          if (isAccepted) accepted.set(key, (accepted.get(key) ?? 0) + 1)
        }
      }
      await rig.clock.advance(5)
    }
    expect(accepted.size).toBe(47)
    expect(
      [...accepted.values()].every((times) => times === 1),
      JSON.stringify([...accepted]),
    ).toBe(true)
  })
})
