// Dead letters: where a redrive goes on, with which payload, and what a discard makes of a command.

import { VERB_COMMANDS_MAX } from '../../../domain/index.js'
import type { Suite, Theme } from '../suite.js'
import { doubting, dying, failing, retrying, undoing, undone } from '../updates.js'

const MEMO = '{"compensations":0}'

export const discardAndEditTheme: Theme = {
  name: 'discard and edit',
  define(suite) {
    discarding(suite)
    redrivingStages(suite)
    editing(suite)
    following(suite)
  },
}

function discarding({ test }: Suite): void {
  test('makes dead and failed commands cancelled, one generation further, with what they died of', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0, 5), failing(1)])
    const before = await Promise.all(ids.map((id) => scene.view(id)))
    await scene.advance(100)
    expect(await store.control.discard(ids)).toEqual(['ok', 'ok'])
    for (const [at, id] of ids.entries()) {
      const { error, history, attempts } = before[at] as (typeof before)[0]
      expect(await scene.view(id)).toMatchObject({
        state: 'cancelled',
        generation: 1,
        error,
        history,
        attempts,
      })
    }
    expect(await store.reader.accounting()).toMatchObject({ accepted: 2, cancelled: 2, dead: 0, failed: 0 })
  })

  test('discards nothing else', async (scene) => {
    const { expect, store } = scene
    const parked = await scene.park([retrying(0, 1_000), doubting(1, 1_000), undoing(2, 1_000), undone(3)])
    const { ids } = await scene.submit({ size: 2 })
    await store.control.cancel([ids[1] as string])
    const all = [...parked.ids, ...ids]
    const before = await store.reader.get(all)
    expect(await store.control.discard(all)).toEqual(all.map(() => 'conflict'))
    await scene.claimOne()
    expect(await store.control.discard([ids[0] as string, 'nonsense'])).toEqual(['conflict', 'not_found'])
    expect(await store.reader.get(parked.ids)).toEqual(before.slice(0, 4))
    expect(await store.control.discard([])).toEqual([])
  })

  test('discards a command once, and it can still be redriven', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0, 5)])
    const [id] = ids as [string]
    expect(await store.control.discard([id, id])).toEqual(['ok', 'conflict'])
    expect(await store.control.redrive(ids)).toEqual(['ok'])
    expect(await scene.view(id)).toMatchObject({ state: 'retrying', generation: 2, attempts: 0 })
  })

  test('lets one of two discards have a command (I16)', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([failing(0)])
    const verdicts = await Promise.all([store.control.discard(ids), store.control.discard(ids)])
    expect(verdicts.flat().sort()).toEqual(['conflict', 'ok'])
  })

  test('discards as many at once as a call may name', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park(Array.from({ length: VERB_COMMANDS_MAX }, (_, index) => dying(index)))
    expect(await store.control.discard(ids)).toEqual(ids.map(() => 'ok'))
    expect(await store.reader.accounting()).toMatchObject({ cancelled: VERB_COMMANDS_MAX, dead: 0 })
  })
}

function redrivingStages({ test }: Suite): void {
  test('goes on where a command died, with its memo', async (scene) => {
    const { expect, store } = scene
    const deaths = [
      ['execute', 'retrying', 'execute'],
      ['reconcile', 'reconciling', 'reconcile'],
      ['poll', 'reconciling', 'reconcile'],
      ['compensate', 'compensating', 'compensate'],
    ] as const
    for (const [stage, state, next] of deaths) {
      const { ids } = await scene.park([dying(0, 5, { stage, memo: MEMO, fingerprint: 'alike' })])
      expect(await store.control.redrive(ids)).toEqual(['ok'])
      expect(await scene.view(ids[0]), stage).toMatchObject({
        ...{ state, stage: next, memo: MEMO, attempts: 0, generation: 1, finishedAt: null },
      })
      expect(await scene.promote()).toBe(1)
      const lease = await scene.claimOne()
      expect(lease).toMatchObject({ stage: next, members: [{ id: ids[0], attempts: 0, memo: MEMO }] })
      await scene.settle(lease)
    }
  })

  test('executes what failed or was cancelled, whatever stage that was in', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([{ ...failing(0), stage: 'poll' }, dying(1, 5, { stage: 'compensate' })])
    await store.control.discard([ids[1] as string])
    expect(await store.control.redrive(ids)).toEqual(['ok', 'ok'])
    for (const id of ids) expect(await scene.view(id)).toMatchObject({ state: 'retrying', stage: 'execute' })
    expect(await scene.promote()).toBe(2)
    expect((await scene.claimOne()).stage).toBe('execute')
  })
}

