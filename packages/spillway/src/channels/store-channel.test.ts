import { describe, expect, it } from 'vitest'
import { channelRig, command, QUEUE, watch } from '../../test/support/channel-rig.js'
import { store as storeSpec } from '../config/index.js'
import { commandId } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'
import { RESENDS_MAX } from './append-resending.js'

const keyed = () =>
  command('click', { idempotencyKey: (click) => (click as { id: string }).id, handleBatch: async () => {} })
const plain = (options = {}) => command('plain', { handleBatch: async () => {}, ...options })
const click = (id: string, site = 1) => ({ id, site })

describe('store channel', () => {
  it('stores the commands of one moment in one chunk and gives receipts only after the commit', async () => {
    const rig = channelRig(storeSpec(), [keyed()])
    rig.faulting.appendMs = 10
    const answers = watch([rig.submit(click('a')), rig.submit(click('b')), rig.submit(click('c'))])
    await rig.clock.advance(9)
    expect(answers.values).toEqual([undefined, undefined, undefined])
    await rig.clock.advance(1)
    const [first, second, third] = answers.values
    expect(first).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}-0$/),
      status: 'accepted',
      durability: 'memory',
      type: 'click',
      queue: QUEUE,
      acceptedAt: rig.clock.now(),
    })
    expect([second?.id, third?.id]).toEqual([first?.id.replace(/0$/, '1'), first?.id.replace(/0$/, '2')])
    expect(rig.faulting.appendedAt.length).toBe(1)
    expect(await rig.stored(second?.id ?? '')).toMatchObject({
      state: 'accepted',
      payload: '{"id":"b","site":1}',
    })
  })

  it('answers a repeat with the first id and refuses another payload under the key, in the flush and after it', async () => {
    const rig = channelRig(storeSpec(), [keyed()])
    const answers = watch([
      rig.submit(click('a')),
      rig.submit(click('a')),
      rig.submit(click('a', 2)),
      rig.submit(click('b')),
    ])
    await rig.clock.advance(0)
    const first = answers.values[0]
    expect(answers.values.map((receipt) => receipt?.status)).toEqual([
      'accepted',
      'duplicate',
      undefined,
      'accepted',
    ])
    expect(answers.values[1]?.id).toBe(first?.id)
    expect(answers.errors).toEqual([undefined, undefined, 'idempotency_conflict', undefined])

    const later = watch([rig.submit(click('a'))])
    await rig.clock.advance(0)
    expect(later.values[0]).toMatchObject({ id: first?.id, status: 'duplicate' })
    const conflicting = rig.submit(click('a', 2)).catch((error: SpillwayError) => error.details)
    await rig.clock.advance(0)
    expect(await conflicting).toEqual({ id: first?.id })
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
  })

  it('puts types, priorities and scheduled commands into chunks of their own', async () => {
    const rig = channelRig(storeSpec(), [plain(), command('other', { handleBatch: async () => {} })])
    const runAt = rig.clock.now() + 1_000
    const answers = watch([
      rig.submit(1),
      rig.intake.submit('other', 2),
      rig.submit(3, { priority: 5 }),
      rig.submit(4, { runAt }),
      rig.submit(5),
      rig.submit(6, { runAt: runAt + 1 }),
    ])
    await rig.clock.advance(0)
    const chunks = answers.values.map((receipt) => receipt?.id.slice(0, 32))
    expect(chunks[0]).toBe(chunks[4])
    expect(chunks[3]).toBe(chunks[5])
    expect(new Set(chunks).size).toBe(4)
    expect(await rig.stored(answers.values[3]?.id ?? '')).toMatchObject({
      state: 'scheduled',
      nextAt: runAt,
      attempts: 0,
    })
    expect(await rig.stored(answers.values[5]?.id ?? '')).toMatchObject({
      state: 'scheduled',
      nextAt: runAt + 1,
    })
    expect(await rig.stored(answers.values[2]?.id ?? '')).toMatchObject({ priority: 5, state: 'accepted' })
    expect(rig.faulting.appendedAt.length).toBe(1)
    expect(rig.recorded('chunk.committed').map(({ type, commands }) => [type, commands])).toEqual([
      ['plain', 2],
      ['other', 1],
      ['plain', 1],
      ['plain', 2],
    ])
  })

  it('keeps the order of an ordered partition over types: a chunk that others followed does not grow', async () => {
    const ordered = (name: string) => command(name, { orderingKey: () => 'k', handle: async () => {} })
    const rig = channelRig(storeSpec(), [ordered('first'), ordered('second')], {
      queue: { ordered: { partitions: 4 } },
    })
    const answers = watch([
      rig.intake.submit('first', 1),
      rig.intake.submit('first', 2),
      rig.intake.submit('second', 3),
      rig.intake.submit('first', 4),
    ])
    await rig.clock.advance(0)
    const chunks = answers.values.map((receipt) => receipt?.id.slice(0, 32))
    expect(chunks[0]).toBe(chunks[1])
    expect([...new Set(chunks)]).toHaveLength(3)
    expect([...new Set(chunks)].sort()).toEqual([...new Set(chunks)])
  })

  it('cuts chunks at the number of commands that the queue allows', async () => {
    const rig = channelRig(storeSpec(), [command('slow', { handle: async () => {} })], {
      queue: { concurrency: 2 },
    })
    const answers = watch(Array.from({ length: 20 }, (_, index) => rig.submit(index)))
    await rig.clock.advance(0)
    expect(rig.recorded('chunk.committed').map(({ commands }) => commands)).toEqual([8, 8, 4])
    const lastChunk = answers.values[16]?.id.slice(0, 32) ?? ''
    expect(answers.values.slice(16).map((receipt) => receipt?.id)).toEqual(
      [0, 1, 2, 3].map((index) => commandId(lastChunk, index)),
    )
  })

  it('cuts chunks at their bytes', async () => {
    const rig = channelRig(storeSpec(), [plain()])
    const big = 'x'.repeat(1024 * 1024 - 2)
    watch(Array.from({ length: 9 }, () => rig.submit(big)))
    await rig.clock.advance(0)
    expect(rig.recorded('chunk.committed').map(({ commands }) => commands)).toEqual([7, 2])
  })

  it('gathers while two appends are in flight, and only one when asked for', async () => {
    for (const [appendsInFlightMax, expected] of [
      [2, [0, 1, 10]],
      [1, [0, 10, 20]],
    ] as const) {
      const rig = channelRig(storeSpec(), [plain()], { appendsInFlightMax })
      rig.faulting.appendMs = 10
      for (let index = 0; index < 3; index += 1) {
        watch([rig.submit(index)])
        await rig.clock.advance(index === 1 && appendsInFlightMax === 1 ? 10 : 1)
      }
      await rig.clock.advance(50)
      expect(rig.faulting.appendedAt).toEqual(expected)
    }
  })

  it('refuses every command of a flush with the error of the store when nothing was stored', async () => {
    const rig = channelRig(storeSpec(), [plain()])
    rig.faulting.faults.push('refused')
    const failures = [1, 2].map((payload) => rig.submit(payload).catch((error: SpillwayError) => error))
    await rig.clock.advance(0)
    for (const failure of failures)
      expect(await failure).toMatchObject({ code: 'store_unavailable', details: { reason: 'full' } })
    expect(rig.faulting.appendedAt.length).toBe(1)
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 0 })
    const next = watch([rig.submit(3)])
    await rig.clock.advance(0)
    expect(next.values[0]?.status).toBe('accepted')
  })

  it('sends the same chunks again after an unknown outcome, whether or not the first had been stored', async () => {
    for (const fault of ['lost answer', 'lost request'] as const) {
      const rig = channelRig(storeSpec(), [keyed()])
      rig.faulting.faults.push(fault)
      const answers = watch([rig.submit(click('a')), rig.submit(click('b')), rig.submit(click('a'))])
      await rig.clock.advance(100)
      expect(answers.values.map((receipt) => receipt?.status)).toEqual(['accepted', 'accepted', 'duplicate'])
      expect(rig.faulting.appendedAt.length).toBe(2)
      expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
    }
  })

  it('does not take a later refusal for an answer about the first try', async () => {
    const rig = channelRig(storeSpec(), [keyed()])
    rig.faulting.faults.push('lost answer', 'refused', 'refused')
    const answers = watch([rig.submit(click('a'))])
    await rig.clock.advance(1_000)
    expect(answers.values[0]?.status).toBe('accepted')
  })

  it('says that the outcome is unknown when the store never answers', async () => {
    const rig = channelRig(storeSpec(), [plain()])
    rig.faulting.faults.push(...Array.from({ length: RESENDS_MAX + 1 }, () => 'lost answer' as const))
    const failure = rig.submit(1).catch((error: SpillwayError) => error)
    await rig.clock.advance(10_000)
    expect(await failure).toMatchObject({ code: 'store_unavailable', details: { outcome: 'unknown' } })
    expect(rig.faulting.appendedAt.length).toBe(RESENDS_MAX + 1)
  })

  it('refuses what exceeds its count or its bytes, counting what is being committed, and takes more after the commit', async () => {
    const byCount = channelRig(storeSpec({ maxItems: 2 }), [plain()])
    byCount.faulting.appendMs = 5
    const first = watch([1, 2, 3].map((payload) => byCount.submit(payload)))
    await byCount.clock.advance(1)
    expect(first.errors).toEqual([undefined, undefined, 'queue_full'])
    const during = watch([byCount.submit(4)])
    await byCount.clock.advance(4)
    expect(during.errors).toEqual(['queue_full'])
    const after = watch([byCount.submit(5)])
    await byCount.clock.advance(5)
    expect(after.values[0]?.status).toBe('accepted')

    const byBytes = channelRig(storeSpec({ maxBytes: 100 }), [plain()])
    const sized = watch([
      byBytes.submit('x'.repeat(58)),
      byBytes.submit('x'.repeat(39)),
      byBytes.submit('x'.repeat(38)),
    ])
    await byBytes.clock.advance(0)
    expect(sized.errors).toEqual([undefined, 'queue_full', undefined])
  })

  it('blocks in line and in order with the block policy, and refuses after the timeout', async () => {
    const rig = channelRig(storeSpec({ maxItems: 1, whenFull: 'block', blockTimeout: 25 }), [plain()])
    rig.faulting.appendMs = 10
    const answers = watch([1, 2, 3, 4].map((payload) => rig.submit(payload)))
    await rig.clock.advance(10)
    expect(answers.values.map((receipt) => receipt?.status)).toEqual([
      'accepted',
      undefined,
      undefined,
      undefined,
    ])
    await rig.clock.advance(10)
    expect(answers.values.map((receipt) => receipt?.status)).toEqual([
      'accepted',
      'accepted',
      undefined,
      undefined,
    ])
    await rig.clock.advance(5)
    expect(answers.errors).toEqual([undefined, undefined, undefined, 'queue_full'])
    await rig.clock.advance(5)
    expect(answers.values[2]?.status).toBe('accepted')
    expect(rig.clock.pending).toBe(0)
  })

  it('is ready only while any command would fit', async () => {
    const rig = channelRig(storeSpec({ maxItems: 1 }), [plain()])
    rig.faulting.appendMs = 10
    await rig.channel.ready()
    watch([rig.submit(1)])
    const ready = watch([rig.channel.ready().then(() => rig.clock.monotonic())])
    await rig.clock.advance(9)
    expect(ready.values).toEqual([undefined])
    await rig.clock.advance(1)
    expect(ready.values).toEqual([10])
  })

  it('stores an atomic submit in one append, all of it', async () => {
    const rig = channelRig(storeSpec(), [keyed()])
    const verdicts = rig.intake.submitMany('click', [click('a'), click('b'), click('a')], { atomic: true })
    await rig.clock.advance(0)
    expect((await verdicts).map((verdict) => verdict.ok && verdict.receipt.status)).toEqual([
      'accepted',
      'accepted',
      'duplicate',
    ])
    expect(rig.faulting.appendedAt.length).toBe(1)
  })

  it('stores nothing of an atomic submit with a conflict, and says so of every command', async () => {
    const rig = channelRig(storeSpec(), [keyed()])
    watch([rig.submit(click('taken', 1)), rig.submit(click('known'))])
    await rig.clock.advance(0)
    const committed = rig.recorded('chunk.committed').length
    const answer = rig.intake.submitMany(
      'click',
      [click('a'), click('taken', 2), click('a'), click('known')],
      { atomic: true },
    )
    await rig.clock.advance(0)
    const verdicts = await answer
    expect(verdicts.map((verdict) => (verdict.ok ? verdict.receipt.status : verdict.error.code))).toEqual([
      'invalid_argument',
      'idempotency_conflict',
      'invalid_argument',
      'duplicate',
    ])
    expect(verdicts[0]).toMatchObject({ error: { details: { atomic: true, index: 1 } } })
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
    expect(rig.recorded('chunk.committed')).toHaveLength(committed)
  })

  it('refuses an atomic submit as a whole when it exceeds the bounds or the store fails', async () => {
    const rig = channelRig(storeSpec({ maxItems: 2 }), [plain()])
    const tooMany = rig.intake.submitMany('plain', [1, 2, 3], { atomic: true })
    await rig.clock.advance(0)
    expect((await tooMany).map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'queue_full',
      'queue_full',
      'queue_full',
    ])
    rig.faulting.faults.push('refused')
    const failing = rig.intake.submitMany('plain', [1, 2], { atomic: true })
    await rig.clock.advance(0)
    expect((await failing).map((verdict) => !verdict.ok && verdict.error.code)).toEqual([
      'store_unavailable',
      'store_unavailable',
    ])
    const fitting = rig.intake.submitMany('plain', [1, 2], { atomic: true })
    await rig.clock.advance(0)
    expect((await fitting).every((verdict) => verdict.ok)).toBe(true)
  })

  it('finishes what it took when it is closed, and refuses the line and what comes later', async () => {
    const rig = channelRig(storeSpec({ maxItems: 2, whenFull: 'block' }), [plain()])
    rig.faulting.appendMs = 10
    const answers = watch([1, 2, 3].map((payload) => rig.submit(payload)))
    await rig.clock.advance(1)
    const closed = watch([rig.channel.close().then(() => rig.clock.monotonic())])
    const late = watch([rig.submit(4)])
    const lateAtomic = watch([rig.intake.submitMany('plain', [5], { atomic: true })])
    await rig.clock.advance(20)
    expect(answers.values.map((receipt) => receipt?.status)).toEqual(['accepted', 'accepted', undefined])
    expect(answers.errors[2]).toBe('closed')
    expect(late.errors[0]).toBe('closed')
    expect(lateAtomic.values[0]).toMatchObject([{ ok: false, error: { code: 'closed' } }])
    expect(closed.values).toEqual([10])
  })

  it('waits for an atomic submit when it is drained', async () => {
    const rig = channelRig(storeSpec(), [plain()])
    rig.faulting.appendMs = 10
    const answer = watch([rig.intake.submitMany('plain', [1, 2], { atomic: true })])
    await rig.clock.advance(1)
    const drained = watch([rig.channel.drain().then(() => rig.clock.monotonic())])
    await rig.clock.advance(20)
    expect(drained.values).toEqual([10])
    expect(answer.values[0]).toHaveLength(2)
  })

  it('counts what it received once per type and moment, with the age of the oldest', async () => {
    const rig = channelRig(storeSpec(), [keyed()], { appendsInFlightMax: 1 })
    rig.faulting.appendMs = 7
    watch([rig.submit(click('a')), rig.submit(click('a')), rig.submit(click('a', 2)), rig.submit(click('b'))])
    await rig.clock.advance(10)
    expect(
      rig
        .recorded('command.received')
        .map(({ outcome, count, queue, type }) => [outcome, count, queue, type]),
    ).toEqual([
      ['accepted', 2, QUEUE, 'click'],
      ['duplicate', 1, QUEUE, 'click'],
      ['rejected', 1, QUEUE, 'click'],
    ])
    expect(rig.recorded('accept.duration')).toEqual([
      { event: 'accept.duration', queue: QUEUE, durationMs: 7 },
    ])

    watch([rig.submit(click('c'))])
    for (const [id, afterMs] of [
      ['d', 2],
      ['e', 3],
    ] as const) {
      await rig.clock.advance(afterMs)
      watch([rig.submit(click(id))])
    }
    await rig.clock.advance(50)
    expect(rig.recorded('accept.duration').map(({ durationMs }) => durationMs)).toEqual([7, 7, 12])
  })
})
