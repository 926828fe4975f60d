import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { notApplied } from '../domain/index.js'
import { memory } from '../stores/memory/index.js'
import { type CallbackOptions, type CommandOptions, defineCommand, pending, resolveConfig } from './index.js'

const input = z.object({ id: z.string() })
type Options = Partial<CommandOptions<string, typeof input>>

const define = (over: Options) => defineCommand({ name: 'letter', input, handle: () => undefined, ...over })
const SECRET = `whsec_${Buffer.alloc(24).toString('base64')}`

describe('bad days of a command type', () => {
  it('are retries and nothing else unless it says more', () => {
    expect(define({}).policy).toEqual({
      retry: {
        attempts: 5,
        backoff: { type: 'exponential', delayMs: 1_000, maxMs: 600_000, jitter: 'full' },
        deadlineMs: null,
        overrides: [],
      },
      reconciliation: null,
      compensates: false,
      compensation: {
        attempts: 10,
        backoff: { type: 'exponential', delayMs: 1_000, maxMs: 600_000, jitter: 'full' },
        onDead: false,
      },
      onFailed: 'final',
      pollEveryMs: null,
    })
    expect(define({})).toMatchObject({
      breaker: null,
      retryBudget: null,
      reconciler: null,
      poll: null,
      callback: null,
    })
  })

  it('have what its functions ask for, with tries of their own', () => {
    const { policy, reconciler } = define({
      reconcile: () => notApplied(),
      reconciliation: { attempts: 3, backoff: { type: 'fixed', delay: '2s' } },
      compensate: () => undefined,
      compensation: { onDead: true, attempts: 2 },
      poll: { every: '30s', run: () => null },
      onFailed: 'retry',
    })
    expect(policy).toMatchObject({
      ...{
        compensates: true,
        compensation: { attempts: 2, onDead: true },
        onFailed: 'retry',
        pollEveryMs: 30_000,
      },
      reconciliation: { attempts: 3, backoff: { type: 'fixed', delayMs: 2_000 } },
    })
    expect(reconciler?.kind).toBe('one')
    expect(define({ reconcileBatch: () => [] }).reconciler?.kind).toBe('batch')
  })

  it('let errors that fit have attempts and a backoff of their own; what they do not name is the policy', () => {
    const { policy, overrides } = define({
      retry: { attempts: 7, overrides: [{ when: 'EBUSY', attempts: 50 }, { when: /full/ }] },
    })
    expect(policy.retry.overrides?.map(({ attempts }) => attempts)).toEqual([50, 7])
    expect(overrides).toEqual(['EBUSY', /full/])
  })

  it('have a breaker and a budget with defaults when asked for', () => {
    expect(define({ breaker: true }).breaker).toEqual({
      ...{ failureRatio: 0.5, minSamples: 20, windowMs: 10_000, openMs: 5_000, openMaxMs: 60_000, probes: 3 },
    })
    expect(define({ retry: { budget: {} } }).retryBudget).toEqual({ ratio: 0.2, minPerSecond: 10 })
  })

  it.each<[Options, RegExp]>([
    [{ onFailed: 'maybe' as never }, /onFailed: expected 'final' or 'retry'/],
    [{ retry: { attempts: 0 } }, /retry\.attempts: expected a whole number from 1/],
    [{ retry: { overrides: [{ when: 3 as never }] } }, /retry\.overrides\[0\]\.when: expected an error code/],
    [{ retry: { overrides: [{ when: 'x', attempts: 0 }] } }, /retry\.overrides\[0\]\.attempts/],
    [{ retry: { budget: { ratio: 0 } } }, /retry\.budget\.ratio: expected a number above 0/],
    [{ retry: { budget: { minPerSecond: -1 } } }, /retry\.budget\.minPerSecond/],
    [{ breaker: { failureRatio: 2 } }, /breaker\.failureRatio/],
    [{ breaker: { open: 0 } }, /breaker\.open: expected at least 1 ms/],
    [{ reconcile: () => notApplied(), reconcileBatch: () => [] }, /either reconcile or reconcileBatch/],
    [{ reconcile: 'no' as never }, /reconcile: expected a function/],
    [{ compensate: {} as never }, /compensate: expected a function/],
    [{ poll: (() => null) as never }, /poll: expected \{ every, run/],
    [{ callback: 'https://example.org' as never }, /callback: expected a function/],
  ])('refuse %j and name the path', (over, message) => {
    expect(() => define(over)).toThrow(message)
  })
})

describe('pending', () => {
  it('takes a duration as people write it', () => {
    expect(pending({ deadline: '2h' })).toEqual({ outcome: 'pending', deadlineMs: 7_200_000 })
    expect(pending({ token: 't', deadline: 5 })).toEqual({ outcome: 'pending', deadlineMs: 5, token: 't' })
    expect(() => pending({ deadline: 'soon' as never })).toThrow(/pending: deadline: expected milliseconds/)
  })
})

describe('callbacks', () => {
  const configure = (callbacks?: CallbackOptions) =>
    resolveConfig({
      ...{ store: memory(), commands: [define({ callback: () => 'https://example.org' })] },
      ...(callbacks === undefined ? {} : { callbacks }),
    }).callbacks

  it('follow the schedule of Standard Webhooks and tell of every end but a cancel', () => {
    const callbacks = configure({ secrets: [SECRET] })
    expect(callbacks?.scheduleMs.map((ms) => ms / 1_000)).toEqual([
      5, 300, 1_800, 7_200, 18_000, 36_000, 36_000,
    ])
    expect([...(callbacks?.on ?? [])]).toEqual(['succeeded', 'failed', 'dead', 'compensated'])
    expect(callbacks).toMatchObject({
      timeoutMs: 30_000,
      allowHttp: false,
      allowPorts: [],
      allowAddresses: [],
    })
  })

  it('need a secret as soon as a command has one', () => {
    expect(() => configure()).toThrow(
      /callbacks: expected \{ secrets: .*because command letter has a callback/,
    )
  })

  it.each<[CallbackOptions, RegExp]>([
    [{ secrets: [] }, /callbacks\.secrets/],
    [{ secrets: [SECRET], on: ['ended' as never] }, /callbacks\.on: expected some of succeeded/],
    [{ secrets: [SECRET], timeout: '1m' }, /callbacks\.timeout: expected 1 ms to 30000 ms/],
    [{ secrets: [SECRET], schedule: ['later' as never] }, /callbacks\.schedule\[0\]/],
    [{ secrets: [SECRET], concurrency: 0 }, /callbacks\.concurrency/],
    [{ secrets: [SECRET], allowhttp: true } as never, /callbacks\.allowhttp: expected one of/],
  ])('refuse %j and name the path', (options, message) => {
    expect(() => configure(options)).toThrow(message)
  })

  it('never repeat a secret in an error', () => {
    expect(() => configure({ secrets: SECRET as never })).toThrow(/received "string"/)
  })
})
