// Several running Spillways on one store, as several processes have it, on a clock that only the test moves.

import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ProcessClock, range } from '../../test/worker/worker-kit.js'
import { defineCommand } from '../config/index.js'
import type { PruneRequest, Store } from '../ports/index.js'
import { type MemoryTx, memory } from '../stores/memory/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import type { Role, Spillway } from './api.js'
import { createSpillway } from './create-spillway.js'
import { VERSION } from './version.js'

const greet = defineCommand({ name: 'greet', input: z.string(), handle: (name) => `hello ${name}` })

interface App {
  readonly spillway: Spillway
  readonly clock: ProcessClock
  /** When it pruned, by the store's clock. */
  readonly pruned: number[]
}

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function world() {
  const clock = new VirtualClock()
  const real = memory({ clock })
  const apps: App[] = []

  async function start(roles?: readonly Role[], over: Partial<Store<MemoryTx>> = {}): Promise<App> {
    const pruned: number[] = []
    const own = new ProcessClock(clock)
    const store: Store<MemoryTx> = {
      ...real,
      close: async () => {},
      prune: (request: PruneRequest) => {
        pruned.push(clock.now())
        return real.prune(request)
      },
      ...over,
    }
    const spillway = await createSpillway(
      { store, commands: [greet], maintenance: { pruneEvery: '1s' } },
      { clock: own, random: seededRandom(apps.length + 1), logs: 'silent', ...(roles && { roles }) },
    )
    const app = { spillway, clock: own, pruned }
    apps.push(app)
    closing.push(() => stop(app))
    await clock.advance(1)
    return app
  }

  async function stop({ spillway, clock: own }: App): Promise<void> {
    own.resume()
    let over = false
    const closed = spillway.close().then(() => {
      over = true
    })
    while (!over) await clock.advance(100)
    await closed
  }

  return { clock, real, start, stop }
}

describe('several running Spillways on one store', () => {
  it('know of each other, and who prunes', async () => {
    const { clock, start, stop } = world()
    const first = await start()
    const second = await start(['intake'])
    await clock.advance(10_000)
    const nodes = await second.spillway.nodes()
    expect(nodes).toMatchObject([
      { roles: ['intake', 'worker', 'maintenance'], alive: true, holds: ['maintenance'] },
      { roles: ['intake'], alive: true, holds: [] },
    ])
    expect(nodes[0]).toMatchObject({ pid: process.pid, version: VERSION })
    expect(nodes[0]?.id).not.toBe(nodes[1]?.id)
    await stop(first)
    expect(await second.spillway.nodes()).toHaveLength(1)
  })

  it('leave pruning to one of them, and another takes it over at once when that one closes', async () => {
    const { clock, start, stop } = world()
    const [first, second] = [await start(), await start()]
    await clock.advance(20_000)
    expect(first.pruned.length).toBeGreaterThan(15)
    expect(second.pruned).toEqual([])
    await stop(first)
    const closedAt = clock.now()
    await clock.advance(15_000)
    expect((second.pruned[0] ?? Number.POSITIVE_INFINITY) - closedAt).toBeLessThanOrEqual(2_500)
  })

  it('go on when one is killed: another prunes within a lease, and the dead one is shown as silent', async () => {
    const { clock, start } = world()
    const apps = [await start(), await start(), await start()]
    await clock.advance(20_000)
    const [first, ...others] = apps as [App, App, App]
    first.clock.pause()
    const diedAt = clock.now()
    await clock.advance(60_000)
    const heirs = others.filter(({ pruned }) => pruned.length > 0)
    expect(heirs).toHaveLength(1)
    const tookOverAfterMs = (heirs[0]?.pruned[0] ?? Number.POSITIVE_INFINITY) - diedAt
    expect(tookOverAfterMs).toBeGreaterThan(15_000 * (1 - 1 / 6) - 1)
    expect(tookOverAfterMs).toBeLessThanOrEqual(15_000 * (1 + 1 / 6))
    const nodes = await (others[0] as App).spillway.nodes()
    expect(nodes.map(({ alive }) => alive)).toEqual([false, true, true])
    await clock.advance(10 * 15_000)
    expect(await (others[0] as App).spillway.nodes()).toHaveLength(2)
    const before = heirs[0]?.pruned.length ?? 0
    first.clock.resume()
    const seen = first.pruned.length
    await clock.advance(10_000)
    expect(first.pruned).toHaveLength(seen)
    expect(heirs[0]?.pruned.length).toBeGreaterThan(before)
  })

  it('all promote, so that a retry never waits for an heir', async () => {
    const { clock, start } = world()
    const [first, second] = [await start(), await start()]
    const { id } = await submitted(second.spillway.submit(greet, 'Ada', { delay: '5s' }), clock)
    first.clock.pause()
    await clock.advance(5_400)
    expect(await second.spillway.outcome(id)).toMatchObject({ state: 'succeeded' })
  })

  it('work on although the store knows nothing of nodes', async () => {
    const { clock, real, start } = world()
    const no = () => Promise.reject(new Error('no'))
    const { spillway } = await start(undefined, {
      nodes: { ...real.nodes, heartbeat: no, acquire: no, leave: no, release: no },
    })
    const ids: string[] = []
    for (const n of range(3)) ids.push((await submitted(spillway.submit(greet, `${n}`), clock)).id)
    await clock.advance(60_000)
    for (const id of ids) expect(await spillway.outcome(id)).toMatchObject({ state: 'succeeded' })
    expect(await spillway.health()).toMatchObject({ ready: true })
  })

  it('do not count one that only looks', async () => {
    const { clock, real, start } = world()
    const { spillway } = await start()
    const looking = await createSpillway(
      { store: { ...real, close: async () => {} }, commands: [greet] },
      { clock, roles: ['intake'], register: false, logs: 'silent' },
    )
    await clock.advance(1_000)
    expect(await looking.nodes()).toHaveLength(1)
    await looking.close()
    expect(await spillway.nodes()).toHaveLength(1)
  })
})

