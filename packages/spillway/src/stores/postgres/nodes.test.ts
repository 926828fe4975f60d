import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'

requireServer(describe, 'postgres')('roles', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  it('are held by one node at a time, however many ask at once', async () => {
    const rig = await rigs()
    const stores = [rig.store, await rig.other(), await rig.other()]
    for (let round = 1; round <= 10; round += 1) {
      const asked = Array.from({ length: 9 }, (_, n) => `${round}-${n}`)
      const leases = await Promise.all(
        asked.map((node, n) => stores[n % 3]?.nodes.acquire('cleaner', node, 1_000) ?? null),
      )
      const held = leases.filter((lease) => lease !== null)
      expect(held).toHaveLength(1)
      expect(held[0]?.token).toBe(round)
      expect(await rig.store.nodes.roles()).toEqual(held)
      await rig.clock.advance(1_000)
    }
  })

  it('are judged once whoever writes before has committed', async () => {
    const rig = await rigs()
    await rig.store.nodes.acquire('cleaner', 'a', 1_000)
    await rig.clock.advance(1_000)
    const session = await sessionOn(rig)
    const until = rig.clock.now() + 5_000
    await session.query('begin')
    await session.query("update roles set node_id = 'b', token = token + 1, expires_at = $1", [until])
    const asked = rig.store.nodes.acquire('cleaner', 'c', 1_000)
    await session.query('commit')
    expect(await asked).toBe(null)
    expect(await rig.store.nodes.roles()).toEqual([
      { role: 'cleaner', nodeId: 'b', token: 2, expiresAt: until },
    ])
  })

  it('end when their node leaves, and only its own', async () => {
    const rig = await rigs()
    const node = { host: 'h', pid: 1, version: '1', roles: ['worker', 'maintenance'] as const }
    await rig.store.nodes.heartbeat({ ...node, id: 'a' }, 1_000)
    await rig.store.nodes.heartbeat({ ...node, id: 'b' }, 1_000)
    await rig.store.nodes.acquire('one', 'a', 5_000)
    await rig.store.nodes.acquire('other', 'b', 5_000)
    await rig.store.nodes.leave('a')
    expect((await rig.store.nodes.list()).map(({ id, roles }) => [id, roles])).toEqual([['b', node.roles]])
    expect(await rig.store.nodes.acquire('one', 'c', 1_000)).toMatchObject({ token: 2 })
    expect(await rig.store.nodes.acquire('other', 'c', 1_000)).toBe(null)
  })
})
