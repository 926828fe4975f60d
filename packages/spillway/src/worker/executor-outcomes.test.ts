import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import { eventsOf } from '../../test/worker/worker-kit.js'
import { pending } from '../config/index.js'
import {
  completionTokenHash,
  DELAY_MS_MAX,
  failed,
  orderingKeyHash,
  parseMemo,
  RETRY_POSTPONE_MS_MAX,
  retry,
  unknown,
} from '../domain/index.js'
import type { ReportedUpdate } from '../ports/index.js'
import { rowsOf } from '../stores/memory/index.js'

const TOKEN = 'a token that is long enough'

describe('a pending command', () => {
  it('waits under the hash of its token until the deadline', async () => {
    const { bench, execute } = setUp({ handle: () => pending({ token: TOKEN, deadline: '2h' }) })
    const [update] = await execute(commands(1))
    const tokenHash = completionTokenHash(TOKEN)
    expect(update).toMatchObject({
      ...{ state: 'pending', stage: 'poll', delayMs: 7_200_000, error: null },
      completion: { tokenHash, expiresInMs: 7_200_000 },
    })
    expect(JSON.stringify(update)).not.toContain(TOKEN)
    expect(parseMemo(update?.memo ?? null)).toEqual({
      pendingUntil: bench.clock.now() + 7_200_000,
      tokenHash,
    })
  })

  it('may come from a batch, each command with its own', async () => {
    const { execute } = setUp({
      handleBatch: (all) =>
        all.map((at) => (at === 1 ? pending({ token: `${TOKEN} ${at}`, deadline: 5 }) : null)),
    })
    expect((await execute(commands(3))).map((update) => update?.completion?.tokenHash)).toEqual([
      undefined,
      completionTokenHash(`${TOKEN} 1`),
      undefined,
    ])
  })

  it('needs no token where a poll asks, and waits for the next one', async () => {
    const { execute } = setUp({
      handle: () => pending({ deadline: '1h' }),
      poll: { every: '30s', run: () => null },
    })
    const [update] = await execute(commands(1))
    expect(update).toMatchObject({ state: 'pending', delayMs: 30_000 })
    expect(update).not.toHaveProperty('completion')
  })

  it('forgets the token of an earlier wait', async () => {
    const { execute } = setUp({
      handle: () => pending({ deadline: '1h' }),
      poll: { run: () => null },
    })
    const [update] = await execute(commands(1, { attempt: 2, memo: '{"tokenHash":"old","pendingUntil":1}' }))
    expect(parseMemo(update?.memo ?? null).tokenHash).toBeUndefined()
  })

  it.each([
    ['no token and no poll', { outcome: 'pending', deadlineMs: 5 }, /completionToken\(\)/],
    [
      'a token that can be guessed',
      { outcome: 'pending', deadlineMs: 5, token: 'x'.repeat(15) },
      /16 to 512/,
    ],
    ['a token that is too long', { outcome: 'pending', deadlineMs: 5, token: 'x'.repeat(513) }, /16 to 512/],
    ['a token that is no text', { outcome: 'pending', deadlineMs: 5, token: 7 }, /16 to 512/],
    ['no deadline', { outcome: 'pending', token: TOKEN }, /deadline/],
    ['a deadline that is no time', { outcome: 'pending', token: TOKEN, deadlineMs: Number.NaN }, /deadline/],
  ])('is an error that says what to do with %s', async (_, outcome, words) => {
    const { execute } = setUp({ handle: () => outcome })
    expect(await execute(commands(1))).toMatchObject([
      { state: 'retrying', error: { code: 'handler_result', message: expect.stringMatching(words) } },
    ])
  })

  it('waits no longer than ten years', async () => {
    const { execute } = setUp({ handle: () => ({ outcome: 'pending', token: TOKEN, deadlineMs: 1e300 }) })
    expect(await execute(commands(1))).toMatchObject([{ delayMs: DELAY_MS_MAX }])
  })

  it('can name a token that its context made: unguessable, of this command, the same for one execution', async () => {
    const tokens: string[] = []
    const { execute } = setUp({
      handle: (_, { completionToken }) => {
        tokens.push(completionToken(), completionToken())
        return pending({ token: tokens.at(-1) as string, deadline: 5 })
      },
    })
    await execute(commands(1))
    await execute(commands(1, { attempt: 2 }))
    expect(tokens[0]).toMatch(/^c-0\.[\w-]{43}$/)
    expect(tokens[1]).toBe(tokens[0])
    expect(tokens[2]).not.toBe(tokens[0])
  })
})

