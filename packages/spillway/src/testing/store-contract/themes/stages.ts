// Stages: a command that did not succeed may have to be asked about, polled or undone before it is over. Its row says what
// its next turn does, and a chunk that carries it says so too.

import { DAY_MS, LEASE_MS, type Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { awaiting, doubting, dying, failing, retrying, undoing, undone } from '../updates.js'

const MEMO =
  '{"reconciliations":1,"failure":{"state":"unknown","error":{"code":"e","message":"ünï \\u0000"}}}'

/** One command to be asked about, one to be polled and one to be undone, each due after a second. */
function parkEach(scene: Scene) {
  return scene.park([doubting(0, 1_000), awaiting(1, 1_000, null), undoing(2, 1_000)])
}

export const stagesTheme: Theme = {
  name: 'stages',
  define(suite) {
    keeping(suite)
    carrying(suite)
    counting(suite)
    ending(suite)
  },
}

function keeping({ test }: Suite): void {
  test('shows of every parked command what its next turn does', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([
      doubting(0, 1_000, { memo: MEMO }),
      awaiting(1, 1_000, null),
      undoing(2, 0),
    ])
    const parked = { attempts: 1, finishedAt: null, result: null, generation: 0 }
    expect(await scene.view(ids[0])).toMatchObject({
      ...parked,
      state: 'reconciling',
      stage: 'reconcile',
      memo: MEMO,
      error: { code: 'unknown' },
    })
    expect(await scene.view(ids[1])).toMatchObject({
      ...parked,
      state: 'pending',
      stage: 'poll',
      memo: null,
      error: null,
    })
    expect(await scene.view(ids[2])).toMatchObject({ ...parked, state: 'compensating', stage: 'compensate' })
  })

  test('executes whatever it was told nothing else about', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    const plain = { stage: 'execute', memo: null, fingerprint: null }
    expect(await scene.view(ids[0])).toMatchObject(plain)
    const lease = await scene.claimOne()
    expect(lease).toMatchObject({ stage: 'execute', tenant: null, blockers: null })
    await scene.settle(lease, { updates: [retrying(0, 1_000), failing(1)] })
    for (const id of ids) expect(await scene.view(id)).toMatchObject(plain)
    await scene.promoteAfter(1_000)
    expect(await scene.claimOne()).toMatchObject({ stage: 'execute', members: [{ memo: null, place: null }] })
  })

  test('keeps a memo until it is replaced or cleared', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([doubting(0, 1_000, { memo: MEMO })])
    const changes = [
      [{}, MEMO],
      [{ memo: '{}' }, '{}'],
      [{ memo: null }, null],
      [{}, null],
    ] as const
    for (const [change, memo] of changes) {
      await scene.promoteAfter(1_000)
      await scene.settle(await scene.claimOne(), { updates: [doubting(0, 1_000, change)] })
      expect((await scene.view(ids[0])).memo).toBe(memo)
    }
  })

  test('takes in parked commands of any stage with all their notes', async (scene) => {
    const { expect } = scene
    const due = { nextAt: scene.now() + 1_000, attempts: 2, error: { code: 'unknown', message: 'perhaps' } }
    const { ids } = await scene.submit({
      parked: [{ ...due, state: 'reconciling', stage: 'reconcile', memo: MEMO, fingerprint: 'alike' }],
    })
    const noted = { state: 'reconciling', stage: 'reconcile', memo: MEMO, fingerprint: 'alike' }
    expect(await scene.view(ids[0])).toMatchObject(noted)
    await scene.promoteAfter(1_000)
    const member = { id: ids[0], attempts: 2, memo: MEMO, orderingKey: null }
    expect(await scene.claimOne()).toMatchObject({ stage: 'reconcile', members: [member] })
  })
}

function carrying({ test }: Suite): void {
  test('promotes each stage into chunks of its own, and each command under its name', async (scene) => {
    const { expect } = scene
    const names = ['reconciling', 'pending', 'compensating', 'accepted']
    const { ids } = await scene.park([
      doubting(0, 1_000, { memo: MEMO }),
      awaiting(1, 1_000, null),
      undoing(2, 1_000),
      retrying(3, 1_000),
    ])
    expect(await scene.promoteAfter(998)).toBe(0)
    expect(await scene.promoteAfter(1)).toBe(4)
    expect(await scene.states(ids)).toEqual(names)
    const leases = await scene.claim()
    const carried = Object.fromEntries(
      leases.map(({ stage, members }) => [stage, members?.map(({ id }) => id)]),
    )
    expect(leases).toHaveLength(4)
    expect(carried).toEqual({ reconcile: [ids[0]], poll: [ids[1]], compensate: [ids[2]], execute: [ids[3]] })
    const asked = leases.find(({ stage }) => stage === 'reconcile')
    expect(asked?.members?.[0]?.memo).toBe(MEMO)
    expect(await scene.states(ids)).toEqual([...names.slice(0, 3), 'running'])
    await scene.advance(LEASE_MS + 1)
    expect(await scene.states(ids)).toEqual([...names.slice(0, 3), 'running'])
  })

  test('gives a chunk whose lease expired or was given back in the same stage again', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([doubting(0, 1_000)])
    await scene.promoteAfter(1_000)
    expect(await scene.extend(await scene.claimOne(), { release: true })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['reconciling'])
    const lost = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claimOne()).toMatchObject({ stage: 'reconcile', expiries: 1 })
    expect(await scene.settle(lost, { updates: [retrying(0, 0)] })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['reconciling'])
  })

  test('moves a command from stage to stage', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([doubting(0, 1_000)])
    const turns = [
      ['reconcile', awaiting(0, 1_000, null), 'pending'],
      ['poll', retrying(0, 1_000), 'retrying'],
      ['execute', undoing(0, 1_000), 'compensating'],
      ['compensate', undone(0), 'compensated'],
    ] as const
    for (const [stage, update, state] of turns) {
      expect(await scene.promoteAfter(1_000)).toBe(1)
      const lease = await scene.claimOne()
      expect(lease.stage).toBe(stage)
      expect(await scene.settle(lease, { updates: [update] })).toBe('ok')
      expect(await scene.states(ids)).toEqual([state])
    }
    expect(await scene.view(ids[0])).toMatchObject({
      stage: 'compensate',
      finishedAt: scene.now(),
      nextAt: null,
    })
  })

  test('does not cancel what may have happened, wherever it is', async (scene) => {
    const { expect, store } = scene
    const { ids } = await parkEach(scene)
    const conflicts = ['conflict', 'conflict', 'conflict']
    expect(await store.control.cancel(ids)).toEqual(conflicts)
    await scene.promoteAfter(1_000)
    expect(await store.control.cancel(ids)).toEqual(conflicts)
    expect(await scene.claim()).toHaveLength(3)
    expect(await store.control.cancel(ids)).toEqual(conflicts)
    expect(await scene.states(ids)).toEqual(['reconciling', 'pending', 'compensating'])
  })
}

