import type { StandardSchemaV1 } from '@standard-schema/spec'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type AnyCommand, defineCommand } from '../config/index.js'
import { CLOCK_SKEW_MS_MAX, COMMAND_BYTES_MAX, DELAY_MS_MAX, fingerprint } from '../domain/index.js'
import { isSpillwayError, type SpillwayError } from '../errors/index.js'
import type { PreparedCommand } from '../ports/index.js'
import { prepare } from './prepare.js'
import { NO_OPTIONS, type SubmitOptions } from './submit-options.js'

const NOW = 1_700_000_000_000

const click = defineCommand({
  name: 'click',
  input: z.object({ id: z.string(), site: z.object({ 'a/b~c': z.array(z.number()) }).optional() }),
  idempotencyKey: ({ id }) => id,
  idempotencyWindow: '1h',
  priority: 3,
})
const open = (options: Partial<Parameters<typeof defineCommand>[0]> = {}): AnyCommand =>
  defineCommand({ name: 'open', input: z.any(), ...options })

function prepared(
  definition: AnyCommand,
  payload: unknown,
  options: SubmitOptions = NO_OPTIONS,
  partitions: number | null = null,
): PreparedCommand {
  const command = prepare({ definition, partitions, now: () => NOW }, payload, options)
  if (command instanceof Promise) throw new Error('asynchronous')
  return command
}

function refusal(
  definition: AnyCommand,
  payload: unknown,
  options?: SubmitOptions,
  partitions: number | null = null,
): SpillwayError {
  try {
    prepared(definition, payload, options, partitions)
  } catch (error) {
    if (isSpillwayError(error)) return error
  }
  throw new Error('was not refused')
}

describe('prepare', () => {
  it('fills in everything a channel needs', () => {
    const json = '{"id":"ü"}'
    expect(prepared(click, { id: 'ü', unknown: 1 })).toEqual({
      ...{
        type: 'click',
        queue: 'default',
        json,
        bytes: 11,
        priority: 3,
        partition: null,
        tenant: null,
        runAt: null,
      },
      key: { key: 'ü', fingerprint: fingerprint(json), windowMs: 3_600_000 },
    })
  })

  it('takes priority, key and time from the options before the definition', () => {
    const command = prepared(click, { id: 'a' }, { key: 'mine', priority: -7, runAt: new Date(NOW + 5) })
    expect([command.key?.key, command.priority, command.runAt]).toEqual(['mine', -7, NOW + 5])
  })

  it('makes no key where the effect itself deduplicates, but refuses a bad one all the same', () => {
    const command = open({ deduplicate: 'effect', idempotencyKey: () => 'k' })
    expect(prepared(command, 1).key).toBeNull()
    expect(refusal(command, 1, { key: '' }).code).toBe('invalid_key')
  })

  it('waits for a schema that is asynchronous, and only then', async () => {
    const async = open({ input: z.string().refine(async (text) => text !== 'no', 'not that') })
    const context = { definition: async, partitions: null, now: () => NOW }
    expect(prepare(context, 'yes', NO_OPTIONS)).toBeInstanceOf(Promise)
    expect((await prepare(context, 'yes', NO_OPTIONS)).json).toBe('"yes"')
    const error = await Promise.resolve(prepare(context, 'no', NO_OPTIONS)).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'invalid_payload', details: { issues: [{ message: 'not that' }] } })
  })
})

describe('an invalid payload', () => {
  it('is refused with the path of each fault, as segments and as a JSON Pointer', () => {
    const error = refusal(click, { id: 'a', site: { 'a/b~c': [1, 'secret', 'two'] } })
    expect(error.code).toBe('invalid_payload')
    expect(error.details).toMatchObject({
      type: 'click',
      issues: [
        { path: ['site', 'a/b~c', 1], pointer: '/site/a~1b~0c/1', message: expect.any(String) },
        { path: ['site', 'a/b~c', 2], pointer: '/site/a~1b~0c/2' },
      ],
    })
    expect(error.message).toContain('/site/a~1b~0c/1')
    expect(error.message).toContain('and 1 more')
    expect(JSON.stringify({ ...error, message: error.message })).not.toContain('secret')
  })

  it('is refused with a bounded list, however many faults it has', () => {
    const error = refusal(
      open({ input: z.array(z.number()) }),
      Array.from({ length: 1_000 }, () => 'x'),
    )
    expect(error.details.issues).toHaveLength(20)
  })

  it('is refused when the schema throws or rejects instead of answering', async () => {
    const throwing = (validate: () => never | Promise<never>): AnyCommand =>
      open({ input: { '~standard': { version: 1, vendor: 'test', validate } } as StandardSchemaV1 })
    const error = refusal(
      throwing(() => {
        throw new Error('bug')
      }),
      1,
    )
    expect(error).toMatchObject({ code: 'invalid_payload', cause: new Error('bug') })
    const rejecting = prepare(
      { definition: throwing(() => Promise.reject(new Error('late bug'))), partitions: null, now: () => NOW },
      1,
      NO_OPTIONS,
    )
    expect(await Promise.resolve(rejecting).catch((cause: unknown) => cause)).toMatchObject({
      code: 'invalid_payload',
      cause: new Error('late bug'),
    })
  })

  it('understands issues of any Standard Schema: path objects, symbols, no path', () => {
    const issues = [{ message: 'one', path: [{ key: 'list' }, 0, Symbol('s')] }, { message: 'two' }]
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) },
    } as StandardSchemaV1
    expect(refusal(open({ input: schema }), 1).details.issues).toEqual([
      { path: ['list', 0, 'Symbol(s)'], pointer: '/list/0/Symbol(s)', message: 'one' },
      { path: [], pointer: '', message: 'two' },
    ])
  })

  it('is refused when it has no JSON form', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    let deep: unknown = 0
    for (let level = 0; level < 100_000; level += 1) deep = [deep]
    for (const payload of [undefined, () => 1, Symbol('s'), 10n, { n: 10n }, cycle, deep]) {
      expect(refusal(open(), payload).code).toBe('invalid_payload')
    }
    for (const payload of [null, false, 0, '', [], { a: undefined }])
      expect(prepared(open(), payload).type).toBe('open')
  })

  it('is refused when it is too large, counted in bytes of UTF-8', () => {
    expect(prepared(open(), 'x'.repeat(COMMAND_BYTES_MAX - 2)).bytes).toBe(COMMAND_BYTES_MAX)
    const error = refusal(open(), 'ü'.repeat(COMMAND_BYTES_MAX / 2))
    expect(error).toMatchObject({
      code: 'payload_too_large',
      details: { bytes: COMMAND_BYTES_MAX + 2, bytesMax: COMMAND_BYTES_MAX },
    })
  })
})

