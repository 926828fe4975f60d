// Limits that processes keep together, on a real server and with real time.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import {
  createSpillway,
  defineCommand,
  type QueueOptions,
  type Spillway,
  type Store,
  type TelemetryEvent,
} from '../../src/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { postgresRigs } from '../support/postgres-rig.js'

/** Only what hangs takes so long. */
vi.setConfig({ testTimeout: 90_000 })

/** One start of a handler, in which process, when. */
interface Start {
  readonly name: string
  readonly store: Store
  readonly at: number
}

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
    const started: Start[] = []
    /** Processes that know that the type is to be left alone. */
    const warned = new Set<Store>()
    for (const store of [rig.store, await rig.other({ clock: systemClock })]) {
      const greet = defineCommand({
        name: 'greet',
        input: z.string(),
        handle: (name) => {
          started.push({ name, store, at: systemClock.monotonic() })
          handle()
        },
        ...over,
      })
      const record = ({ event }: TelemetryEvent) => event === 'breaker.changed' && warned.add(store)
      const config = { store, commands: [greet], queues: { default: queue }, telemetry: [{ record }] }
      apps.push(await createSpillway(config, { logs: 'silent' }))
    }
    const [app] = apps as [Spillway, Spillway]
    const submit = async (names: readonly string[]): Promise<void> => {
      for (const verdict of await app.submitMany('greet', names)) if (!verdict.ok) throw verdict.error
    }
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await systemClock.sleep(10)
    }
    return { app, submit, started, warned, until }
  }

  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

  it('keep to one rate', async () => {
    const { submit, started, until } = await start({ rateLimit: { limit: 50, per: '1s', burst: 10 } })
    const submittedAt = systemClock.monotonic()
    await submit(names('x', 100))
    await until(() => started.length >= 100)
    // Not from the first start: between its token and that, any time may pass, and with it more tokens come.
    const elapsedMs = (started.at(-1)?.at ?? 0) - submittedAt
    // The burst is free, and of each process the last chunk may have begun ahead of its tokens.
    expect(elapsedMs).toBeGreaterThan((1_000 * (100 - 3 * 10)) / 50 - 100)
    expect(elapsedMs).toBeLessThan(20_000)
  })

  it('keep to one rate per key, and what is over it waits in the store', async () => {
    const options: QueueOptions = { keyRateLimit: { limit: 5, per: '1s' } }
    const { submit, started, until } = await start(options, { rateKey: (name: string) => name.slice(0, 1) })
    const submittedAt = systemClock.monotonic()
    await submit([...names('x', 10), ...names('y', 2)])
    await until(() => started.length >= 12)
    const xs = started.flatMap(({ name, at }) => (name.startsWith('x') ? [at] : []))
    expect((xs.at(-1) ?? 0) - submittedAt).toBeGreaterThan(900)
    const ys = started.flatMap(({ name }, at) => (name.startsWith('y') ? [at] : []))
    expect(Math.max(...ys)).toBeLessThanOrEqual(6)
  })

  it('leave a type alone together once it failed often enough, and go on together', async () => {
    let isUp = false
    let succeeded = 0
    const breaker = { minSamples: 5, open: '1s', openMax: '1s', probes: 1 }
    const retry = { attempts: 100, backoff: { delay: 50, jitter: 'none' } }
    const { submit, started, warned, until } = await start({ concurrency: 1 }, { breaker, retry }, () => {
      if (!isUp) throw COUNTERPART_IS_DOWN
      succeeded += 1
    })
    for (const name of names('x', 30)) await submit([name])
    await until(() => warned.size === 2)
    const known = started.length
    await until(() => started.length >= known + 2)
    const failed = started.length
    isUp = true
    // Since both know, one of them tries, once, and then both wait again.
    const tries = started.slice(known, failed).map(({ at }) => at)
    for (const [index, at] of tries.slice(1).entries()) expect(at - (tries[index] ?? 0)).toBeGreaterThan(900)
    await until(() => succeeded >= 30)
    expect(started.length - failed).toBe(30)
  })

  it('let tenants take turns', async () => {
    const { app, submit, started, until } = await start(
      { tenants: {}, concurrency: 1 },
      { tenantKey: (name: string) => name.slice(0, 1) },
    )
    // Both tenants are there before anybody begins.
    await app.pause('default')
    for (const at of names('', 20)) await submit(names(`b${at}-`, 10))
    await submit(names('s', 5))
    await app.resume('default')
    await until(() => started.length >= 205)
    const last = started.findLast(({ name }) => name.startsWith('s'))
    // Of the process whose turn it was: how far the other one was by then is nobody's promise.
    const own = started.filter(({ store }) => store === last?.store)
    // One chunk of the other tenant before it, or one more while it was being claimed.
    expect(own.findLastIndex(({ name }) => name.startsWith('s'))).toBeLessThan(30)
  })
})
