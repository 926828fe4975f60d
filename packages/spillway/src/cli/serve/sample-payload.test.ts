import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineCommand } from '../../config/index.js'
import { samplePayload } from './sample-payload.js'

const sampleOf = (input: z.ZodType) => samplePayload(defineCommand({ name: 'x', input, handle: () => {} }))

describe('a made-up payload', () => {
  it('is accepted by the schema it was made from', async () => {
    const schemas = [
      z.object({ id: z.string(), student: z.number(), day: z.int(), done: z.boolean() }),
      z.object({ a: z.uuid(), b: z.email(), c: z.url(), d: z.iso.datetime(), e: z.iso.date() }),
      z.object({
        kind: z.enum(['a', 'b']),
        fixed: z.literal(7),
        maybe: z.string().optional(),
        filled: z.string().default('x'),
      }),
      z.object({
        many: z.array(z.object({ n: z.number().min(10).max(20) })).min(2),
        some: z.array(z.string()),
      }),
      z.object({
        low: z.number().negative(),
        high: z.int().gt(1_000),
        short: z.string().max(3),
        long: z.string().min(50),
      }),
      z.union([z.object({ a: z.string() }), z.string()]),
      z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
      z.object({ nothing: z.null(), any: z.unknown(), text: z.string().nullable() }),
      z.string(),
    ]
    for (const [at, schema] of schemas.entries()) {
      const sample = await sampleOf(schema)
      expect(sample, `schema ${at}`).not.toBeNull()
      expect(schema.safeParse(sample?.payload).success).toBe(true)
    }
  })

  it('is not pretended where a schema wants what cannot be guessed', async () => {
    expect(await sampleOf(z.object({ code: z.string().regex(/^[A-Z]{3}-\d+$/) }))).toBeNull()
  })

  it('is an empty object for schemas that do not describe themselves, if they take it', async () => {
    const input = {
      '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
    } as const
    const command = defineCommand({ name: 'x', input, handle: () => {} })
    expect(await samplePayload(command)).toEqual({ payload: {} })
  })

  it('ends for schemas that contain themselves', async () => {
    const Tree: z.ZodType = z.lazy(() => z.object({ children: z.array(Tree).min(1) }))
    expect(await sampleOf(Tree)).toBeNull()
  })
})
