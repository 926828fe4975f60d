import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import {
  buffer,
  defineCommand,
  failed,
  into,
  pool,
  type Receipt,
  retry,
  type SpillwayConfig,
  type TelemetryEvent,
  VERSION,
} from '../index.js'
import { memory, rowsOf } from '../stores/memory/index.js'
import { loadSqlite, sqlite } from '../stores/sqlite/index.js'
import type { CreateOptions } from './create-spillway.js'
import { createSpillway } from './create-spillway.js'

const Click = z.object({ id: z.string(), n: z.number() })
const record = defineCommand({
  name: 'click.record',
  input: Click,
  idempotencyKey: (click) => click.id,
  handleBatch: into('clicks', { key: ['id'] }),
})
const greet = defineCommand({
  name: 'greet',
  input: z.object({ name: z.string() }),
  handle: (input) => `hello ${input.name}`,
})

const opened: { close(): Promise<void> }[] = []
const folders: string[] = []

afterEach(async () => {
  for (const spillway of opened.splice(0)) await spillway.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function open(config: Partial<SpillwayConfig> = {}, options: CreateOptions = {}) {
  const store = config.store ?? memory()
  const spillway = await createSpillway(
    { store, commands: [record, greet], ...config },
    { logs: 'silent', ...options },
  )
  opened.push(spillway)
  return { spillway, store }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-app-'))
  folders.push(folder)
  return folder
}

describe('a running Spillway', () => {
  it('accepts a command, executes it and tells its outcome', async () => {
    const { spillway } = await open()
    const receipt = await spillway.submit(greet, { name: 'Ada' })
    expect(receipt).toMatchObject({
      status: 'accepted',
      type: 'greet',
      queue: 'default',
      durability: 'memory',
    })
    expect(await spillway.outcome(receipt.id, { wait: '20s', payload: true })).toMatchObject({
      state: 'succeeded',
      result: '"hello Ada"',
      payload: '{"name":"Ada"}',
    })
  })

  it('writes rows in bulk and gives a repeat the first id', async () => {
    const { spillway, store } = await open()
    const first = await spillway.submit(record, { id: 'a', n: 1 })
    const again = await spillway.submit('click.record', { id: 'a', n: 1 })
    expect(again).toMatchObject({ status: 'duplicate', id: first.id })
    await expect(spillway.submit(record, { id: 'a', n: 2 })).rejects.toMatchObject({
      code: 'idempotency_conflict',
      details: { id: first.id },
    })
    await spillway.drain()
    expect(rowsOf(store as never, 'clicks')).toEqual([{ id: 'a', n: 1 }])
    expect(await spillway.accounting()).toMatchObject({ accepted: 1, succeeded: 1 })
  })

  it.each([
    ['direct', 'direct', 'executed'],
    ['pool', pool({ coreSize: 2 }), 'memory'],
    ['buffer', buffer({ flush: { every: 5 } }), 'memory'],
    ['store', 'store', 'memory'],
  ] as const)(
    'runs the same handler on the %s channel after a change of one line',
    async (_, channel, durability) => {
      const { spillway, store } = await open({ queues: { default: { channel } } })
      const receipt = await spillway.submit(record, { id: 'a', n: 1 })
      expect(receipt.durability).toBe(durability)
      expect(await spillway.outcome(receipt.id, { wait: '20s' })).toMatchObject({ state: 'succeeded' })
      expect(rowsOf(store as never, 'clicks')).toEqual([{ id: 'a', n: 1 }])
    },
  )

  it('parks what a volatile channel could not execute and retries it through the store', async () => {
    let calls = 0
    const flaky = defineCommand({
      name: 'flaky',
      input: z.object({}),
      retry: { backoff: { delay: 1, jitter: 'none' } },
      handle: () => {
        calls += 1
        return calls < 3 ? retry('not yet') : 'done'
      },
    })
    const { spillway } = await open({
      commands: [flaky],
      queues: { default: { channel: pool() } },
      maintenance: { promoteEvery: 1 },
    })
    const { id } = await spillway.submit(flaky, {})
    const outcome = await spillway.outcome(id, { wait: '20s' })
    expect(outcome).toMatchObject({ state: 'succeeded', attempts: 3 })
    expect(outcome.history).toHaveLength(3)
  })

  it('keeps a business no and lets it be redriven under the same id', async () => {
    let answer: unknown = failed('address rejected')
    const letter = defineCommand({ name: 'letter', input: z.object({}), handle: () => answer })
    const { spillway } = await open({ commands: [letter], maintenance: { promoteEvery: 1 } })
    const { id } = await spillway.submit(letter, {})
    expect(await spillway.outcome(id, { wait: '20s' })).toMatchObject({
      state: 'failed',
      error: { message: 'address rejected' },
    })
    answer = undefined
    expect(await spillway.redrive([id])).toEqual(['ok'])
    expect(await spillway.outcome(id, { wait: '20s' })).toMatchObject({ state: 'succeeded', generation: 1 })
    expect(await spillway.redrive([id])).toEqual(['conflict'])
  })

  it('cancels what has not started and nothing else', async () => {
    const { spillway } = await open()
    const { id } = await spillway.submit(greet, { name: 'later' }, { delay: '1h' })
    expect(await spillway.outcome(id)).toMatchObject({ state: 'scheduled' })
    expect(await spillway.cancel([id, `${'0'.repeat(32)}-0`])).toEqual(['ok', 'not_found'])
    expect(await spillway.outcome(id)).toMatchObject({ state: 'cancelled' })
    expect(await spillway.cancel([id])).toEqual(['conflict'])
  })

  it('holds back a paused queue and goes on when it is resumed', async () => {
    const { spillway } = await open()
    await spillway.pause('default')
    const { id } = await spillway.submit(greet, { name: 'x' })
    await expect(spillway.outcome(id, { wait: 20 })).rejects.toMatchObject({
      code: 'wait_timeout',
      details: { state: 'accepted' },
    })
    expect(await spillway.queues()).toMatchObject([
      { queue: 'default', paused: true, ready: 1, channel: 'store' },
    ])
    await spillway.resume('default')
    expect(await spillway.outcome(id, { wait: '20s' })).toMatchObject({ state: 'succeeded' })
    await expect(spillway.pause('nowhere')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('tells an unknown command from one that has outlived the retention', async () => {
    const { spillway } = await open()
    await expect(spillway.outcome('not-an-id')).rejects.toMatchObject({ code: 'not_found' })
    await expect(spillway.outcome(`${'0'.repeat(32)}-0`)).rejects.toMatchObject({ code: 'expired' })
    await expect(spillway.outcome(`${'f'.repeat(32)}-0`)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('streams with one report and rejects the bad ones alone', async () => {
    const { spillway } = await open()
    async function* clicks() {
      for (let n = 0; n < 2_500; n += 1) yield n === 1_234 ? ({ id: 'x' } as never) : { id: `c-${n}`, n }
    }
    const report = await spillway.submitStream(record, clicks())
    expect(report).toMatchObject({ submitted: 2_500, accepted: 2_499, rejected: 1, duplicates: 0 })
    expect(report.errors).toMatchObject([
      { index: 1_234, error: { code: 'invalid_payload', details: { issues: [{ pointer: '/n' }] } } },
    ])
  })

  it('tells what became of commands to whoever reads or listens, until it closes', async () => {
    const faults: TelemetryEvent[] = []
    const record = (event: TelemetryEvent) => event.event === 'fault' && faults.push(event)
    const { spillway } = await open({ telemetry: [{ record }] })
    const events = spillway.events({ types: ['greet'] })
    const off = spillway.on('succeeded', () => {
      throw new Error('a listener of its own kind')
    })
    await spillway.submit(greet, { name: 'Ada' })
    await spillway.drain()
    off()
    await spillway.submit(greet, { name: 'Bob' })
    await spillway.drain()
    await spillway.close()
    const told: string[] = []
    for await (const { state, result } of events) told.push(`${state} ${result}`)
    expect(told).toEqual(['succeeded "hello Ada"', 'succeeded "hello Bob"'])
    expect(faults).toMatchObject([{ where: 'listener for succeeded commands' }])
  })

  it('takes nothing after close, and close can be called twice', async () => {
    const { spillway } = await open()
    await Promise.all([spillway.close(), spillway.close()])
    await expect(spillway.submit(greet, { name: 'x' })).rejects.toMatchObject({ code: 'closed' })
    await expect(spillway.submitMany(greet, [])).rejects.toMatchObject({ code: 'closed' })
  })

  it('does only what its roles say', async () => {
    const store = memory()
    const intake = await open({ store }, { roles: ['intake'] })
    const { id } = await intake.spillway.submit(greet, { name: 'x' })
    await expect(intake.spillway.outcome(id, { wait: 20 })).rejects.toMatchObject({ code: 'wait_timeout' })
    const worker = await open({ store }, { roles: ['worker'] })
    await expect(worker.spillway.submit(greet, { name: 'x' })).rejects.toMatchObject({ code: 'unsupported' })
    expect(await intake.spillway.outcome(id, { wait: '20s' })).toMatchObject({ state: 'succeeded' })
    await expect(open({}, { roles: ['chef' as never] })).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('stops waiting when its caller does', async () => {
    const { spillway } = await open({}, { roles: ['intake'] })
    const { id } = await spillway.submit(greet, { name: 'x' })
    const gaveUp = new AbortController()
    const waiting = spillway.outcome(id, { wait: '1h', signal: gaveUp.signal })
    gaveUp.abort()
    expect(await waiting).toMatchObject({ state: 'accepted' })
  })

  it('is not ready while its store takes no writes', async () => {
    const path = join(newFolder(), 'spillway.db')
    const { spillway } = await open({ store: sqlite(path, { busyTimeout: 20 }) }, { migrate: true })
    expect(await spillway.health()).toMatchObject({ ready: true })
    const { DatabaseSync } = await loadSqlite()
    const other = new DatabaseSync(path)
    other.exec('begin immediate')
    await expect(spillway.submit(greet, { name: 'x' })).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    })
    expect(await spillway.health()).toMatchObject({
      ready: false,
      checks: expect.arrayContaining([expect.objectContaining({ name: 'store', ok: false })]),
    })
    other.exec('rollback')
    other.close()
    expect(await spillway.health()).toMatchObject({ ready: true })
  })

  it('refuses a store whose schema is missing and says what to run', async () => {
    const store = sqlite(join(newFolder(), 'spillway.db'))
    await expect(open({ store })).rejects.toMatchObject({
      code: 'store_incompatible',
      message: expect.stringContaining('spillway migrate'),
    })
  })

  it('loses nothing over a restart on SQLite', async () => {
    const path = join(newFolder(), 'spillway.db')
    const first = await open({ store: sqlite(path) }, { migrate: true, roles: ['intake'] })
    const verdicts = await first.spillway.submitMany(greet, [{ name: 'a' }, { name: 'b' }])
    await first.spillway.close()
    const second = await open({ store: sqlite(path) })
    for (const verdict of verdicts) {
      expect(verdict.ok && (await second.spillway.outcome(verdict.receipt.id, { wait: '20s' })).state).toBe(
        'succeeded',
      )
    }
  })

  it('counts in Prometheus text what it did', async () => {
    const { spillway } = await open()
    await spillway.submitMany(greet, [{ name: 'a' }, { name: 'b' }])
    await spillway.drain()
    const text = await spillway.metrics.render()
    expect(text).toContain(
      'spillway_command_received_total{queue="default",command="greet",outcome="accepted"} 2',
    )
    expect(text).toContain(
      'spillway_command_finished_total{queue="default",command="greet",outcome="succeeded"} 2',
    )
    expect(text).toMatch(
      /spillway_store_operation_duration_seconds_count\{operation="append",outcome="ok"\} [1-9]/,
    )
  })

  it('counts nothing where it is told that nobody looks', async () => {
    const { spillway } = await open({}, { metrics: false })
    await spillway.submitMany(greet, [{ name: 'a' }])
    await spillway.drain()
    expect(await spillway.metrics.render()).toBe('')
  })

  it('has the version of its package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(VERSION).toBe(version)
  })

  it('infers payload types from the schema', async () => {
    const { spillway } = await open()
    expectTypeOf(spillway.submit(greet, { name: 'x' })).resolves.toEqualTypeOf<Receipt>()
    // @ts-expect-error the payload of greet needs a name
    await expect(spillway.submit(greet, { nam: 'x' })).rejects.toMatchObject({ code: 'invalid_payload' })
    // @ts-expect-error and the name is a text
    await expect(spillway.submitMany(greet, [{ name: 1 }])).resolves.toMatchObject([{ ok: false }])
  })
})

describe('reading an outcome', () => {
  const reading = async (options: Parameters<Awaited<ReturnType<typeof open>>['spillway']['outcome']>[1]) => {
    const real = memory()
    const reads: unknown[] = []
    const reader: typeof real.reader = {
      ...real.reader,
      get: (ids, wanted) => {
        reads.push(wanted)
        return real.reader.get(ids, wanted)
      },
    }
    const { spillway } = await open({ store: { ...real, reader } })
    const { id } = await spillway.submit(greet, { name: 'Ada' })
    await spillway.drain()
    reads.length = 0
    return { view: await spillway.outcome(id, options), reads }
  }

  it('reads the store once, with the payload where it is asked for', async () => {
    const withPayload = await reading({ payload: true, wait: '20s' })
    expect(withPayload.view).toMatchObject({ state: 'succeeded', payload: '{"name":"Ada"}' })
    expect(withPayload.reads).toEqual([{ payload: true }])
    const without = await reading({})
    expect(without.view).not.toHaveProperty('payload')
    expect(without.reads).toEqual([{ payload: false }])
  })
})
