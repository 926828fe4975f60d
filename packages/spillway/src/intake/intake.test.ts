import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channelRig, command, gatedRig, QUEUE, watch } from '../../test/support/channel-rig.js'
import { pool, store as storeSpec } from '../config/index.js'
import type { SpillwayError } from '../errors/index.js'
import { SILENT } from '../ports/index.js'
import { Intake } from './intake.js'
import { ATOMIC_COMMANDS_MAX } from './submit-many.js'

const input = z.object({ id: z.string() })
const click = () =>
  command('click', {
    input,
    idempotencyKey: (payload) => (payload as { id: string }).id,
    handleBatch: async () => {},
  })
const asynchronous = () =>
  command('slow', { input: z.string().refine(async (text) => text !== 'bad'), handleBatch: async () => {} })
const ids = (...names: string[]): { id: string }[] => names.map((id) => ({ id }))

describe('submit', () => {
  it('refuses an unknown command by its name and counts it under none', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const error = await rig.intake.submit('clack', {}).catch((cause: SpillwayError) => cause)
    expect(error).toMatchObject({ code: 'unknown_command', message: expect.stringContaining('"clack"') })
    expect(await rig.intake.submit(undefined as never, {}).catch((cause: SpillwayError) => cause.code)).toBe(
      'unknown_command',
    )
    await rig.clock.advance(0)
    expect(rig.recorded('command.received')).toEqual([
      { event: 'command.received', queue: '_unknown', type: '_unknown', outcome: 'rejected', count: 2 },
    ])
  })

  it('takes a definition or its name', async () => {
    const definition = click()
    const rig = channelRig(storeSpec(), [definition])
    const answers = watch([
      rig.intake.submit(definition, { id: 'a' }),
      rig.intake.submit('click', { id: 'b' }),
    ])
    await rig.clock.advance(0)
    expect(answers.values.map((receipt) => receipt?.type)).toEqual(['click', 'click'])
  })

  it('refuses an invalid command alone: the others of the moment are stored', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const answers = watch([
      rig.submit({ id: 'a' }),
      rig.submit({ id: 1 }),
      rig.submit({ id: 'b' }, { priority: 1_000 }),
      rig.submit({ id: 'c' }),
    ])
    await rig.clock.advance(0)
    expect(answers.errors).toEqual([undefined, 'invalid_payload', 'invalid_argument', undefined])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
    expect(rig.recorded('command.received').map(({ outcome, count }) => [outcome, count])).toEqual([
      ['accepted', 2],
      ['rejected', 2],
    ])
  })

  it('never throws at the caller: every fault is a rejection', () => {
    const rig = channelRig(storeSpec(), [click()])
    for (const call of [
      () => rig.intake.submit('nope', 1),
      () => rig.submit(1),
      () => rig.submit({ id: 'a' }, null as never),
    ]) {
      expect(call().catch(() => {})).toBeInstanceOf(Promise)
    }
  })

  it('waits for an asynchronous schema', async () => {
    const rig = channelRig(storeSpec(), [asynchronous()])
    const answers = watch([rig.submit('good'), rig.submit('bad')])
    await rig.clock.advance(0)
    expect(answers.values[0]?.status).toBe('accepted')
    expect(answers.errors[1]).toBe('invalid_payload')
  })

  it('is not given to commands without a channel', () => {
    const rig = channelRig(storeSpec(), [click()])
    const definitions = new Map([['click', click()]])
    expect(
      () =>
        new Intake({
          definitions,
          queues: new Map(),
          channels: new Map(),
          clock: rig.clock,
          telemetry: SILENT,
        }),
    ).toThrow('no channel')
  })
})

