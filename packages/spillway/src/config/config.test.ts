import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { into } from '../sinks/index.js'
import { memory } from '../stores/memory/index.js'
import {
  buffer,
  defineCommand,
  defineConfig,
  direct,
  durationMs,
  isUsableKey,
  journal,
  pool,
  resolveConfig,
  sizeBytes,
  store,
} from './index.js'

const click = defineCommand({ name: 'click', input: z.object({ id: z.string() }), handle: () => {} })
const configure = (over: object) => () =>
  resolveConfig({ store: memory(), commands: [click], ...over } as never)

describe('durations and sizes', () => {
  it('are numbers or texts with a unit', () => {
    expect([
      durationMs(250, 'x'),
      durationMs('5s', 'x'),
      durationMs('1.5m', 'x'),
      durationMs('2h', 'x'),
      durationMs('1d', 'x'),
    ]).toEqual([250, 5_000, 90_000, 7_200_000, 86_400_000])
    expect([sizeBytes('1kb', 'x'), sizeBytes('64mb', 'x')]).toEqual([1_024, 67_108_864])
  })

  it.each(['5 parsecs', '', 's', '-5s', -1, Number.NaN, Number.POSITIVE_INFINITY, null, {}])(
    'refuse %j with path, expected and received',
    (value) => {
      expect(() => durationMs(value as never, 'queues.a.lease')).toThrow(
        /^queues\.a\.lease: expected milliseconds .*received /,
      )
    },
  )
})

describe('defineCommand', () => {
  it('fills in every default', () => {
    expect(click).toMatchObject({
      queue: 'default',
      priority: 0,
      timeoutMs: 30_000,
      settlement: 'batched',
      deduplicate: 'intake',
      idempotencyWindowMs: 86_400_000,
    })
    expect(click.policy.retry).toEqual({
      attempts: 5,
      backoff: { type: 'exponential', delayMs: 1_000, maxMs: 600_000, jitter: 'full' },
      deadlineMs: null,
      overrides: [],
    })
  })

  it('settles a sink in its transaction', () => {
    expect(
      defineCommand({
        name: 'c',
        input: z.object({ id: z.string() }),
        handleBatch: into('clicks', { key: ['id'] }),
      }).settlement,
    ).toBe('transaction')
  })

  it.each([
    [{ name: 'a b' }, /name: expected .*letters.*received "a b"/],
    [{ name: '../x' }, /name/],
    [{ queue: 'q;drop' }, /queue/],
    [{ input: {} }, /Standard Schema/],
    [{ handleBatch: () => {} }, /either handle or handleBatch/],
    [{ handle: 7 }, /handle: expected a function/],
    [{ batch: { maxSize: 0 } }, /batch\.maxSize/],
    [{ batch: { maxWait: 'soon' } }, /batch\.maxWait: expected milliseconds/],
    [{ retry: { attempts: 0 } }, /retry\.attempts/],
    [{ retry: { backoff: { delay: '5x' } } }, /retry\.backoff\.delay/],
    [{ priority: 101 }, /priority/],
    [{ timeout: 'never' }, /timeout/],
  ])('refuses %j', (over, message) => {
    expect(() =>
      defineCommand({ name: 'click', input: z.object({}), handle: () => {}, ...over } as never),
    ).toThrow(message)
  })
})

describe('defineConfig', () => {
  it('returns the configuration as it was given', () => {
    const config = { store: memory(), commands: [click] }
    expect(defineConfig(config)).toBe(config)
  })

  it('gives every command its queue, with the store channel', () => {
    const queue = resolveConfig({ store: memory(), commands: [click] }).queues.get('default')
    expect(queue).toMatchObject({
      channel: { kind: 'store' },
      concurrency: 8,
      leaseMs: 30_000,
      partitions: null,
      commands: [click],
    })
  })

  it('keeps chunks of one-at-a-time commands small, so that they spread over workers', () => {
    expect(
      resolveConfig({
        store: memory(),
        commands: [click],
        queues: { default: { concurrency: 3 } },
      }).queues.get('default')?.chunkCommandsMax,
    ).toBe(12)
  })

  it('switches a queue with one line', () => {
    for (const channel of [
      'store',
      'direct',
      direct(),
      store(),
      pool({ coreSize: 2 }),
      buffer({ flush: { every: '1s' } }),
      journal('./spool'),
    ] as const) {
      const kind = typeof channel === 'string' ? channel : channel.kind
      expect(
        resolveConfig({ store: memory(), commands: [click], queues: { default: { channel } } }).queues.get(
          'default',
        )?.channel.kind,
      ).toBe(kind)
    }
  })

  it.each([
    [{ stor: 1 }, /^stor: expected one of store, commands/],
    [{ store: {} }, /^store: expected a store/],
    [{ commands: 'x' }, /^commands: expected a list/],
    [{ commands: [{}] }, /^commands\[0\]: expected a defineCommand/],
    [{ commands: [click, click] }, /^commands\[1\]\.name: expected a name of its own, received "click"/],
    [{ queues: { default: { chanel: 'store' } } }, /^queues\.default\.chanel/],
    [{ queues: { default: { channel: 'kafka' } } }, /^queues\.default\.channel: expected .*received "kafka"/],
    [{ queues: { 'a b': {} } }, /^queues\.a b/],
    [{ queues: { default: { concurrency: 0 } } }, /^queues\.default\.concurrency/],
    [{ queues: { default: { lease: '10ms' } } }, /^queues\.default\.lease/],
    [{ worker: { poll: 'often' } }, /^worker\.poll: expected milliseconds/],
    [{ worker: { pol: 1 } }, /^worker\.pol: expected one of/],
    [{ maintenance: { retention: 'ever' } }, /^maintenance\.retention/],
    [{ http: { port: 70_000 } }, /^http\.port: expected a whole number from 0 to 65535, received 70000/],
    [{ queues: { default: { ordered: {} } } }, /orderingKey: expected a function/],
  ])('refuses %j and names the path', (over, message) => {
    expect(configure(over)).toThrow(message)
  })

  it('never repeats a token in an error', () => {
    expect(configure({ http: { token: 'hunter2' } })).toThrow(
      /^http\.token: expected .*received "7 characters"/,
    )
  })

  it('refuses transaction settlement where there is no lease to settle', () => {
    const transactional = defineCommand({
      name: 't',
      input: z.object({}),
      settlement: 'transaction',
      handleBatch: () => {},
    })
    expect(configure({ commands: [transactional], queues: { default: { channel: 'direct' } } })).toThrow(
      /settlement: expected 'batched' on the direct channel/,
    )
  })

  it.each([
    () => pool({ coreSize: 4, maxSize: 2 }),
    () => pool({ whenFull: 'explode' as never }),
    () => buffer({ flush: { size: 0 } }),
    () => buffer({ maxBytes: 'lots' as never }),
    () => store({ whenFull: 'spill' as never }),
  ])('refuses channel options that cannot work (%#)', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_config' }))
  })
})

describe('isUsableKey', () => {
  it('takes printable texts of 1 to 255 characters', () => {
    expect(['a', 'order 17/é', 'x'.repeat(255)].every(isUsableKey)).toBe(true)
    expect(['', 'x'.repeat(256), 'a\nb', 'a\u0000', 'a\u009f', 'a\u2028', 7, null].some(isUsableKey)).toBe(
      false,
    )
  })
})
