// Roles: what only one node may do at a time is held by a lease, and its token tells one holder's time from another's.

import type { RoleLease } from '../../../ports/index.js'
import type { Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { nodeOf, TTL_MS } from './nodes.js'

const ROLE = 'maintenance'
const LEASE_MS = 10_000

export const rolesTheme: Theme = {
  name: 'roles',
  define(suite) {
    holding(suite)
    ending(suite)
    fencing(suite)
    racing(suite)
  },
}

async function acquired(scene: Scene, nodeId: string, role = ROLE): Promise<RoleLease> {
  const lease = await scene.store.nodes.acquire(role, nodeId, LEASE_MS)
  scene.expect(lease === null, `${nodeId} acquires ${role}`).toBe(false)
  return lease as RoleLease
}

function holding({ test }: Suite): void {
  test('gives a free role to whoever asks, for as long as asked', async (scene) => {
    const { expect, store } = scene
    const { token, ...lease } = await acquired(scene, 'n1')
    expect(lease).toEqual({ role: ROLE, nodeId: 'n1', expiresAt: scene.now() + LEASE_MS })
    expect(token).toBeGreaterThan(0)
    expect(await store.nodes.roles()).toEqual([{ ...lease, token }])
  })

  test('refuses a role that another node holds', async (scene) => {
    const { expect, store } = scene
    const held = await acquired(scene, 'n1')
    await scene.advance(LEASE_MS - 1)
    expect(await store.nodes.acquire(ROLE, 'n2', LEASE_MS)).toBe(null)
    expect(await store.nodes.roles()).toEqual([held])
  })

  test('renews a role for its holder under the same token', async (scene) => {
    const { expect } = scene
    const { token } = await acquired(scene, 'n1')
    await scene.advance(LEASE_MS / 2)
    const renewed = await acquired(scene, 'n1')
    expect(renewed).toEqual({ role: ROLE, nodeId: 'n1', token, expiresAt: scene.now() + LEASE_MS })
    await scene.advance(LEASE_MS - 1)
    expect(await scene.store.nodes.acquire(ROLE, 'n2', LEASE_MS)).toBe(null)
  })

  test('keeps roles apart from each other, and lists them by name', async (scene) => {
    const { expect, store } = scene
    for (const [role, nodeId] of [
      ['b', 'n1'],
      ['a', 'n2'],
      ['c', 'n1'],
      ['B', 'n3'],
    ] as const)
      await acquired(scene, nodeId, role)
    expect((await store.nodes.roles()).map(({ role, nodeId }) => [role, nodeId])).toEqual([
      ['B', 'n3'],
      ['a', 'n2'],
      ['b', 'n1'],
      ['c', 'n1'],
    ])
  })

  test(
    'is held against every process',
    async (scene) => {
      const { expect, subject } = scene
      const other = await subject.reopen?.()
      const held = await acquired(scene, 'n1')
      expect(await other?.nodes.acquire(ROLE, 'n2', LEASE_MS)).toBe(null)
      expect(await other?.nodes.roles()).toEqual([held])
      await scene.advance(LEASE_MS + 1)
      expect(await other?.nodes.acquire(ROLE, 'n2', LEASE_MS)).toMatchObject({ nodeId: 'n2' })
      expect(await scene.store.nodes.acquire(ROLE, 'n1', LEASE_MS)).toBe(null)
    },
    needsReopen,
  )
}

function ending({ test }: Suite): void {
  test('gives an expired role to another node', async (scene) => {
    const { expect, store } = scene
    await acquired(scene, 'n1')
    await scene.advance(LEASE_MS + 1)
    expect(await store.nodes.roles()).toMatchObject([{ role: ROLE, nodeId: 'n1' }])
    await acquired(scene, 'n2')
    expect(await store.nodes.acquire(ROLE, 'n1', LEASE_MS)).toBe(null)
  })

  test('gives a released role to another node at once, and shows its last holder until then', async (scene) => {
    const { expect, store } = scene
    const lease = await acquired(scene, 'n1')
    expect(await store.nodes.release(lease)).toBe('ok')
    const [last] = await store.nodes.roles()
    expect(last).toMatchObject({ role: ROLE, nodeId: 'n1', token: lease.token })
    expect(last?.expiresAt).toBeLessThan(scene.now() + 1)
    await acquired(scene, 'n2')
  })

  test('does not release what is no longer held under the token', async (scene) => {
    const { expect, store } = scene
    const old = await acquired(scene, 'n1')
    await scene.advance(LEASE_MS + 1)
    const held = await acquired(scene, 'n2')
    expect(await store.nodes.release(old)).toBe('stale')
    expect(await store.nodes.release({ role: 'never held', token: 1 })).toBe('stale')
    expect(await store.nodes.roles()).toEqual([held])
  })

  test('releases the roles of a node that leaves, and only those', async (scene) => {
    const { expect, store } = scene
    await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
    for (const role of ['a', 'b']) await acquired(scene, 'n1', role)
    const kept = await acquired(scene, 'n2', 'c')
    await store.nodes.leave('n1')
    for (const role of ['a', 'b']) await acquired(scene, 'n2', role)
    expect(await store.nodes.acquire('c', 'n1', LEASE_MS)).toBe(null)
    expect((await store.nodes.roles()).at(-1)).toEqual(kept)
  })
}

function fencing({ test }: Suite): void {
  test('raises the token whenever a role is taken anew, by whomever', async (scene) => {
    const { expect, store } = scene
    const tokens: number[] = []
    const take = async (nodeId: string) => {
      const lease = await acquired(scene, nodeId)
      tokens.push(lease.token)
      return lease
    }
    await take('n1')
    await scene.advance(LEASE_MS + 1)
    await store.nodes.release(await take('n2'))
    await store.nodes.release(await take('n2'))
    await take('n1')
    await scene.advance(LEASE_MS + 1)
    await take('n1')
    await store.nodes.leave('n1')
    await take('n3')
    expect(tokens).toHaveLength(6)
    for (const [at, token] of tokens.slice(1).entries()) expect(token).toBeGreaterThan(tokens[at] as number)
  })
}

function racing({ test }: Suite): void {
  test('gives a free role to one of many that ask at once, and an expired one too', async (scene) => {
    const { expect, store } = scene
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, n) => store.nodes.acquire(ROLE, `n${n}`, LEASE_MS)),
      )
      expect(answers.filter((lease) => lease !== null)).toHaveLength(1)
      await scene.advance(LEASE_MS + 1)
    }
  })

  test(
    'gives a role to one of several processes that ask at once',
    async (scene) => {
      const { expect, store, subject } = scene
      const other = await subject.reopen?.()
      for (let round = 0; round < 5; round += 1) {
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, n) =>
            (n % 2 === 0 ? store : other)?.nodes.acquire(ROLE, `n${n}`, LEASE_MS),
          ),
        )
        const leases = answers.filter((lease) => lease !== null && lease !== undefined)
        expect(leases).toHaveLength(1)
        expect(await store.nodes.release(leases[0] as RoleLease)).toBe('ok')
      }
    },
    needsReopen,
  )
}
