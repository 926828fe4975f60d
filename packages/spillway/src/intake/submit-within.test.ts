import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  channelRig,
  command,
  QUEUE,
  type Rig,
  type RigOptions,
  watch,
} from '../../test/support/channel-rig.js'
import { buffer, type ChannelSpec, direct, pool, store as storeSpec } from '../config/index.js'
import type { SpillwayError } from '../errors/index.js'
import type { SubmitOptions } from './submit-options.js'

const input = z.object({ id: z.string(), n: z.number().default(0) })
const click = () =>
  command('click', {
    input,
    idempotencyKey: (payload) => (payload as { id: string }).id,
    handleBatch: async () => {},
  })
const asynchronous = () =>
  command('click', { input: input.refine(async ({ id }) => id !== 'bad'), handleBatch: async () => {} })
const clicks = (...names: string[]): { id: string }[] => names.map((id) => ({ id }))

/** Any object can be one here; what is one says the store. */
const tx = {}

function rigWith(options: RigOptions = {}, spec: ChannelSpec = storeSpec(), definition = click()): Rig {
  return channelRig(spec, [definition], { transactionalAppend: true, ...options })
}

const errorOf = (promise: Promise<unknown>): Promise<SpillwayError> =>
  promise.then(
    () => {
      throw new Error('expected a rejection')
    },
    (error: SpillwayError) => error,
  )

const receivedCounts = async (rig: Rig) => {
  await rig.clock.advance(0)
  return rig.recorded('command.received').map(({ outcome, count }) => [outcome, count])
}

