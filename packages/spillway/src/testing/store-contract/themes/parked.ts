// Parked drafts: commands that arrive with a row of their own, scheduled or already tried by a volatile channel.

import type { ParkedDraft } from '../../../domain/index.js'
import type { Theme } from '../suite.js'

const ERROR = { code: 'timeout', message: 'no answer', stack: 'at call' }

export const parkedTheme: Theme = {
  name: 'parked drafts',
  define({ test }) {
    test('keeps scheduled commands from workers until they are due and promoted', async (scene) => {
      const { expect } = scene
      const scheduled: ParkedDraft = {
        state: 'scheduled',
        nextAt: scene.now() + 60_000,
        attempts: 0,
        error: null,
      }
      const { ids, verdicts } = await scene.submit({ size: 2, parked: [scheduled, scheduled] })
      expect(verdicts).toBe(null)
      expect(await scene.view(ids[1])).toMatchObject({
        state: 'scheduled',
        nextAt: scheduled.nextAt,
        attempts: 0,
        finishedAt: null,
      })
      expect(await scene.claim()).toEqual([])
      await scene.advance(60_001)
      expect(await scene.claim()).toEqual([])
    })

    test('stores only the entries that are given', async (scene) => {
      const { expect } = scene
      const retrying: ParkedDraft = {
        state: 'retrying',
        nextAt: scene.now() + 5_000,
        attempts: 2,
        error: ERROR,
      }
      const { ids } = await scene.submit({ size: 3, parked: [null, retrying, null] })
      expect(await scene.states(ids)).toEqual([null, 'retrying', null])
      expect((await scene.store.reader.accounting()).accepted).toBe(1)
    })

    test('keeps the attempts and the error a volatile channel saw', async (scene) => {
      const { expect } = scene
      const retrying: ParkedDraft = {
        state: 'retrying',
        nextAt: scene.now() + 5_000,
        attempts: 2,
        error: ERROR,
      }
      const { ids } = await scene.submit({ parked: [retrying] })
      const view = await scene.view(ids[0])
      expect(view).toMatchObject({ state: 'retrying', attempts: 2, error: ERROR, nextAt: retrying.nextAt })
      expect(view.history).toMatchObject([{ attempt: 2, error: ERROR }])
    })

    test('takes in commands that already ended, with their result', async (scene) => {
      const { expect } = scene
      const ended: ParkedDraft[] = [
        { state: 'failed', nextAt: null, attempts: 1, error: ERROR },
        { state: 'dead', nextAt: null, attempts: 5, error: ERROR },
        { state: 'succeeded', nextAt: null, attempts: 1, error: null, result: '{"ok":true}' },
        { state: 'cancelled', nextAt: null, attempts: 0, error: null },
      ]
      const { ids } = await scene.submit({ size: 4, parked: ended })
      expect(await scene.states(ids)).toEqual(['failed', 'dead', 'succeeded', 'cancelled'])
      expect(await scene.view(ids[2])).toMatchObject({
        result: '{"ok":true}',
        finishedAt: scene.now(),
        nextAt: null,
      })
    })

    test('redrives a command that a volatile channel gave up on', async (scene) => {
      const { expect, store } = scene
      const { ids } = await scene.submit({
        payloads: ['p'],
        parked: [{ state: 'dead', nextAt: null, attempts: 5, error: ERROR }],
      })
      expect(await store.control.redrive(ids)).toEqual(['ok'])
      expect(await scene.promote()).toBe(1)
      const lease = await scene.claimOne()
      expect(lease).toMatchObject({ body: '["p"]', members: [{ id: ids[0], attempts: 0 }] })
    })
  },
}