describe('queue settings', () => {
  it('are obeyed by every process and shown with the queue', async () => {
    const { clock, start } = world()
    const [first, second] = [await start(['intake']), await start(['worker'])]
    await first.spillway.pause('default', { reason: 'the bank is closed' })
    const { id } = await submitted(first.spillway.submit(greet, 'Ada'), clock)
    await clock.advance(10_000)
    expect(await second.spillway.outcome(id)).toMatchObject({ state: 'accepted' })
    expect(await second.spillway.queues()).toMatchObject([
      { queue: 'default', paused: true, pauseReason: 'the bank is closed', leasesMax: null, ready: 1 },
    ])
    expect(await second.spillway.health()).toMatchObject({
      ready: true,
      checks: expect.arrayContaining([
        { name: 'queues', ok: false, detail: 'paused: default (the bank is closed)' },
      ]),
    })
    expect(await first.spillway.limit('default', 3)).toEqual({
      ...{ paused: true, pauseReason: 'the bank is closed', leasesMax: 3 },
    })
    expect(await second.spillway.resume('default')).toEqual({
      ...{ paused: false, pauseReason: null, leasesMax: 3 },
    })
    await clock.advance(200)
    expect(await second.spillway.outcome(id)).toMatchObject({ state: 'succeeded' })
    expect((await second.spillway.health()).checks).toContainEqual({
      ...{ name: 'queues', ok: true, detail: 'none is paused' },
    })
  })

  it('are refused when they make no sense', async () => {
    const { start } = world()
    const { spillway } = await start()
    await expect(spillway.pause('nope')).rejects.toMatchObject({ code: 'not_found' })
    await expect(spillway.limit('nope', 1)).rejects.toMatchObject({ code: 'not_found' })
    await expect(spillway.pause('default', { reason: 'x'.repeat(501) })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    for (const limit of [0, -1, 1.5, Number.NaN, '3' as never, undefined as never, 1_000_001]) {
      await expect(spillway.limit('default', limit)).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await spillway.queues()).toMatchObject([{ paused: false, leasesMax: null }])
  })
})

async function submitted<T>(receipt: Promise<T>, clock: VirtualClock): Promise<T> {
  await clock.advance(1)
  return receipt
}