describe('submit within a transaction of the caller', () => {
  it('hands it to the store at once, alone, and says what the receipt is worth', async () => {
    const rig = rigWith()
    const receipt = await rig.submit({ id: 'a' }, { tx })
    expect(receipt).toMatchObject({
      status: 'accepted',
      durability: 'transaction',
      type: 'click',
      queue: QUEUE,
    })
    expect(rig.faulting.enlisted).toEqual([{ tx, atomic: false, commands: [1] }])
    expect(rig.faulting.enlisted[0]?.tx).toBe(tx)
    expect(await rig.stored(receipt.id)).toMatchObject({ state: 'accepted', payload: '{"id":"a","n":0}' })
  })

  it('shares no commit with others of the same moment', async () => {
    const rig = rigWith()
    const answers = watch([rig.submit({ id: 'a' }), rig.submit({ id: 'b' }, { tx }), rig.submit({ id: 'c' })])
    await rig.clock.advance(0)
    expect(answers.values.map((receipt) => receipt?.durability)).toEqual(['memory', 'transaction', 'memory'])
    expect(rig.faulting.enlisted).toEqual([{ tx, atomic: false, commands: [1] }])
    expect(rig.recorded('chunk.committed').map(({ commands }) => commands)).toEqual([2])
  })

  it('counts it as enlisted, never as accepted or committed', async () => {
    const rig = rigWith()
    await rig.submit({ id: 'a' }, { tx })
    await rig.submit({ id: 'a' }, { tx })
    await errorOf(rig.submit({ id: 'a', n: 1 }, { tx }))
    await errorOf(rig.submit({ id: 5 }, { tx }))
    expect(await receivedCounts(rig)).toEqual([
      ['enlisted', 1],
      ['duplicate', 1],
      ['rejected', 2],
    ])
    expect(rig.recorded('chunk.committed')).toEqual([])
  })

  it('knows repeats and refuses conflicts', async () => {
    const rig = rigWith()
    const first = await rig.submit({ id: 'a' }, { tx })
    expect(await rig.submit({ id: 'a' }, { tx })).toMatchObject({ id: first.id, status: 'duplicate' })
    expect(await errorOf(rig.submit({ id: 'a', n: 1 }, { tx }))).toMatchObject({
      code: 'idempotency_conflict',
      details: { id: first.id },
    })
  })

  it('validates, takes options and limits as always', async () => {
    const rig = rigWith({}, storeSpec(), asynchronous())
    const later = await rig.submit({ id: 'a' }, { tx, delay: '1m', key: 'k', priority: 7 })
    expect(await rig.stored(later.id)).toMatchObject({
      state: 'scheduled',
      nextAt: rig.clock.now() + 60_000,
      priority: 7,
    })
    for (const [payload, options, code] of [
      [{ id: 'bad' }, { tx }, 'invalid_payload'],
      [{ id: 'x'.repeat(2 ** 20) }, { tx }, 'payload_too_large'],
      [{ id: 'b' }, { tx, priority: 1_000 }, 'invalid_argument'],
      [{ id: 'b' }, { tx, prio: 1 }, 'invalid_argument'],
      [{ id: 'b' }, { tx, key: '' }, 'invalid_key'],
    ] as const) {
      expect(await errorOf(rig.submit(payload, options as SubmitOptions))).toMatchObject({ code })
    }
    expect(rig.faulting.enlisted).toHaveLength(1)
    expect(await errorOf(rig.intake.submit('clack', {}, { tx }))).toMatchObject({ code: 'unknown_command' })
  })

  it('refuses what cannot be a transaction, and takes undefined for none', async () => {
    const rig = rigWith()
    for (const handle of [null, 0, 'tx', true] as never[]) {
      expect(await errorOf(rig.submit({ id: 'a' }, { tx: handle }))).toMatchObject({
        code: 'invalid_argument',
        details: { option: 'tx' },
      })
      expect(await errorOf(rig.intake.submitMany('click', clicks('a'), { tx: handle }))).toMatchObject({
        code: 'invalid_argument',
      })
    }
    expect(rig.faulting.enlisted).toEqual([])
    const answer = watch([rig.submit({ id: 'a' }, { tx: undefined })])
    await rig.clock.advance(0)
    expect(answer.values[0]).toMatchObject({ durability: 'memory' })
  })

  it('writes one after the other in one transaction, whatever was started at once, even after a failure', async () => {
    const rig = rigWith()
    rig.faulting.appendMs = 5
    rig.faulting.faults.push('refused')
    const answers = watch(['a', 'b', 'c'].map((id) => rig.submit({ id }, { tx })))
    const elsewhere = watch([rig.submit({ id: 'd' }, { tx: {} })])
    await rig.clock.advance(5)
    expect(answers.errors).toEqual(['store_unavailable', undefined, undefined])
    expect(elsewhere.values[0]?.status).toBe('accepted')
    await rig.clock.advance(10)
    expect(answers.values.map((receipt) => receipt?.status)).toEqual([undefined, 'accepted', 'accepted'])
    expect(rig.faulting.enlisted.filter((call) => call.tx === tx)).toHaveLength(3)
    const startedAt = rig.faulting.appendedAt[0] ?? 0
    expect(rig.faulting.appendedAt.map((at) => at - startedAt)).toEqual([0, 0, 5, 10])
  })

  it('takes a function, as which Knex hands out its transactions', async () => {
    const rig = rigWith()
    const trx = () => {}
    await rig.submit({ id: 'a' }, { tx: trx })
    expect(rig.faulting.enlisted[0]?.tx).toBe(trx)
  })

  it('does not resend: a transaction whose outcome is unknown is for the caller to repeat', async () => {
    const rig = rigWith()
    rig.faulting.faults.push('lost answer')
    expect(await errorOf(rig.submit({ id: 'a' }, { tx }))).toMatchObject({ code: 'store_unavailable' })
    expect(rig.faulting.appendedAt).toHaveLength(1)
    expect(await receivedCounts(rig)).toEqual([['rejected', 1]])
  })

  it.each([
    ['pool', pool()],
    ['buffer', buffer()],
    ['direct', direct()],
  ])('is refused by the %s channel, which says what can', async (kind, spec) => {
    const rig = rigWith({}, spec)
    expect(await errorOf(rig.submit({ id: 'a' }, { tx }))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining("the 'store' channel"),
      details: { queue: QUEUE, channel: kind },
    })
  })

  it('is refused by a store that cannot, which says what can', async () => {
    const rig = rigWith({ transactionalAppend: false })
    expect(await errorOf(rig.submit({ id: 'a' }, { tx }))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('PostgreSQL or MySQL store'),
      details: { store: 'memory' },
    })
    expect(rig.faulting.appendedAt).toEqual([])
  })

  it('counts against the bounds of its channel while it is being written, and is waited for at its end', async () => {
    const rig = rigWith({}, storeSpec({ maxItems: 1 }))
    rig.faulting.appendMs = 10
    const first = watch([rig.submit({ id: 'a' }, { tx })])
    await rig.clock.advance(1)
    const others = watch([rig.submit({ id: 'b' }, { tx: {} }), rig.submit({ id: 'c' })])
    await rig.clock.advance(1)
    expect(others.errors).toEqual(['queue_full', 'queue_full'])
    const closed = watch([rig.channel.close().then(() => rig.clock.monotonic())])
    await rig.clock.advance(20)
    expect(closed.values).toEqual([10])
    expect(first.values[0]).toMatchObject({ status: 'accepted' })
    expect(await errorOf(rig.submit({ id: 'd' }, { tx }))).toMatchObject({ code: 'closed' })
  })
})