describe('an unknown outcome', () => {
  it('is asked about where the type can be asked, and retried elsewhere', async () => {
    const handle = () => unknown('no answer in time')
    expect(await setUp({ handle }).execute(commands(1))).toMatchObject([
      { state: 'retrying', error: { code: 'unknown', message: 'no answer in time' } },
    ])
    const { execute } = setUp({ handle, reconcile: () => ({ reconciled: 'notApplied' }) })
    const [update] = await execute(commands(1))
    expect(update).toMatchObject({ state: 'reconciling', stage: 'reconcile', delayMs: 100 })
    expect(parseMemo(update?.memo ?? null)).toMatchObject({
      failure: { state: 'unknown' },
      reconciliations: 0,
    })
  })

  it('undoes what the handler wrote in a transaction, which would otherwise be written twice', async () => {
    const { real, within } = setUp({
      settlement: 'transaction',
      onFailed: 'retry',
      handle: (at, { tx }) => {
        tx.table('effects').set(`${at}`, { at })
        return [unknown('?'), failed('not now'), retry('later'), undefined][at]
      },
    })
    expect((await within(commands(4))).map((update) => update?.state ?? 'ok')).toEqual([
      ...['retrying', 'retrying', 'retrying', 'ok'],
    ])
    expect(rowsOf(real, 'effects')).toEqual([{ at: 3 }])
  })
})

describe('retries', () => {
  const throwing = (error: unknown) => ({
    handle: () => {
      throw error
    },
  })
  const coded = (code: string) => Object.assign(new Error('it failed'), { code })
  const overridden = (when: string | RegExp | ((error: unknown) => boolean), error: unknown) =>
    setUp({
      ...throwing(error),
      retry: {
        ...{ attempts: 5, backoff: { delay: 100, jitter: 'none' } },
        overrides: [{ when, attempts: 2, backoff: { delay: '1m', jitter: 'none' } }],
      },
    })

  it.each([
    ['the code', 'E_BUSY', coded('E_BUSY')],
    ['the name', 'RangeError', new RangeError('no')],
    ['a pattern in the message', /fail/g, coded('X')],
    ['a function', (error: unknown) => (error as Error).message === 'it failed', coded('X')],
    ['the message of a thrown text', /text/, 'a text'],
  ])('follow the override that fits %s', async (_, when, error) => {
    const { execute } = overridden(when, error)
    // Twice with the same pattern: a global one remembers where it was.
    for (let at = 0; at < 2; at += 1)
      expect(await execute(commands(1))).toMatchObject([{ state: 'retrying', delayMs: 60_000 }])
    expect(await execute(commands(1, { attempt: 2 }))).toMatchObject([{ state: 'dead' }])
  })

  it('follow the policy where no override fits, or one of them throws', async () => {
    const bad = () => {
      throw new Error('the matcher itself')
    }
    for (const when of ['E_OTHER', /other/, () => false, bad])
      expect(await overridden(when, coded('E_BUSY')).execute(commands(1))).toMatchObject([{ delayMs: 100 }])
  })

  it('follow an override for timeouts as well', async () => {
    const { bench, execute } = setUp({
      handle: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', reject)),
      timeout: 50,
      retry: { overrides: [{ when: 'handler_timeout', attempts: 1 }] },
    })
    const report = execute(commands(1))
    await bench.clock.advance(50)
    expect(await report).toMatchObject([{ state: 'dead', error: { code: 'handler_timeout' } }])
  })

  it('beyond the budget wait longer, and are counted', async () => {
    const { bench, execute, events } = setUp({
      ...throwing(coded('X')),
      retry: {
        ...{ attempts: 5, backoff: { delay: 100, jitter: 'none' } },
        budget: { ratio: 0.1, minPerSecond: 0.1 },
      },
    })
    // A budget that was never used has gathered ten seconds of its minimum: one retry.
    const delays = async (): Promise<number[]> =>
      (await execute(commands(3))).map((update) => update?.delayMs ?? 0)
    const [first, second, third] = await delays()
    expect(first).toBe(100)
    expect(second).toBeGreaterThan(100)
    expect(third).toBeGreaterThan(second as number)
    expect(third).toBeLessThanOrEqual(100 + RETRY_POSTPONE_MS_MAX)
    expect(eventsOf(events, 'command.deferred')).toMatchObject([
      { reason: 'retry_budget', type: 'a', count: 2 },
    ])
    await bench.clock.advance(600_000)
    expect((await delays())[0]).toBe(100)
  })

  it('are not postponed by the budget beyond their deadline', async () => {
    const { bench, execute } = setUp({
      ...throwing(coded('X')),
      retry: {
        ...{ attempts: 5, backoff: { delay: 100, jitter: 'none' }, deadline: 400 },
        budget: { ratio: 0.1, minPerSecond: 0 },
      },
    })
    const acceptedAt = bench.clock.now()
    expect((await execute(commands(2, { acceptedAt }))).map((update) => update?.delayMs)).toEqual([400, 400])
  })
})

