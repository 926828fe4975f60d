import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import type { ExecutableCommand } from '../ports/index.js'

/** Takes numbers and calls what is wrong by its path. */
const numbers = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) =>
      typeof value === 'number'
        ? { value }
        : { issues: [{ message: 'expected a number', path: ['amount'] }] },
  },
} as const
const numbersLater = {
  '~standard': {
    ...numbers['~standard'],
    validate: async (value: unknown) => numbers['~standard'].validate(value),
  },
} as const
/** What it makes of a number it would not take. */
const transforming = {
  '~standard': {
    ...numbers['~standard'],
    validate: (value: unknown) =>
      typeof value === 'string' ? { value: Number(value) } : { issues: [{ message: 'expected a text' }] },
  },
} as const

const of = (...payloads: unknown[]): ExecutableCommand[] =>
  commands(payloads.length).map((command, at) => ({ ...command, payload: payloads[at] }))
const states = (report: readonly ({ state: string } | null)[]) =>
  report.map((update) => update?.state ?? 'ok')
const REFUSED = {
  code: 'invalid_payload',
  message: 'The payload of a is not valid at /amount: expected a number',
}

describe('a type that revalidates', () => {
  for (const [name, input] of [
    ['a schema', numbers],
    ['an asynchronous schema', numbersLater],
  ] as const)
    it(`hands no payload to its handler that ${name} refuses`, async () => {
      const seen: unknown[] = []
      const { execute } = setUp({
        input,
        revalidate: true,
        handle: (payload: unknown) => void seen.push(payload),
      } as never)
      const report = await execute(of(1, 'secret', 3, null))
      expect(states(report)).toEqual(['ok', 'dead', 'ok', 'dead'])
      expect(report[1]).toMatchObject({ index: 11, attempts: 1, error: REFUSED })
      expect(JSON.stringify(report)).not.toContain('secret')
      expect(seen).toEqual([1, 3])
    })

  it('calls no handler when all are refused', async () => {
    const { execute } = setUp({
      ...({ input: numbers } as object),
      revalidate: true,
      handleBatch: () => {
        throw new Error('called')
      },
    })
    expect(states(await execute(of('x', 'y')))).toEqual(['dead', 'dead'])
  })

  it('does so within transactions, where an asynchronous schema cannot be asked', async () => {
    const within = (input: object) =>
      setUp({ input, revalidate: true, settlement: 'transaction', handle: () => undefined } as never).within
    expect(states(await within(numbers)(of(1, 'x', 3)))).toEqual(['ok', 'dead', 'ok'])
    expect(states(await within(numbersLater)(of(1, 'x', 3)))).toEqual(['ok', 'ok', 'ok'])
  })

  it('takes a schema that throws for a fault of the moment', async () => {
    const input = {
      '~standard': {
        ...numbers['~standard'],
        validate: () => {
          throw Object.assign(new Error('its table is locked'), { code: 'ECONNREFUSED' })
        },
      },
    }
    const { execute } = setUp({ input, revalidate: true, handle: () => undefined } as never)
    expect(await execute(of(1))).toMatchObject([{ state: 'retrying', error: { code: 'ECONNREFUSED' } }])
  })
})

describe('a payload that its handler fails on', () => {
  const strict = (payload: unknown): void => {
    if (typeof payload !== 'number') throw new TypeError('payload.toFixed is not a function')
  }

  for (const [name, input] of [
    ['a schema', numbers],
    ['an asynchronous schema', numbersLater],
  ] as const)
    it(`goes to the dead letters with the words of ${name} that accepts others`, async () => {
      const { execute } = setUp({ input, handle: strict } as never)
      const report = await execute(of(1, 'x'))
      expect(states(report)).toEqual(['ok', 'dead'])
      expect(report[1]?.error).toMatchObject({
        code: 'invalid_payload',
        message: `${REFUSED.message}; the handler failed with: payload.toFixed is not a function`,
        stack: expect.stringContaining('TypeError'),
      })
    })

  it('does so once a payload of its type has been seen to be good', async () => {
    const { execute } = setUp({ input: numbers, handle: strict } as never)
    expect(await execute(of('x'))).toMatchObject([{ state: 'retrying', error: { code: 'invalid_payload' } }])
    await execute(of(1))
    expect(await execute(of('x'))).toMatchObject([{ state: 'dead', error: { code: 'invalid_payload' } }])
  })

  it('is not blamed by a schema that refuses what it made itself', async () => {
    const failOnTwo = (payload: unknown): void => {
      if (payload === 2) throw new Error('503')
    }
    const { execute } = setUp({ input: transforming, handle: failOnTwo } as never)
    const report = await execute(of(1, 2))
    expect(report[1]).toMatchObject({ state: 'retrying', error: { code: 'Error', message: '503' } })
  })

  it('is not looked at for other faults, or when it is as it should be', async () => {
    let asked = 0
    const input = {
      '~standard': {
        ...numbers['~standard'],
        validate: (value: unknown) => {
          asked += 1
          return numbers['~standard'].validate(value)
        },
      },
    }
    const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
    const failing = (error: Error) => ({ input, handle: () => Promise.reject(error) }) as never
    expect(await setUp(failing(reset)).execute(of('x'))).toMatchObject([{ error: { code: 'ECONNRESET' } }])
    expect(asked).toBe(0)
    expect(await setUp(failing(new Error('no'))).execute(of(1))).toMatchObject([
      { state: 'retrying', error: { message: 'no' } },
    ])
    expect(asked).toBe(1)
  })

  it('is found within transactions too', async () => {
    const within = (input: object) =>
      setUp({ input, settlement: 'transaction', handle: strict } as never).within
    expect(states(await within(numbers)(of(1, 'x')))).toEqual(['ok', 'dead'])
    expect(states(await within(numbersLater)(of(1, 'x')))).toEqual(['ok', 'retrying'])
  })
})
