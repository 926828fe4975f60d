// The view that people query: it says of every command what the reader says.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { claimAll, complete, disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { type CommandUpdate, commandId, type Lease } from '../../domain/index.js'

requireServer(describe, 'postgres')('the view of commands', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  it('shows each stored command once, in the state that it is in', async () => {
    const rig = await rigs()
    const error = { code: 'e', message: 'm' }
    const update = (index: number, state: CommandUpdate['state'], result?: string): CommandUpdate => ({
      ...{ index, state, attempts: 1, delayMs: 5, error: state === 'succeeded' ? null : error },
      ...(result === undefined ? {} : { result }),
    })
    const done = rig.draft({ payloads: ['ok', 'value', 'failed', 'dead', 'later', 'again'] })
    await rig.store.append([done])
    const [lease] = await claimAll(rig.store)
    const updates = [
      update(1, 'succeeded', '42'),
      update(2, 'failed'),
      update(3, 'dead'),
      update(4, 'retrying'),
      update(5, 'retrying'),
    ]
    await rig.store.settle([{ ...complete(lease as Lease), updates }])
    await rig.rows('update @.parked set due_at = due_at + 1000000 where idx = 4')
    await rig.clock.advance(10)
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: () => rig.draft().id })
    await claimAll(rig.store)
    const scheduled = rig.draft({
      payloads: ['s'],
      parked: [{ state: 'scheduled', nextAt: 4e12, attempts: 0, error: null }],
    })
    const running = rig.draft({ payloads: ['done', { running: '\u0000' }] })
    const waiting = rig.draft({
      payloads: ['w', 'cancelled', 'repeat', 'repeat'],
      keys: [null, null, 'k', 'k'],
    })
    await rig.store.append([running])
    const [runningLease] = await claimAll(rig.store)
    await rig.store.extend([{ ...complete(runningLease as Lease), finished: [0] }], 1_000)
    await rig.store.append([scheduled, waiting])
    await rig.store.control.cancel([commandId(waiting.id, 1)])

    const rows = await rig.rows('select *, payload::text as text from @.commands')
    const views = await rig.store.reader.get(
      rows.map(({ id }) => String(id)),
      { payload: true },
    )
    expect(rows).toHaveLength((await rig.store.reader.accounting()).accepted)
    expect(
      rows.map(({ id, queue, type, state, result, text }) => [id, queue, type, state, result, text]),
    ).toEqual(
      views.map((view) => [view?.id, view?.queue, view?.type, view?.state, view?.result, view?.payload]),
    )
    expect(rows.map(({ accepted_at }) => (accepted_at as Date).getTime())).toEqual(
      views.map((view) => view?.acceptedAt),
    )
    const states = rows.map(({ state }) => state as string).sort()
    expect(states).toEqual([
      ...[
        'accepted',
        'accepted',
        'cancelled',
        'dead',
        'failed',
        'retrying',
        'running',
        'running',
        'scheduled',
      ],
      ...['succeeded', 'succeeded', 'succeeded'],
    ])
  })

  it('is found by id without reading everything', async () => {
    const rig = await rigs()
    const draft = rig.draft({ payloads: [1, 2] })
    await rig.store.append([draft])
    expect(await rig.rows('select payload from @.commands where id = $1', [commandId(draft.id, 1)])).toEqual([
      { payload: 2 },
    ])
  })
})