describe('what is written about a command', () => {
  const of = async (
    handle: () => unknown,
    over: Parameters<typeof commands>[1] = {},
    onDead: 'skip' | 'block' = 'skip',
  ): Promise<ReportedUpdate | null | undefined> => {
    const setup = setUp({ handle }, { executor: { queues: new Map([['default', { onDead }]]) } })
    return (await setup.execute(commands(1, over)))[0]
  }
  const permanent = (): never => {
    throw Object.assign(new Error('no table'), { fault: 'permanent' })
  }

  it('keeps up its ordering key for as long as its successors have to wait', async () => {
    const orderingKey = orderingKeyHash('k')
    expect(await of(() => retry('later'), { orderingKey })).toMatchObject({ state: 'retrying', orderingKey })
    for (const handle of [() => failed('no'), () => 7, permanent])
      expect(await of(handle, { orderingKey })).not.toHaveProperty('orderingKey')
    expect(await of(permanent, { orderingKey }, 'block')).toMatchObject({ state: 'dead', orderingKey })
    expect(await of(() => failed('no'), { orderingKey }, 'block')).not.toHaveProperty('orderingKey')
  })

  it('groups what ended badly by its error, and nothing else', async () => {
    const [dead, alike] = [await of(permanent), await of(permanent)]
    expect(dead?.fingerprint).toMatch(/^[0-9a-f]{16}$/)
    expect(alike?.fingerprint).toBe(dead?.fingerprint)
    expect((await of(() => failed('no')))?.fingerprint).not.toBe(dead?.fingerprint)
    expect(await of(() => retry('later'))).not.toHaveProperty('fingerprint')
  })

  it('says who tried it for how long: the last call that it was part of', async () => {
    const { bench, execute } = setUp({
      handleBatch: async (all) => {
        await bench.clock.sleep(all.length * 10)
        if (all.includes(2)) throw new Error('poison')
      },
    })
    const report = execute(commands(4))
    await bench.clock.advance(1_000)
    expect((await report).map((update) => update?.ran ?? null)).toEqual([
      null,
      null,
      { workerId: 'w1', durationMs: 10 },
      null,
    ])
  })

  it('drops the memo of stages that are behind it', async () => {
    expect(await of(() => retry('later'), { memo: '{"reconciliations":1}' })).toMatchObject({ memo: null })
    expect(await of(() => retry('later'))).not.toHaveProperty('memo')
  })
})
