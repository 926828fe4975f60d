// Storing and leasing at once, as PostgreSQL does it: one statement, which holds what a claim would hold and nothing besides.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { recorded } from '../../../test/support/postgres-recorded.js'
import { complete, disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import type { Lease, ParkedDraft } from '../../domain/index.js'

const LEASE = { workerId: 'w', leaseMs: 1_000 }

requireServer(describe, 'postgres')('a chunk that is leased as it is stored', () => {
  const newRig = disposing(postgresRigs({ recycle: true }))

  it('takes one statement, in a transaction of its own', async () => {
    const rig = await newRig()
    const { store, sent } = await recorded(rig)
    const before = sent().length
    const [result] = await store.append([rig.draft({ payloads: [1, 2], keys: ['a', null] })], {
      lease: LEASE,
    })
    expect(
      sent()
        .slice(before)
        .map(({ text }) => text),
    ).toEqual([expect.stringContaining('append_3')])
    expect(await store.settle([complete(result?.lease as Lease)])).toEqual(['ok'])
  })

  it('is none for whoever asks for no lease: that statement is the one it ever was', async () => {
    const rig = await newRig()
    const { store, sent } = await recorded(rig)
    const before = sent().length
    await store.append([rig.draft()])
    expect(sent()[before]?.text).toContain('append_2')
  })

  it('does not wait for the limit of a queue of which it leases nothing', async () => {
    const rig = await newRig()
    await rig.store.control.configureQueue('main', { leasesMax: 1 })
    const known = rig.draft()
    await rig.store.append([known])
    const session = await sessionOn(rig)
    await session.query('begin')
    await session.query("select 1 from queues where name = 'main' for update")
    const later: ParkedDraft = { state: 'scheduled', nextAt: 1, attempts: 0, error: null }
    const drafts = [known, rig.draft({ partition: 1 }), rig.draft({ parked: [later] })]
    const results = await rig.store.append(drafts, { lease: LEASE })
    expect(results.map(({ lease }) => lease)).toEqual([null, null, null])
    await session.query('rollback')
  })

  it('waits for whoever counts the leases of its queue, and counts after it', async () => {
    const rig = await newRig()
    await rig.store.control.configureQueue('main', { leasesMax: 1 })
    const session = await sessionOn(rig)
    await session.query('begin')
    await session.query("select 1 from queues where name = 'main' for update")
    const appending = rig.store.append([rig.draft()], { lease: LEASE })
    await session.query("update queues set leases_max = 0 where name = 'main'")
    await session.query('commit')
    expect((await appending)[0]?.lease).toBe(null)
  })
})

requireServer(describe, 'postgres')('a chunk of nothing but repeats', () => {
  const newRig = disposing(postgresRigs({ recycle: true }))

  it('leaves a row and nothing else', async () => {
    const rig = await newRig()
    await rig.store.append([rig.draft({ keys: ['k'] })])
    await rig.store.append([rig.draft({ keys: ['k'], queue: 'elsewhere' })], { lease: LEASE })
    const counts = ['chunks', 'bodies', 'keys_0', 'parked'].map(
      (name) => `(select count(*)::integer from @.${name}) as ${name}`,
    )
    expect(await rig.rows(`select ${counts.join(', ')}`)).toEqual([
      { chunks: 2, bodies: 1, keys_0: 1, parked: 0 },
    ])
    expect(await rig.rows('select id from @.commands')).toHaveLength(1)
  })

  it('leaves no queue where nothing could be leased', async () => {
    const rig = await newRig()
    await rig.store.append([rig.draft({ keys: ['k'] })])
    await rig.store.append([rig.draft({ keys: ['k'], queue: 'elsewhere' })], { remember: true })
    expect((await rig.store.reader.queues()).map(({ queue }) => queue)).toEqual(['main'])
  })
})
