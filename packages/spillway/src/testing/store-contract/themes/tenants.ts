// Tenants: a worker can see who has something waiting, and claim for one of them.

import { LEASE_MS, type Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { retrying } from '../updates.js'

function ready(scene: Scene, types = ['work'], limit = 10) {
  return scene.store.readyTenants('main', types, limit)
}

async function names(scene: Scene, types?: string[], limit?: number): Promise<string[]> {
  return (await ready(scene, types, limit)).map(({ tenant }) => tenant)
}

export const tenantsTheme: Theme = {
  name: 'tenants',
  define(suite) {
    telling(suite)
    claiming(suite)
  },
}

function telling({ test }: Suite): void {
  test('tells whose commands wait, and since when, the longest first', async (scene) => {
    const { expect } = scene
    const start = scene.now()
    for (const tenant of ['b', 'a', null, 'b', 'A', 'a']) {
      await scene.submit(tenant === null ? {} : { tenant })
      await scene.advance(10)
    }
    expect(await ready(scene)).toEqual([
      { tenant: 'b', oldestAt: start },
      { tenant: 'a', oldestAt: start + 10 },
      { tenant: '', oldestAt: start + 20 },
      { tenant: 'A', oldestAt: start + 40 },
    ])
    expect(await names(scene, ['work'], 2)).toEqual(['b', 'a'])
    expect(await scene.store.readyTenants('elsewhere', ['work'], 10)).toEqual([])
  })

  test('tells only of what can be claimed now', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ tenant: 'a' })
    await scene.advance(10)
    const { ids } = await scene.submit({ tenant: 'b' })
    await scene.submit({ tenant: 'c', type: 'other' })
    expect(await names(scene)).toEqual(['a', 'b'])
    expect(await names(scene, ['other', 'work'])).toHaveLength(3)
    const lease = await scene.claimOne({ tenant: 'a' })
    expect(await names(scene)).toEqual(['b'])
    await store.control.cancel(ids)
    expect(await names(scene)).toEqual([])
    await scene.advance(LEASE_MS + 1)
    expect(await names(scene)).toEqual(['a'])
    await store.control.configureQueue('main', { paused: true })
    expect(await names(scene, ['other', 'work'])).toEqual([])
    await store.control.configureQueue('main', { paused: false })
    expect(await scene.settle(lease)).toBe('ok')
    expect(await names(scene)).toEqual([])
    expect(await names(scene, [])).toEqual([])
  })

  test('tells of the oldest of each, however many have more', async (scene) => {
    const { expect } = scene
    await scene.append(
      Array.from({ length: 60 }, (_, n) => scene.draft({ tenant: `t${n % 3}`, priority: n % 2 })),
    )
    await scene.advance(10)
    await scene.submit({ tenant: 'late', priority: 5 })
    const listed = await ready(scene)
    expect(listed.map(({ tenant }) => tenant).sort()).toEqual(['late', 't0', 't1', 't2'])
    expect(listed.at(-1)).toEqual({ tenant: 'late', oldestAt: scene.now() })
  })
}

function claiming({ test }: Suite): void {
  test('claims for one tenant what is of that tenant', async (scene) => {
    const { expect } = scene
    const [mine, , own, urgent] = await scene.append([
      scene.draft({ tenant: 'a' }),
      scene.draft({ tenant: 'b' }),
      scene.draft(),
      scene.draft({ tenant: 'a', priority: 5 }),
    ])
    expect(await scene.claim({ tenant: 'nobody' })).toEqual([])
    const leases = await scene.claim({ tenant: 'a' })
    expect(leases.map(({ chunkId }) => chunkId)).toEqual([urgent?.chunkId, mine?.chunkId])
    expect(leases.map(({ tenant }) => tenant)).toEqual(['a', 'a'])
    expect(await scene.claimOne({ tenant: '' })).toMatchObject({ chunkId: own?.chunkId, tenant: null })
    expect(await scene.claimOne()).toMatchObject({ tenant: 'b' })
  })

  test('gives a chunk whose lease expired to whoever claims for its tenant', async (scene) => {
    const { expect } = scene
    const { chunkId } = await scene.submit({ tenant: 'a' })
    await scene.submit({ tenant: 'b' })
    await scene.claim()
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claimOne({ tenant: 'a' })).toMatchObject({ chunkId, expiries: 1 })
    expect(await scene.claimOne({ tenant: 'b' })).toMatchObject({ tenant: 'b', expiries: 1 })
  })

  test('keeps tenants apart when their commands are promoted', async (scene) => {
    const { expect } = scene
    const parked = [{ state: 'scheduled', nextAt: scene.now() + 1_000, attempts: 0, error: null }] as const
    for (const tenant of ['a', 'b', 'a', null]) await scene.submit({ tenant, parked })
    await scene.park([retrying(0, 1_000)], { tenant: 'b' })
    expect(await scene.promoteAfter(1_000)).toBe(5)
    expect((await names(scene)).sort()).toEqual(['', 'a', 'b'])
    const sizes = (await scene.claim()).map(({ tenant, size }) => [tenant ?? '', size])
    expect(Object.fromEntries(sizes)).toEqual({ a: 2, b: 2, '': 1 })
    expect(sizes).toHaveLength(3)
  })
}