describe('submitMany', () => {
  it('gives one verdict per command, in order, and refuses the bad ones alone', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const payloads = [...ids('a', 'b'), { id: 7 }, ...ids('a', 'c')]
    const answer = rig.intake.submitMany('click', payloads, {
      each: (index) => (index === 1 ? { priority: 900 } : {}),
    })
    await rig.clock.advance(0)
    const verdicts = await answer
    expect(verdicts.map((verdict) => (verdict.ok ? verdict.receipt.status : verdict.error.code))).toEqual([
      'accepted',
      'invalid_argument',
      'invalid_payload',
      'duplicate',
      'accepted',
    ])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
  })

  it('takes the options of each command', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const answer = rig.intake.submitMany('click', ids('a', 'b'), {
      each: (index) => ({ key: `k${index}`, delay: index }),
    })
    await rig.clock.advance(0)
    const states = await Promise.all(
      (await answer).map((verdict) => rig.stored(verdict.ok ? verdict.receipt.id : '')),
    )
    expect(states.map((view) => view?.state)).toEqual(['accepted', 'scheduled'])
  })

  it('makes a throw from each() the verdict of that command', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const each = (index: number) => {
      if (index === 0) throw new Error('bug')
      return {}
    }
    const answer = rig.intake.submitMany('click', ids('a', 'b'), { each })
    await rig.clock.advance(0)
    expect((await answer).map((verdict) => verdict.ok)).toEqual([false, true])
  })

  it('keeps the order of commands whose schema is asynchronous', async () => {
    const rig = channelRig(storeSpec(), [asynchronous()])
    const answer = rig.intake.submitMany('slow', ['a', 'bad', 'c'])
    await rig.clock.advance(0)
    const verdicts = await answer
    expect(
      verdicts.map((verdict) => (verdict.ok ? verdict.receipt.id.slice(-1) : verdict.error.code)),
    ).toEqual(['0', 'invalid_payload', '1'])
  })

  it('takes more commands than a queue may hold, as long as the store keeps up', async () => {
    const rig = channelRig(storeSpec({ maxItems: 1_500 }), [
      command('plain', { handleBatch: async () => {} }),
    ])
    const answer = rig.intake.submitMany(
      'plain',
      Array.from({ length: 5_000 }, (_, index) => index),
    )
    await rig.clock.advance(0)
    expect((await answer).every((verdict) => verdict.ok)).toBe(true)
  })

  it('answers an empty list with an empty list', async () => {
    const rig = channelRig(storeSpec(), [click()])
    expect(await rig.intake.submitMany('click', [])).toEqual([])
    expect(await rig.intake.submitMany('click', [], { atomic: true })).toEqual([])
  })

  it('rejects as a whole only for a wrong call', async () => {
    const { intake } = channelRig(storeSpec(), [click()])
    const codes = [
      intake.submitMany('nope', []),
      intake.submitMany('click', new Set() as never),
      intake.submitMany('click', new Array(ATOMIC_COMMANDS_MAX + 1).fill({ id: 'a' }), { atomic: true }),
    ].map((call) => call.catch((cause: SpillwayError) => cause.code))
    expect(await Promise.all(codes)).toEqual(['unknown_command', 'invalid_argument', 'invalid_argument'])
  })

  it('offers nothing of an atomic submit when one of its commands is invalid', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const verdicts = await rig.intake.submitMany('click', [...ids('a'), { id: 1 }, ...ids('b')], {
      atomic: true,
    })
    expect(verdicts).toMatchObject([
      { ok: false, error: { code: 'invalid_argument', details: { atomic: true, index: 1 } } },
      { ok: false, error: { code: 'invalid_payload' } },
      { ok: false, error: { code: 'invalid_argument' } },
    ])
    expect(rig.faulting.appendedAt).toEqual([])
    await rig.clock.advance(0)
    expect(rig.recorded('command.received')).toMatchObject([{ outcome: 'rejected', count: 3, queue: QUEUE }])
  })
})

