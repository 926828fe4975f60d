import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channelRig, command, gatedRig, watch } from '../../test/support/channel-rig.js'
import { pool, store as storeSpec } from '../config/index.js'
import type { SpillwayError } from '../errors/index.js'

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

  it('is fair among many streams on a queue with little room', async () => {
    const rig = gatedRig(pool({ coreSize: 1, maxSize: 1, queueCapacity: 2 }))
    const stop = new AbortController()
    const streams = Array.from({ length: 50 }, (_, index) =>
      rig.intake
        .submitStream('job', [1, 2, 3], index === 7 ? { signal: stop.signal } : {})
        .catch((error: Error) => error.name),
    )
    const reports = watch(streams)
    await rig.clock.advance(0)
    stop.abort()
    for (let round = 0; round < 160; round += 1) {
      rig.gate.open()
      await rig.clock.advance(0)
    }
    const others = reports.values.filter((_, index) => index !== 7)
    expect(reports.values[7]).toBe('AbortError')
    expect(others).toHaveLength(49)
    for (const report of others) expect(report).toMatchObject({ accepted: 3, rejected: 0 })
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
