import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, vi } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { type CommandUpdate, commandId, type Lease, type ParkedDraft } from '../../domain/index.js'

const SCHEDULED: ParkedDraft = { state: 'scheduled', nextAt: 1, attempts: 0, error: null }

requireServer(describe, 'postgres')("operators' verbs", () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  function promote(rig: PostgresRig): Promise<number> {
    return rig.store.promote({ limit: 100, chunkCommandsMax: 100, newChunkId: () => rig.draft().id })
  }

  /** Waits until another session waits for a lock, as the database sees it. */
  async function untilBlocked(rig: PostgresRig): Promise<void> {
    await vi.waitFor(
      async () =>
        expect(
          await rig.rows(`
            select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
              and query like '%"${rig.schema}"%'`),
        ).not.toEqual([]),
      { timeout: 20_000, interval: 5 },
    )
  }

  it('cover more commands than one transaction holds', async () => {
    const rig = await rigs()
    const drafts = [
      rig.draft({ payloads: Array.from({ length: 1_000 }, (_, n) => n) }),
      rig.draft({ payloads: [1, 2] }),
    ]
    await rig.store.append(drafts)
    const ids = drafts.flatMap(({ id, size }) =>
      Array.from({ length: size }, (_, index) => commandId(id, index)),
    )
    expect(new Set(await rig.store.control.cancel(ids))).toEqual(new Set(['ok']))
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 1_002, cancelled: 1_002, ready: 0 })
    expect(new Set(await rig.store.control.redrive(ids))).toEqual(new Set(['ok']))
    expect(await rig.store.reader.accounting()).toMatchObject({ retrying: 1_002, cancelled: 0 })
  })

  it('find a command that was promoted while they waited for its chunk', async () => {
    const rig = await rigs()
    const draft = rig.draft({ payloads: [1, 2], parked: [SCHEDULED, SCHEDULED] })
    await rig.store.append([draft])
    const session = await sessionOn(rig)
    await session.query('begin; select 1 from chunks for update')
    const cancelled = rig.store.control.cancel([commandId(draft.id, 0)])
    await untilBlocked(rig)
    expect(await promote(rig)).toBe(2)
    await session.query('commit')
    expect(await cancelled).toEqual(['ok'])
    const [lease] = await claimAll(rig.store)
    expect(lease).toMatchObject({ size: 2, skip: [0] })
  })

  it('leave a command to the worker who claimed it while they waited', async () => {
    const rig = await rigs()
    const draft = rig.draft({ payloads: [1, 2], parked: [SCHEDULED, SCHEDULED] })
    await rig.store.append([draft])
    await promote(rig)
    const session = await sessionOn(rig)
    await session.query('begin; select 1 from chunks where not promoted for update')
    const cancelled = rig.store.control.cancel([commandId(draft.id, 0), commandId(draft.id, 1)])
    await untilBlocked(rig)
    const [lease] = await claimAll(rig.store)
    await session.query('commit')
    expect(await cancelled).toEqual(['conflict', 'conflict'])
    expect(await rig.store.settle([complete(lease as Lease)])).toEqual(['ok'])
    expect(await rig.store.reader.accounting()).toMatchObject({ succeeded: 2, cancelled: 0 })
  })

  it('free the next chunk of a partition when they empty the one before, and wake who waits for it', async () => {
    const rig = await rigs()
    const [first, second] = [rig.draft({ partition: 1 }), rig.draft({ partition: 1 })]
    await rig.store.append([first, second])
    const woken: string[] = []
    rig.store.wake.subscribe((queue) => woken.push(queue))
    expect(await rig.store.control.cancel([commandId(first.id, 0)])).toEqual(['ok'])
    expect(woken).toContain('main')
    expect((await claimAll(rig.store)).map(({ chunkId }) => chunkId)).toEqual([second.id])
  })

  it('go together with settlements of the same chunks', async () => {
    const rig = await rigs()
    const other = await rig.other()
    const update: CommandUpdate = {
      index: 0,
      state: 'dead',
      attempts: 1,
      delayMs: 0,
      error: { code: 'e', message: 'm' },
    }
    for (let round = 0; round < 10; round += 1) {
      const drafts = Array.from({ length: 10 }, () => rig.draft({ payloads: [1, 2, 3] }))
      await rig.store.append(drafts)
      const ids = drafts.flatMap(({ id }) => [0, 1, 2].map((index) => commandId(id, index)))
      const leases = await claimAll(rig.store, 5)
      const settlements = leases.map((lease) => ({ ...complete(lease), updates: [update] }))
      const [verdicts, cancelled, again] = await Promise.all([
        rig.store.settle([...settlements].reverse()),
        other.control.cancel([...ids].reverse()),
        rig.store.control.cancel(ids),
      ])
      expect(new Set(verdicts)).toEqual(new Set(['ok']))
      expect([...cancelled, ...again].filter((verdict) => verdict === 'ok')).toHaveLength(15)
      await other.control.redrive(ids)
    }
    const { accepted, retrying, succeeded } = await rig.store.reader.accounting()
    expect({ accepted, retrying, succeeded }).toEqual({ accepted: 300, retrying: 200, succeeded: 100 })
  })
})

requireServer(describe, 'postgres')('settings of a queue', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  it('keep both of two changes that are made at once', async () => {
    const rig = await rigs()
    const other = await rig.other()
    for (let round = 0; round < 10; round += 1) {
      const paused = round % 2 === 0
      await Promise.all([
        rig.store.control.configureQueue('q', { paused, pauseReason: paused ? 'because' : null }),
        other.control.configureQueue('q', { leasesMax: round + 1 }),
      ])
      const settings = (await rig.store.control.queueSettings()).get('q')
      expect(settings).toEqual({ paused, pauseReason: paused ? 'because' : null, leasesMax: round + 1 })
    }
  })

  it('take any reason, and are seen by whoever counts', async () => {
    const rig = await rigs()
    const settings = { paused: true, pauseReason: 'a "b" NULbyte ä', leasesMax: null }
    expect(
      await rig.store.control.configureQueue('q', { paused: true, pauseReason: 'a "b" NUL\u0000byte ä' }),
    ).toEqual(settings)
    expect(await rig.store.control.queueSettings()).toEqual(new Map([['q', settings]]))
    expect(await rig.store.reader.queues()).toMatchObject([{ queue: 'q', paused: true, ready: 0 }])
  })

  it('wake who waits when a queue is no longer paused', async () => {
    const rig = await rigs()
    await rig.store.control.configureQueue('q', { paused: true })
    const woken: string[] = []
    rig.store.wake.subscribe((queue) => woken.push(queue))
    await rig.store.control.configureQueue('q', { leasesMax: 1 })
    expect(woken).toEqual([])
    await rig.store.control.configureQueue('q', { paused: false })
    expect(woken).toEqual(['q'])
  })
})
