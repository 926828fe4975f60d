import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { defineCommand, type QueueOptions } from '../config/index.js'
import { SCHEMAS } from './schemas.js'

let kit: HttpKit
afterEach(() => kit.close())

const Row = z.object({ tenant: z.string() })

/** A server of which nobody works on the queue. */
async function open(admission: NonNullable<QueueOptions['admission']>) {
  const write = defineCommand({
    name: 'write',
    input: Row,
    ...(admission.perTenant === undefined ? {} : { tenantKey: ({ tenant }: { tenant: string }) => tenant }),
    handle: () => {},
  })
  kit = await startHttp({
    config: { commands: [write], queues: { default: { admission } } },
    create: { roles: ['intake'] },
  })
  return kit
}

describe('a queue that takes no more', () => {
  it('answers 503 with when to come back, alone and in bulk', async () => {
    const { post } = await open({ maxDepth: 2 })
    const rows = Array(4).fill({ tenant: 'a' })
    const bulk = await post('/v1/commands/write:bulk', rows)
    expect(bulk.status).toBe(207)
    const { items } = SCHEMAS.BulkResult.parse(bulk.json)
    expect(items.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'rejected', 'rejected'])
    const [refused] = items.slice(2)
    expect(refused?.error).toMatchObject({ status: 503, code: 'queue_full', details: { reason: 'depth' } })
    const seconds = refused?.error?.retryAfter ?? 0
    expect(seconds).toBe(Math.ceil(Number(refused?.error?.details?.retryAfterMs) / 1_000))
    for (const answer of [
      await post('/v1/commands/write', { tenant: 'a' }),
      await post('/v1/commands/write:bulk', rows),
    ]) {
      expect(SCHEMAS.Problem.parse(answer.json)).toMatchObject({ status: 503, code: 'queue_full' })
      expect(answer.headers.get('retry-after')).toBe(String(answer.json.retryAfter))
      expect(answer.json.retryAfter).toBeGreaterThan(1)
    }
  })
})

describe('a tenant beyond its share', () => {
  it('gets 429 with when to come back, and the others are served', async () => {
    const { post } = await open({ perTenant: { limit: 1, per: '30s' } })
    expect((await post('/v1/commands/write', { tenant: 'a' })).status).toBe(202)
    const refused = await post('/v1/commands/write', { tenant: 'a' })
    expect(SCHEMAS.Problem.parse(refused.json)).toMatchObject({
      ...{ status: 429, code: 'quota_exceeded', retryable: true },
    })
    const seconds = Number(refused.headers.get('retry-after'))
    expect(seconds).toBe(refused.json.retryAfter)
    expect(seconds).toBeGreaterThan(20)
    expect(seconds).toBeLessThanOrEqual(30)
    expect((await post('/v1/commands/write', { tenant: 'b' })).status).toBe(202)
    const bulk = await post('/v1/commands/write:bulk', [{ tenant: 'a' }, { tenant: 'c' }])
    expect(bulk.json).toMatchObject({
      ...{ accepted: 1, rejected: 1 },
      items: [{ status: 'rejected', error: { status: 429, retryAfter: expect.any(Number) } }, {}],
    })
  })
})