describe('submitStream', () => {
  it('reports what became of the stream, with the place of every error', async () => {
    const rig = channelRig(storeSpec(), [click()])
    async function* source() {
      yield* ids('a', 'b', 'a')
      yield { id: 5 }
      yield { id: 'c' }
    }
    const heard: [number, boolean][] = []
    const report = rig.intake.submitStream('click', source(), {
      onVerdict: (index, verdict) => void heard.push([index, verdict.ok]),
    })
    await rig.clock.advance(0)
    expect(await report).toMatchObject({
      submitted: 5,
      accepted: 3,
      duplicates: 1,
      rejected: 1,
      errors: [{ index: 3, error: { code: 'invalid_payload' } }],
    })
    expect(heard.sort((a, b) => a[0] - b[0])).toEqual([
      [0, true],
      [1, true],
      [2, true],
      [3, false],
      [4, true],
    ])
  })

  it('takes any iterable, also one of nothing', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const reports = watch([
      rig.intake.submitStream('click', new Set(ids('a', 'b'))),
      rig.intake.submitStream('click', []),
    ])
    await rig.clock.advance(0)
    expect(reports.values.map((report) => report?.submitted)).toEqual([2, 0])
  })

  it('reads no further than the channel takes, and never has more waiting than it may', async () => {
    const rig = channelRig(storeSpec(), [command('plain', { handleBatch: async () => {} })])
    rig.faulting.appendMs = 10
    let read = 0
    function* source() {
      for (; read < 100; read += 1) yield read
    }
    const report = watch([rig.intake.submitStream('plain', source(), { concurrencyMax: 8 })])
    await rig.clock.advance(5)
    expect(read).toBeLessThanOrEqual(9)
    await rig.clock.advance(1_000)
    expect(report.values[0]).toMatchObject({ submitted: 100, accepted: 100 })
    expect(rig.recorded('chunk.committed').every(({ commands }) => commands <= 8)).toBe(true)
  })

  it('loses nothing to a full pool: it waits for room', async () => {
    const rig = gatedRig(pool({ coreSize: 1, maxSize: 2, queueCapacity: 3 }))
    const report = watch([
      rig.intake.submitStream(
        'job',
        Array.from({ length: 20 }, (_, index) => index),
      ),
    ])
    await rig.clock.advance(0)
    expect(rig.gate.running).toBe(2)
    for (let round = 0; round < 20; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(report.values[0]).toMatchObject({ accepted: 20, rejected: 0 })
    expect([...rig.gate.ended].sort((a, b) => Number(a) - Number(b))).toEqual(
      Array.from({ length: 20 }, (_, index) => index),
    )
  })

  it('offers again what another stream pushed out at the last moment', async () => {
    const rig = gatedRig(pool({ coreSize: 1, maxSize: 1, queueCapacity: 1 }))
    const numbers = Array.from({ length: 15 }, (_, index) => index)
    const reports = watch([
      rig.intake.submitStream('job', numbers),
      rig.intake.submitStream('job', numbers),
      rig.intake.submitStream('job', numbers),
    ])
    for (let round = 0; round < 60; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    expect(reports.values.map((report) => [report?.accepted, report?.rejected])).toEqual([
      [15, 0],
      [15, 0],
      [15, 0],
    ])
  })

  it('gives up a command that can never fit instead of trying forever', async () => {
    const rig = gatedRig(pool({ coreSize: 1, maxSize: 1, maxBytes: 10 }))
    const report = watch([rig.intake.submitStream('job', [1, 'x'.repeat(50), 2])])
    await rig.clock.advance(0)
    expect(report.values[0]).toMatchObject({
      accepted: 2,
      rejected: 1,
      errors: [{ index: 1, error: { code: 'queue_full' } }],
    })
  })

  it('keeps a bounded number of errors', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const report = watch([rig.intake.submitStream('click', new Array(250).fill({ id: 0 }))])
    await rig.clock.advance(0)
    expect(report.values[0]).toMatchObject({ submitted: 250, rejected: 250 })
    expect(report.values[0]?.errors).toHaveLength(100)
  })

  it('lets others have their turn, however fast its commands are refused', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const order: string[] = []
    const report = rig.intake
      .submitStream('click', new Array(3_000).fill({ id: 0 }))
      .then(() => order.push('stream'))
    rig.clock.defer(() => order.push('other'))
    await rig.clock.advance(0)
    await report
    expect(order).toEqual(['other', 'stream'])
  })

  it('ends its source and passes on the error when the source fails, after everything was answered', async () => {
    const rig = channelRig(storeSpec(), [click()])
    rig.faulting.appendMs = 10
    async function* source() {
      yield* ids('a', 'b')
      throw new Error('the file is broken')
    }
    const heard: number[] = []
    const report = watch([
      rig.intake
        .submitStream('click', source(), { onVerdict: (index) => void heard.push(index) })
        .catch((error: Error) => `${error.message} ${heard}`),
    ])
    await rig.clock.advance(5)
    expect(report.values).toEqual([undefined])
    await rig.clock.advance(5)
    expect(report.values).toEqual(['the file is broken 0,1'])
  })

  it('stops at its signal while it waits for its source or for room, and returns the source', async () => {
    const rig = gatedRig(pool({ coreSize: 1, maxSize: 1, queueCapacity: 1 }))
    for (const source of [hanging(), endless()]) {
      const stop = new AbortController()
      const report = watch([
        rig.intake
          .submitStream('job', source.iterable, { signal: stop.signal })
          .catch((error: Error) => error.name),
      ])
      await rig.clock.advance(0)
      stop.abort()
      await rig.clock.advance(0)
      expect(report.values).toEqual(['AbortError'])
      expect(source.returned()).toBe(true)
    }
    expect(
      await rig.intake
        .submitStream('job', [1], { signal: AbortSignal.abort() })
        .catch((error: Error) => error.name),
    ).toBe('AbortError')
  })

  it('stops when its listener throws, with that error, and without harming the others of the flush', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const onVerdict = (): void => {
      throw new Error('listener')
    }
    const report = watch([
      rig.intake.submitStream('click', ids('a', 'b'), { onVerdict }).catch((error: Error) => error.message),
    ])
    const other = watch([rig.submit({ id: 'c' })])
    await rig.clock.advance(0)
    expect(report.values).toEqual(['listener'])
    expect(other.values[0]?.status).toBe('accepted')
  })

  it('rejects a wrong call', async () => {
    const { intake } = channelRig(storeSpec(), [click()])
    const codes = [
      intake.submitStream('nope', []),
      intake.submitStream('click', 'text'),
      intake.submitStream('click', 5 as never),
      intake.submitStream('click', null as never),
      intake.submitStream('click', [], { concurrencyMax: 0 }),
    ].map((call) => call.catch((cause: SpillwayError) => cause.code))
    expect(await Promise.all(codes)).toEqual([
      'unknown_command',
      'invalid_argument',
      'invalid_argument',
      'invalid_argument',
      'invalid_argument',
    ])
  })

  it('waits for an asynchronous schema and keeps the order', async () => {
    const rig = channelRig(storeSpec(), [asynchronous()])
    const report = watch([rig.intake.submitStream('slow', ['a', 'bad', 'b'])])
    await rig.clock.advance(0)
    expect(report.values[0]).toMatchObject({ accepted: 2, errors: [{ index: 1 }] })
  })
})

interface Source {
  readonly iterable: AsyncIterable<unknown>
  returned(): boolean
}

/** Yields once and then keeps its reader waiting. */
function hanging(): Source {
  return sourceOf((count) =>
    count === 0 ? Promise.resolve({ done: false, value: 0 }) : new Promise(() => {}),
  )
}

function endless(): Source {
  return sourceOf((count) => Promise.resolve({ done: false, value: count }))
}

function sourceOf(next: (count: number) => Promise<IteratorResult<unknown>>): Source {
  let count = 0
  let returned = false
  return {
    returned: () => returned,
    iterable: {
      [Symbol.asyncIterator]: () => ({
        next: () => next(count++),
        return: () => {
          returned = true
          return Promise.resolve({ done: true, value: undefined })
        },
      }),
    },
  }
}