function editing({ test }: Suite): void {
  test('redrives with the edited payload, and shows it from then on', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0), dying(1), dying(2)], { payloads: ['a', 'b', 'c'] })
    const payloads = ['{"edited":"ü"}', null, '"\\u0000"']
    expect(await store.control.redrive(ids, { payloads })).toEqual(['ok', 'ok', 'ok'])
    const shown = ['{"edited":"ü"}', '"b"', '"\\u0000"']
    const payloadsOf = async () =>
      (await store.reader.get(ids, { payload: true })).map((view) => view?.payload)
    expect(await payloadsOf()).toEqual(shown)
    await scene.promote()
    const lease = await scene.claimOne()
    expect(JSON.parse(lease.body)).toEqual(shown.map((payload) => JSON.parse(payload)))
    expect(await payloadsOf()).toEqual(shown)
    await scene.settle(lease, { updates: [retrying(0, 1_000), dying(1)] })
    await scene.promoteAfter(1_000)
    expect((await scene.claimOne()).body).toBe('[{"edited":"ü"}]')
    expect(await payloadsOf()).toEqual(shown)
  })

  test('edits again and again, and leaves alone what cannot be redriven', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0), retrying(1, 60_000)], { payloads: ['a', 'b'] })
    expect(await store.control.redrive(ids, { payloads: ['1', '2'] })).toEqual(['ok', 'conflict'])
    await scene.promote()
    await scene.settle(await scene.claimOne(), { updates: [dying(0)] })
    expect(await store.control.redrive(ids, { payloads: ['3', null] })).toEqual(['ok', 'conflict'])
    const views = await store.reader.get(ids, { payload: true })
    expect(views.map((view) => view?.payload)).toEqual(['3', '"b"'])
    await scene.promote()
    await scene.settle(await scene.claimOne(), { updates: [dying(0)] })
    expect(await store.control.redrive(ids)).toEqual(['ok', 'conflict'])
    await scene.promote()
    expect((await scene.claimOne()).body).toBe('[3]')
  })

  test('edits a command that was cancelled before it had a row', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ payloads: ['a', 'b'] })
    await store.control.cancel(ids)
    expect(await store.control.redrive(ids, { payloads: [null, '"new"'] })).toEqual(['ok', 'ok'])
    await scene.promote()
    expect((await scene.claimOne()).body).toBe('["a","new"]')
  })
}

function following({ test }: Suite): void {
  test('stores what follows from a verb for what it took effect on, and for nothing else', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0), retrying(1, 60_000), failing(2)])
    const appends = ids.map((id) => scene.draft({ queue: 'callbacks', payloads: [id] }))
    const followed = async () => {
      const leases = await scene.claim({ queue: 'callbacks' })
      for (const lease of leases) await scene.settle(lease)
      return leases.map(({ body }) => JSON.parse(body)[0])
    }
    expect(await store.control.discard(ids, { appends })).toEqual(['ok', 'conflict', 'ok'])
    expect(await followed()).toEqual([ids[0], ids[2]])
    const again = ids.map((id, at) => (at === 2 ? null : scene.draft({ queue: 'callbacks', payloads: [id] })))
    expect(await store.control.redrive(ids, { appends: again })).toEqual(['ok', 'conflict', 'ok'])
    expect(await followed()).toEqual([ids[0]])
    const last = ids.map((id) => scene.draft({ queue: 'callbacks', payloads: [id] }))
    expect(await store.control.cancel([...ids].slice(1), { appends: last.slice(1) })).toEqual(['ok', 'ok'])
    expect(await followed()).toEqual([ids[1], ids[2]])
  })
}