describe('submitMany within a transaction of the caller', () => {
  it('stores them in chunks and refuses a bad one alone', async () => {
    const rig = rigWith()
    const verdicts = await rig.intake.submitMany('click', [...clicks('a', 'b'), { id: 5 }, ...clicks('a')], {
      tx,
    })
    expect(verdicts.map((verdict) => (verdict.ok ? verdict.receipt.status : verdict.error.code))).toEqual([
      'accepted',
      'accepted',
      'invalid_payload',
      'duplicate',
    ])
    expect(rig.faulting.enlisted).toEqual([{ tx, atomic: false, commands: [3] }])
    expect(await receivedCounts(rig)).toEqual([
      ['enlisted', 2],
      ['duplicate', 1],
      ['rejected', 1],
    ])
  })

  it('writes many in slices, one after the other', async () => {
    const rig = rigWith()
    rig.faulting.appendMs = 5
    const answers = watch([
      rig.intake.submitMany('click', clicks(...Array.from({ length: 2_500 }, (_, n) => `c${n}`)), { tx }),
    ])
    await rig.clock.advance(100)
    expect(answers.values[0]?.every((verdict) => verdict.ok)).toBe(true)
    expect(rig.faulting.enlisted.map(({ commands }) => commands)).toEqual([[1_000], [1_000], [500]])
    expect(rig.faulting.appendedAt).toEqual([0, 5, 10])
  })

  it('stores all or none with atomic', async () => {
    const rig = rigWith()
    await rig.submit({ id: 'taken' }, { tx })
    const verdicts = await rig.intake.submitMany('click', [{ id: 'a' }, { id: 'taken', n: 1 }], {
      tx,
      atomic: true,
    })
    expect(verdicts.map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'invalid_argument',
      'idempotency_conflict',
    ])
    const stored = await rig.intake.submitMany('click', clicks('a', 'b'), { tx, atomic: true })
    expect(stored.map((verdict) => verdict.ok && verdict.receipt.durability)).toEqual([
      'transaction',
      'transaction',
    ])
    expect(rig.faulting.enlisted.map(({ atomic }) => atomic)).toEqual([false, true, true])
    const refused = await rig.intake.submitMany('click', [{ id: 'c' }, { id: 5 }], { tx, atomic: true })
    expect(refused.map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'invalid_argument',
      'invalid_payload',
    ])
    expect(rig.faulting.enlisted).toHaveLength(3)
  })

  it('rejects as a whole when the store fails, because the transaction may be spoilt', async () => {
    const rig = rigWith()
    for (const atomic of [false, true]) {
      rig.faulting.faults.push('refused')
      expect(await errorOf(rig.intake.submitMany('click', clicks('a', 'b'), { tx, atomic }))).toMatchObject({
        code: 'store_unavailable',
      })
    }
    expect(await receivedCounts(rig)).toEqual([['rejected', 4]])
  })

  it('refuses a transaction of a single command of many', async () => {
    const rig = rigWith()
    const each = () => ({ tx }) as never
    const answer = watch([rig.intake.submitMany('click', clicks('a'), { each })])
    await rig.clock.advance(0)
    expect(answer.values[0]).toMatchObject([
      { ok: false, error: { code: 'invalid_argument', message: expect.stringContaining('beside atomic') } },
    ])
  })

  it('asks the store for nothing when there is nothing to store', async () => {
    const rig = rigWith()
    expect(await rig.intake.submitMany('click', [], { tx })).toEqual([])
    expect(rig.faulting.appendedAt).toEqual([])
  })
})