function counting({ test }: Suite): void {
  test('counts commands in another stage under their own name, carried or not', async (scene) => {
    const { expect, store } = scene
    const { ids } = await parkEach(scene)
    const counts = { ready: 0, running: 0, reconciling: 1, pending: 1, compensating: 1, retrying: 0 }
    const steps = [
      async () => {},
      () => scene.promoteAfter(1_000),
      () => scene.claim(),
      () => scene.advance(LEASE_MS + 1),
    ]
    for (const step of steps) {
      await step()
      expect(await store.reader.queues()).toMatchObject([counts])
      expect(await store.reader.accounting()).toMatchObject({ accepted: 3, succeeded: 0, ...counts })
    }
    for (const [at, state] of (['reconciling', 'pending', 'compensating'] as const).entries()) {
      const { items } = await store.reader.list({ state, limit: 10 })
      expect(items.map(({ id }) => id)).toEqual([ids[at]])
    }
    for (const state of ['accepted', 'running'] as const)
      expect((await store.reader.list({ state, limit: 10 })).items).toEqual([])
  })

  test('counts the bytes of what is ready', async (scene) => {
    const { expect, store } = scene
    const drafts = [
      scene.draft({ payloads: ['üñî', '😀'] }),
      scene.draft({ payloads: [1] }),
      scene.draft({ queue: 'b' }),
    ]
    await scene.append(drafts)
    const bytes = drafts.map(({ body }) => Buffer.byteLength(body))
    const readyBytes = async () => {
      const queues = await store.reader.queues()
      return Object.fromEntries(queues.map((counts) => [counts.queue, counts.readyBytes]))
    }
    const [first = 0, second = 0, third = 0] = bytes
    expect(await readyBytes()).toEqual({ main: first + second, b: third })
    const lease = await scene.claimOne({ chunksMax: 1 })
    expect(await readyBytes()).toEqual({ main: second, b: third })
    await scene.extend(lease, { release: true })
    expect(await readyBytes()).toEqual({ main: first + second, b: third })
    for (const one of await scene.claim()) await scene.settle(one, { updates: [retrying(0, 1_000)] })
    expect(await readyBytes()).toEqual({ main: 0, b: third })
    await scene.promoteAfter(1_000)
    expect(await readyBytes()).toEqual({ main: Buffer.byteLength('["üñî",1]'), b: third })
  })
}

function ending({ test }: Suite): void {
  test('keeps the stage and the memo in which a command ended', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([dying(0, 3, { stage: 'reconcile', memo: MEMO, fingerprint: 'alike' })])
    expect(await scene.view(ids[0])).toMatchObject({
      ...{ state: 'dead', stage: 'reconcile', memo: MEMO, fingerprint: 'alike', finishedAt: scene.now() },
    })
  })

  test('forgets what a command failed alike with when it fails otherwise', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([retrying(0, 1_000, 1, { fingerprint: 'alike' })])
    expect((await scene.view(ids[0])).fingerprint).toBe('alike')
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000, 2)] })
    expect((await scene.view(ids[0])).fingerprint).toBe(null)
  })

  test('keeps what was undone as long as what failed, and neither executes nor discards it', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([undoing(0, 1_000)])
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [undone(0)] })
    expect(await store.reader.accounting()).toMatchObject({ accepted: 1, compensated: 1 })
    expect(await store.control.redrive(ids)).toEqual(['conflict'])
    expect(await store.control.discard(ids)).toEqual(['conflict'])
    await scene.advance(29 * DAY_MS)
    expect(await scene.prune()).toMatchObject({ commands: 0 })
    await scene.advance(DAY_MS + 1)
    expect(await scene.prune()).toMatchObject({ commands: 1 })
    expect(await scene.states(ids)).toEqual([null])
  })
}
