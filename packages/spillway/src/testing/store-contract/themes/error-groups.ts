// Commands that failed alike: counted together, and listed by what they have in common.

import { fingerprint } from '../../../domain/index.js'
import type { Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying } from '../updates.js'

const TIMEOUT = fingerprint('"timeout"')
const REFUSAL = fingerprint('"refusal"')

function deaths(count: number, alike: string | null) {
  return Array.from({ length: count }, (_, index) => dying(index, 1, { fingerprint: alike }))
}

async function counts(scene: Scene, request: object = {}): Promise<Record<string, number>> {
  const groups = await scene.store.reader.errorGroups({ state: 'dead', limit: 10, ...request })
  return Object.fromEntries(
    groups.map((group) => [`${group.queue} ${group.type} ${group.fingerprint}`, group.count]),
  )
}

export const errorGroupsTheme: Theme = {
  name: 'error groups',
  define(suite) {
    grouping(suite)
    following(suite)
    listing(suite)
  },
}

function grouping({ test }: Suite): void {
  test('counts what died alike, most first, with the first, the last and a sample', async (scene) => {
    const { expect, store } = scene
    await scene.park(deaths(2, REFUSAL))
    const firstAt = scene.now()
    await scene.park(deaths(3, TIMEOUT))
    await scene.advance(500)
    const error = { code: 'timeout', message: 'ünanswered', stack: 'at call' }
    const { ids } = await scene.park([dying(0, 2, { fingerprint: TIMEOUT, error })])
    const place = { type: 'work', queue: 'main' }
    const groups = await store.reader.errorGroups({ state: 'dead', limit: 10 })
    expect(groups[0]).toEqual({
      ...place,
      fingerprint: TIMEOUT,
      count: 4,
      firstAt,
      lastAt: scene.now(),
      sampleId: ids[0],
      error,
    })
    expect(groups.slice(1)).toMatchObject([
      { ...place, fingerprint: REFUSAL, count: 2, firstAt, lastAt: firstAt },
    ])
    expect(await store.reader.errorGroups({ state: 'dead', limit: 1 })).toEqual(groups.slice(0, 1))
  })

  test('keeps types, queues and states apart', async (scene) => {
    const { expect } = scene
    await scene.park(deaths(3, TIMEOUT))
    await scene.park(deaths(2, TIMEOUT), { type: 'other' })
    await scene.park(deaths(1, TIMEOUT), { queue: 'elsewhere' })
    await scene.park([{ ...failing(0), fingerprint: TIMEOUT }])
    const all = {
      [`main work ${TIMEOUT}`]: 3,
      [`main other ${TIMEOUT}`]: 2,
      [`elsewhere work ${TIMEOUT}`]: 1,
    }
    expect(await counts(scene)).toEqual(all)
    expect(await counts(scene, { type: 'other' })).toEqual({ [`main other ${TIMEOUT}`]: 2 })
    expect(await counts(scene, { queue: 'elsewhere' })).toEqual({ [`elsewhere work ${TIMEOUT}`]: 1 })
    expect(await counts(scene, { queue: 'elsewhere', type: 'other' })).toEqual({})
    expect(await counts(scene, { state: 'failed' })).toEqual({ [`main work ${TIMEOUT}`]: 1 })
  })

  test('does not count what has no fingerprint or is not over', async (scene) => {
    const { expect } = scene
    await scene.park([...deaths(2, null), retrying(2, 60_000, 1, { fingerprint: TIMEOUT })])
    expect(await counts(scene)).toEqual({})
    expect(await counts(scene, { state: 'failed' })).toEqual({})
  })
}

function following({ test }: Suite): void {
  test('counts no more what was redriven or discarded, until it dies again', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park(deaths(3, TIMEOUT))
    const name = `main work ${TIMEOUT}`
    await store.control.redrive([ids[0] as string])
    expect(await counts(scene)).toEqual({ [name]: 2 })
    await store.control.discard([ids[1] as string])
    expect(await counts(scene)).toEqual({ [name]: 1 })
    await scene.promote()
    await scene.settle(await scene.claimOne(), { updates: deaths(1, REFUSAL) })
    expect(await counts(scene)).toEqual({ [name]: 1, [`main work ${REFUSAL}`]: 1 })
  })
}

function listing({ test }: Suite): void {
  test('lists the commands of a group, newest first, page by page', async (scene) => {
    const { expect, store } = scene
    const alike = await scene.park(deaths(5, TIMEOUT))
    await scene.park(deaths(2, REFUSAL))
    await scene.park(deaths(2, null))
    await scene.park([{ ...failing(0), fingerprint: TIMEOUT }])
    const later = await scene.park(deaths(1, TIMEOUT), { queue: 'elsewhere' })
    const expected = [...later.ids, ...[...alike.ids].reverse()]
    const request = { state: 'dead', fingerprint: TIMEOUT } as const
    const first = await store.reader.list({ ...request, limit: 4 })
    expect(first.items.map(({ id }) => id)).toEqual(expected.slice(0, 4))
    const rest = await store.reader.list({ ...request, limit: 4, after: first.next as string })
    expect(rest.items.map(({ id }) => id)).toEqual(expected.slice(4))
    const elsewhere = await store.reader.list({ ...request, queue: 'elsewhere', limit: 10 })
    expect(elsewhere.items.map(({ id }) => id)).toEqual(later.ids)
    expect((await store.reader.list({ ...request, fingerprint: 'unheard of', limit: 4 })).items).toEqual([])
  })
}
