// Nodes: who works on the store, as the store's own clock tells.

import type { NodeDraft } from '../../../ports/index.js'
import type { Scene } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'

export const TTL_MS = 15_000

export function nodeOf(id: string, over: Partial<NodeDraft> = {}): NodeDraft {
  return { id, host: 'host-1', pid: 4711, version: '1.2.3', roles: ['intake', 'worker'], ...over }
}

export const nodesTheme: Theme = {
  name: 'nodes',
  define(suite) {
    registering(suite)
    forgetting(suite)
  },
}

async function idsOf(scene: Scene): Promise<string[]> {
  return (await scene.store.nodes.list()).map(({ id }) => id)
}

function registering({ test }: Suite): void {
  test('shows a registered node with what it said about itself', async (scene) => {
    const { expect, store } = scene
    expect(await store.nodes.list()).toEqual([])
    const node = nodeOf('n1', { host: "härd's host", roles: ['maintenance'] })
    await store.nodes.heartbeat(node, TTL_MS)
    const at = scene.now()
    expect(await store.nodes.list()).toEqual([{ ...node, startedAt: at, seenAt: at, alive: true }])
  })

  test('renews a node without changing when it started', async (scene) => {
    const { expect, store } = scene
    await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
    const startedAt = scene.now()
    await scene.advance(1_000)
    await store.nodes.heartbeat(nodeOf('n1', { roles: [] }), TTL_MS)
    expect(await store.nodes.list()).toMatchObject([{ id: 'n1', startedAt, seenAt: scene.now(), roles: [] }])
  })

  test('takes a node for alive until its time to live has passed since it was heard of', async (scene) => {
    const { expect, store } = scene
    const alive = async () => (await store.nodes.list()).map((node) => node.alive)
    await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
    await store.nodes.heartbeat(nodeOf('n2'), 2 * TTL_MS)
    await scene.advance(TTL_MS - 1)
    expect(await alive()).toEqual([true, true])
    await scene.advance(2)
    expect(await alive()).toEqual([false, true])
    await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
    expect(await alive()).toEqual([true, true])
  })

  test('lists nodes by start time, and by id where that is the same', async (scene) => {
    const { expect, store } = scene
    for (const id of ['b', 'c', 'a']) await store.nodes.heartbeat(nodeOf(id), TTL_MS)
    await scene.advance(10)
    await store.nodes.heartbeat(nodeOf('A'), TTL_MS)
    await store.nodes.heartbeat(nodeOf('b'), TTL_MS)
    expect(await idsOf(scene)).toEqual(['a', 'b', 'c', 'A'])
  })

  test('registers many at once, each once', async (scene) => {
    const { expect, store } = scene
    const ids = Array.from({ length: 20 }, (_, n) => `n${n % 10}`)
    await Promise.all(ids.map((id) => store.nodes.heartbeat(nodeOf(id), TTL_MS)))
    expect(await idsOf(scene)).toEqual([...new Set(ids)].sort())
  })

  test(
    'shows every process the same nodes',
    async (scene) => {
      const { expect, store, subject } = scene
      const other = await subject.reopen?.()
      await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
      await other?.nodes.heartbeat(nodeOf('n2'), TTL_MS)
      expect(await other?.nodes.list()).toEqual(await store.nodes.list())
      expect(await idsOf(scene)).toEqual(['n1', 'n2'])
    },
    needsReopen,
  )
}

function forgetting({ test }: Suite): void {
  test('forgets a node that leaves, and starts it anew when it comes back', async (scene) => {
    const { expect, store } = scene
    for (const id of ['n1', 'n2']) await store.nodes.heartbeat(nodeOf(id), TTL_MS)
    await scene.advance(1_000)
    await store.nodes.leave('n1')
    await store.nodes.leave('n1')
    await store.nodes.leave('never heard of')
    expect(await idsOf(scene)).toEqual(['n2'])
    await store.nodes.heartbeat(nodeOf('n1'), TTL_MS)
    expect(await store.nodes.list()).toMatchObject([{ id: 'n2' }, { id: 'n1', startedAt: scene.now() }])
  })

  test('forgets a node by pruning once it was silent for ten times its time to live', async (scene) => {
    const { expect, store } = scene
    await store.nodes.heartbeat(nodeOf('short'), TTL_MS)
    await store.nodes.heartbeat(nodeOf('long'), 2 * TTL_MS)
    await scene.advance(10 * TTL_MS - 1)
    await scene.prune()
    expect(await idsOf(scene)).toEqual(['long', 'short'])
    await scene.advance(2)
    expect(await scene.prune()).toEqual({ chunks: 0, commands: 0, keys: 0 })
    expect(await idsOf(scene)).toEqual(['long'])
    await store.nodes.heartbeat(nodeOf('long'), 2 * TTL_MS)
    await scene.advance(19 * TTL_MS)
    await scene.prune()
    expect(await idsOf(scene)).toEqual(['long'])
  })
}
