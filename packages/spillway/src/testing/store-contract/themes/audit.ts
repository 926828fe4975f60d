// Audit: what was done to commands and queues, by whom and why, written in the commit that does it, and only if it did
// something.

import { AUDIT_TEXT_MAX } from '../../../domain/index.js'
import type { AuditNote, AuditRecord } from '../../../ports/index.js'
import { DAY_MS, type Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, retrying } from '../updates.js'

/** Pages a listing may take at most in these tests. */
const PAGES_MAX = 50

function note(action: string): AuditNote {
  return { actor: 'ops@example', action, target: 'what they named', reason: `because of ${action} "ü"` }
}

async function rows(scene: Scene): Promise<readonly AuditRecord[]> {
  return (await scene.store.reader.audit({ limit: 100 })).items
}

export const auditTheme: Theme = {
  name: 'audit',
  define(suite) {
    verbs(suite)
    queues(suite)
    paging(suite)
    keeping(suite)
  },
}

function verbs({ test }: Suite): void {
  test('notes each verb on commands with the number it changed, newest first', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0), dying(1), retrying(2, 60_000)])
    await scene.advance(10)
    await store.control.discard(ids, { audit: note('discard') })
    await scene.advance(10)
    await store.control.redrive([...ids, 'nonsense'], { audit: note('redrive') })
    await scene.advance(10)
    await store.control.cancel(ids, { audit: note('cancel') })
    const noted = (await rows(scene)).map(({ id: _, ...row }) => row)
    expect(noted).toEqual([
      { ...note('cancel'), count: 3, at: scene.now() },
      { ...note('redrive'), count: 2, at: scene.now() - 10 },
      { ...note('discard'), count: 2, at: scene.now() - 20 },
    ])
  })

  test('notes nothing when nothing was changed, and nothing unasked', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([retrying(0, 60_000)])
    await store.control.discard(ids, { audit: note('discard') })
    await store.control.redrive(ids, { audit: note('redrive') })
    await store.control.cancel(['nonsense'], { audit: note('cancel') })
    await store.control.cancel([], { audit: note('cancel') })
    await store.control.cancel(ids)
    await store.control.configureQueue('main', { leasesMax: 3 })
    expect(await store.reader.audit({ limit: 100 })).toEqual({ items: [], next: null })
  })

  test('notes the winner of two that ask at once', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([dying(0)])
    await Promise.all(['one', 'other'].map((action) => store.control.discard(ids, { audit: note(action) })))
    expect(await rows(scene)).toHaveLength(1)
  })

  test('cuts texts that are too long', async (scene) => {
    const { expect, store } = scene
    const long = 'x'.repeat(AUDIT_TEXT_MAX + 50)
    await store.control.audit({ actor: long, action: 'export', target: long, reason: long }, 7)
    const cut = 'x'.repeat(AUDIT_TEXT_MAX)
    expect(await rows(scene)).toMatchObject([
      { actor: cut, action: 'export', target: cut, reason: cut, count: 7 },
    ])
  })
}

function queues({ test }: Suite): void {
  test('notes what was changed about queues and what callers note themselves, without a count', async (scene) => {
    const { expect, store } = scene
    await store.control.configureQueue('main', { paused: true }, note('pause'))
    await store.control.audit({ ...note('enable'), reason: null }, null)
    expect(await rows(scene)).toMatchObject([
      { ...note('enable'), reason: null, count: null, at: scene.now() },
      { ...note('pause'), count: null, at: scene.now() },
    ])
  })
}

function paging({ test }: Suite): void {
  test('pages through all rows once, newest first, whatever is written meanwhile', async (scene) => {
    const { expect, store } = scene
    for (let n = 0; n < 25; n += 1) {
      if (n % 3 === 0) await scene.advance(1)
      await store.control.audit(note(`step ${n}`), n)
    }
    const seen: AuditRecord[] = []
    let next: string | null = null
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const request: { limit: number; after?: string } =
        next === null ? { limit: 10 } : { limit: 10, after: next }
      const answer = await store.reader.audit(request)
      expect(answer.items.length).toBeLessThan(11)
      seen.push(...answer.items)
      next = answer.next
      if (next === null) break
      await store.control.audit(note('meanwhile'), null)
    }
    expect(next).toBe(null)
    expect(seen.map(({ count }) => count)).toEqual(Array.from({ length: 25 }, (_, n) => 24 - n))
    expect(new Set(seen.map(({ id }) => id)).size).toBe(25)
    for (const { id } of seen) expect(typeof id).toBe('string')
  })
}

function keeping({ test }: Suite): void {
  test('prunes rows once their own retention is over, and none without one', async (scene) => {
    const { expect, store } = scene
    await store.control.audit(note('old'), null)
    await scene.advance(10 * DAY_MS)
    await store.control.audit(note('young'), null)
    await scene.prune()
    await scene.prune({ auditRetentionMs: 11 * DAY_MS })
    expect(await rows(scene)).toHaveLength(2)
    await scene.prune({ auditRetentionMs: 9 * DAY_MS })
    expect((await rows(scene)).map(({ action }) => action)).toEqual(['young'])
  })

  test('prunes rows in steps of the limit', async (scene) => {
    const { expect, store } = scene
    for (let n = 0; n < 5; n += 1) await store.control.audit(note('old'), n)
    await scene.advance(DAY_MS + 1)
    await scene.prune({ auditRetentionMs: DAY_MS, limit: 3 })
    expect((await rows(scene)).map(({ count }) => count)).toEqual([4, 3])
    await scene.prune({ auditRetentionMs: DAY_MS, limit: 3 })
    expect(await rows(scene)).toEqual([])
  })
}
