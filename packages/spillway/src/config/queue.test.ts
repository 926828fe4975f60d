import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { memory } from '../stores/memory/index.js'
import {
  buffer,
  type CommandOptions,
  defineCommand,
  pool,
  type QueueOptions,
  resolveConfig,
} from './index.js'

const input = z.object({ id: z.string() })
type Options = Partial<CommandOptions<string, typeof input>>

function resolved(queue: QueueOptions, command: Options = {}) {
  const click = defineCommand({ name: 'click', input, handle: () => undefined, ...command })
  const config = resolveConfig({ store: memory(), commands: [click], queues: { default: queue } })
  const found = config.queues.get('default')
  if (found === undefined) throw new Error('no queue')
  return found
}

const byId = ({ id }: { id: string }): string => id

describe('a queue', () => {
  it('shapes nothing unless it is asked to', () => {
    expect(resolved({})).toMatchObject({
      ...{ concurrency: 8, adaptive: null, partitions: null, onDead: 'skip', rateLimit: null },
      ...{ keyRateLimit: null, tenants: null, admission: null },
    })
  })

  it('takes a fixed number of calls at once or bounds between which it finds its own', () => {
    expect(resolved({ concurrency: 3 })).toMatchObject({ concurrency: 3, adaptive: null })
    expect(resolved({ concurrency: { max: 32 } })).toMatchObject({
      concurrency: 32,
      adaptive: { min: 1, latencyMs: null },
    })
    expect(resolved({ concurrency: { min: 2, max: 4, latency: '1s' } }).adaptive).toEqual({
      min: 2,
      latencyMs: 1_000,
    })
  })

  it('bursts by what it may start in a period, and keeps its chunks as small', () => {
    const queue = resolved({ rateLimit: { limit: 10, per: '1s' } })
    expect(queue.rateLimit).toEqual({ limit: 10, perMs: 1_000, burst: 10 })
    expect(queue.chunkCommandsMax).toBe(10)
    expect(resolved({ rateLimit: { limit: 10, per: '1s', burst: 25 } }).chunkCommandsMax).toBe(25)
  })

  it('knows its tenants, its keys and what it admits', () => {
    expect(resolved({ tenants: { weights: { big: 2 } } }, { tenantKey: byId }).tenants).toEqual(
      new Map([['big', 2]]),
    )
    expect(resolved({ keyRateLimit: { limit: 1, per: 10 } }, { rateKey: byId }).keyRateLimit).toEqual({
      ...{ limit: 1, perMs: 10, burst: 1 },
    })
    expect(resolved({ admission: { maxDepth: 5, maxBytes: '1kb', maxAge: '1m' } }).admission).toEqual({
      ...{ maxDepth: 5, maxBytes: 1_024, maxAgeMs: 60_000, perTenant: null },
    })
  })

  it.each<[QueueOptions, Options, RegExp]>([
    [{ concurrency: { max: 2, min: 3 } }, {}, /concurrency\.min: expected a whole number from 1 to 2/],
    [{ concurrency: { most: 2 } as never }, {}, /concurrency\.most: expected one of min, max, latency/],
    [{ rateLimit: { limit: 0, per: 1 } }, {}, /rateLimit\.limit/],
    [{ rateLimit: { limit: 1, per: 0 } }, {}, /rateLimit\.per: expected 1 ms to 1 day/],
    [{ rateLimit: { limit: 1, per: '2d' } }, {}, /rateLimit\.per: expected 1 ms to 1 day/],
    [{ rateLimit: { limit: 1, per: 1, brust: 2 } as never }, {}, /rateLimit\.brust/],
    [
      { tenants: { weights: { a: 0 } } },
      { tenantKey: byId },
      /tenants\.weights\.a: expected a number above 0/,
    ],
    [{ tenants: {} }, {}, /command click: tenantKey: expected a function/],
    [{}, { tenantKey: byId }, /queues\.default\.tenants: expected an option/],
    [{ keyRateLimit: { limit: 1, per: 1 } }, {}, /command click: rateKey: expected a function/],
    [{}, { rateKey: byId }, /queues\.default\.keyRateLimit: expected an option/],
    [{ admission: { maxDepth: 0 } }, {}, /admission\.maxDepth/],
    [{ admission: { depth: 1 } as never }, {}, /admission\.depth/],
    [{ channel: pool(), rateLimit: { limit: 1, per: 1 } }, {}, /rateLimit: expected the 'store' channel/],
    [
      { channel: buffer(), concurrency: { max: 2 } },
      {},
      /concurrency: expected a number on the buffer channel/,
    ],
    [{ channel: 'direct' }, { breaker: true }, /breaker: expected none on the direct channel/],
    [
      { ordered: { onDead: 'stop' as never } },
      { orderingKey: byId },
      /ordered\.onDead: expected 'skip' or 'block'/,
    ],
    [{ ordered: { partition: 3 } as never }, { orderingKey: byId }, /ordered\.partition: expected one of/],
  ])('refuses %j with %j and names the path', (queue, command, message) => {
    expect(() => resolved(queue, command)).toThrow(message)
  })

  it('leaves names with the prefix of Spillway to Spillway', () => {
    expect(() => defineCommand({ name: 'spillway.mine', input, handle: () => undefined })).toThrow(
      /command spillway\.mine: name: expected a name that does not begin with 'spillway\.'/,
    )
    expect(() => resolveConfig({ store: memory(), commands: [], queues: { 'spillway.mine': {} } })).toThrow(
      /queues\.spillway\.mine: expected a name that does not begin/,
    )
  })
})