describe('keys', () => {
  it('must be texts of 1 to 255 characters without control characters', () => {
    for (const key of ['', 'x'.repeat(256), 'a\nb', 'a\u0000', '\u0085'])
      expect(refusal(open(), 1, { key }).code).toBe('invalid_key')
    for (const key of ['x', 'x'.repeat(255), 'ü/ "quoted"'])
      expect(prepared(open(), 1, { key }).key?.key).toBe(key)
  })

  it('that a definition derives are checked too, and a function that throws is a bad key', () => {
    expect(refusal(open({ idempotencyKey: () => undefined as never }), 1).code).toBe('invalid_key')
    const throws = (): string => {
      throw new Error('no id')
    }
    expect(refusal(open({ idempotencyKey: throws }), 1)).toMatchObject({
      code: 'invalid_key',
      details: { kind: 'idempotency' },
      cause: new Error('no id'),
    })
    expect(refusal(open({ orderingKey: throws }), 1, NO_OPTIONS, 8)).toMatchObject({
      code: 'invalid_key',
      details: { kind: 'ordering' },
    })
    expect(refusal(open({ orderingKey: () => '' }), 1, NO_OPTIONS, 8).code).toBe('invalid_key')
  })

  it('choose the partition on an ordered queue only', () => {
    const ordered = open({ orderingKey: (payload) => String(payload) })
    expect(prepared(ordered, 'a', NO_OPTIONS, 1).partition).toBe(0)
    expect(prepared(ordered, 'a').partition).toBeNull()
    const partitions = new Set(
      Array.from({ length: 50 }, (_, index) => prepared(ordered, index, NO_OPTIONS, 4).partition),
    )
    expect([...partitions].sort()).toEqual([0, 1, 2, 3])
  })
})

describe('options', () => {
  it('say when: a time, a delay in ms or words, and the past is now', () => {
    const runAt = (options: SubmitOptions): number | null => prepared(open(), 1, options).runAt
    expect(runAt({ runAt: NOW + 1.5 })).toBe(NOW + 2)
    expect(runAt({ delay: '2m' })).toBe(NOW + 120_000)
    expect(runAt({ delay: 250 })).toBe(NOW + 250)
    expect([runAt({ runAt: new Date(0) }), runAt({ delay: 0 }), runAt({})]).toEqual([null, null, null])
    // The store's clock may be behind this one.
    expect(runAt({ runAt: NOW })).toBe(NOW)
    expect(runAt({ runAt: NOW - CLOCK_SKEW_MS_MAX })).toBe(null)
    expect(runAt({ delay: DELAY_MS_MAX })).toBe(NOW + DELAY_MS_MAX)
  })

  it('that cannot be used are refused by name', () => {
    const bad: [string, unknown][] = [
      ['runAt', Number.NaN],
      ['runAt', new Date('never')],
      ['runAt', '2026-01-01'],
      ['runAt', NOW + DELAY_MS_MAX + 1],
      ['delay', -1],
      ['delay', 'soon'],
      ['delay', DELAY_MS_MAX + 1],
      ['priority', 101],
      ['priority', 1.5],
      ['priority', '5'],
      ['idempotencyKey', 'k'],
    ]
    for (const [option, value] of bad) {
      expect(refusal(open(), 1, { [option]: value })).toMatchObject({
        code: 'invalid_argument',
        details: { option },
        message: expect.stringContaining(option),
      })
    }
    expect(refusal(open(), 1, { runAt: NOW + 5, delay: 5 }).code).toBe('invalid_argument')
    expect(refusal(open(), 1, 'key' as never).code).toBe('invalid_argument')
    expect(refusal(open(), 1, null as never).code).toBe('invalid_argument')
  })
})
