// Limits that processes keep together, on a real server and with real time.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, type QueueOptions, type Spillway } from '../../src/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { postgresRigs } from '../support/postgres-rig.js'

const COUNTERPART_IS_DOWN = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })

requireServer(describe, 'postgres')('two processes on PostgreSQL', () => {
  const rigs = postgresRigs()

  /** What is submitted to the first one is worked off by both; `started` = what began when. */
  async function start(queue: QueueOptions, over: object = {}, handle: () => void = () => undefined) {
    const rig = await rigs({ clock: systemClock })
    const apps: Spillway[] = []
    onTestFinished(async () => {
      for (const app of apps) await app.close()
      await rig.dispose()
    })
    const started: { readonly name: string; readonly at: number }[] = []
    for (const store of [rig.store, await rig.other({ clock: systemClock })]) {
      const greet = defineCommand({
        name: 'greet',
        input: z.string(),
        handle: (name) => {
          started.push({ name, at: systemClock.monotonic() })
          handle()
        },
        ...over,
      })
      const config = { store, commands: [greet], queues: { default: queue } }
      apps.push(await createSpillway(config, { logs: 'silent' }))
    }
    const [app] = apps as [Spillway, Spillway]
    const submit = async (names: readonly string[]): Promise<void> => {
      for (const verdict of await app.submitMany('greet', names)) if (!verdict.ok) throw verdict.error
    }
    const begun = async (count: number): Promise<void> => {
      while (started.length < count) await systemClock.sleep(10)
    }
    return { submit, started, begun }
  }

  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

  it('keep to one rate', async () => {
    const { submit, started, begun } = await start({ rateLimit: { limit: 50, per: '1s', burst: 10 } })
    await submit(names('x', 100))
    await begun(100)
    const elapsedMs = (started[99]?.at ?? 0) - (started[0]?.at ?? 0)
    // The burst is free, and of each process the last chunk may have begun ahead of its tokens.
    expect(elapsedMs).toBeGreaterThan((1_000 * (100 - 3 * 10)) / 50 - 100)
    expect(elapsedMs).toBeLessThan(10_000)
  })

  it('keep to one rate per key, and what is over it waits in the store', async () => {
    const options: QueueOptions = { keyRateLimit: { limit: 5, per: '1s' } }
    const { submit, started, begun } = await start(options, { rateKey: (name: string) => name.slice(0, 1) })
    await submit([...names('x', 10), ...names('y', 2)])
    await begun(12)
    const [firstAt, ...xs] = started.flatMap(({ name, at }) => (name.startsWith('x') ? [at] : []))
    expect((xs.at(-1) ?? 0) - (firstAt ?? 0)).toBeGreaterThan(800)
    const ys = started.flatMap(({ name }, at) => (name.startsWith('y') ? [at] : []))
    expect(Math.max(...ys)).toBeLessThanOrEqual(6)
  })

  it('leave a type alone together once it failed often enough, and go on together', async () => {
    let isUp = false
    let succeeded = 0
    const breaker = { minSamples: 5, open: '1s', probes: 1 }
    const retry = { attempts: 20, backoff: { delay: 50, jitter: 'none' } }
    const { submit, started } = await start({ concurrency: 1 }, { breaker, retry }, () => {
      if (!isUp) throw COUNTERPART_IS_DOWN
      succeeded += 1
    })
    for (const name of names('x', 30)) await submit([name])
    await systemClock.sleep(900)
    const failed = started.length
    // Five, and what the processes did before they told each other.
    expect(failed).toBeLessThanOrEqual(15)
    isUp = true
    while (succeeded < 30) await systemClock.sleep(20)
    expect(started.length - failed).toBe(30)
  })

  it('let tenants take turns', async () => {
    const { submit, started, begun } = await start(
      { tenants: {}, concurrency: 1 },
      { tenantKey: (name: string) => name.slice(0, 1) },
    )
    await submit(names('b', 200))
    await submit(names('s', 5))
    await begun(205)
    const last = started.findLastIndex(({ name }) => name.startsWith('s'))
    expect(last).toBeLessThan(150)
  })
})
