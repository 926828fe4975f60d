import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import { eventsOf, range } from '../../test/worker/worker-kit.js'
import { SpillwayError } from '../errors/index.js'
import { HUNG_GRACE_MS } from './handler-call.js'

describe('a timeout', () => {
  it('aborts the signal and is an exception once the handler has returned, whatever it returned', async () => {
    const { execute, bench } = setUp({
      timeout: 1_000,
      handle: async (_, { signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return 'done all the same'
      },
    })
    const report = execute(commands(1))
    await bench.clock.advance(1_000)
    expect(await report).toMatchObject([{ state: 'retrying', error: { code: 'handler_timeout' } }])
  })

  it('is a fault of the moment: the batch is not bisected', async () => {
    let calls = 0
    const { execute, bench } = setUp({
      timeout: 1_000,
      handleBatch: async (_, { signal }) => {
        calls += 1
        await new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('stopped'))),
        )
      },
    })
    const report = execute(commands(50))
    await bench.clock.advance(5_000)
    expect((await report).map((update) => update?.error?.code)).toEqual(Array(50).fill('handler_timeout'))
    expect(calls).toBe(1)
  })

  it('stays pending, and is told as hung, while the handler ignores it', async () => {
    const { executor, bench, signal } = setUp({ timeout: 1_000, handle: () => new Promise(() => {}) })
    const told: string[] = []
    const options = { signal, onHung: () => void told.push('hung') }
    void executor.execute('a', commands(1), options).then(() => told.push('ended'))
    await bench.clock.advance(1_000 + HUNG_GRACE_MS - 1)
    expect(told).toEqual([])
    await bench.clock.advance(60_000)
    expect(told).toEqual(['hung'])
  })

  it('leaves no timer and no listener behind when the handler returns in time', async () => {
    const { execute, bench } = setUp({ handle: async () => undefined })
    await execute(commands(3))
    expect(bench.clock.pending).toBe(0)
  })

  it('applies to each call of a bisected batch by itself', async () => {
    const { execute, bench } = setUp({
      timeout: 1_000,
      handleBatch: async (payloads) => {
        await bench.clock.sleep(900)
        if (payloads.includes(3)) throw new Error('bad')
      },
    })
    const report = execute(commands(8))
    await bench.clock.advance(20_000)
    expect((await report).map((update) => update?.error?.message ?? 'ok')).toEqual(
      range(8).map((at) => (at === 3 ? 'bad' : 'ok')),
    )
  })
})

describe('an abort from outside', () => {
  it('ends the search for a bad command: of what is left nothing is begun, and all of it is to be tried again', async () => {
    const calls: number[][] = []
    const { execute, controller, events } = setUp({
      handleBatch: (payloads: number[]) => {
        calls.push([...payloads])
        if (calls.length === 2) controller.abort(new SpillwayError('closed', 'lost'))
        if (payloads.includes(1)) throw Object.assign(new Error('bad'), { fault: 'data' })
      },
    })
    const report = await execute(commands(4))
    expect(calls).toEqual([
      [0, 1, 2, 3],
      [0, 1],
    ])
    expect(report.map((update) => update?.state)).toEqual(Array(4).fill('retrying'))
    expect(eventsOf(events, 'batch.executed')).toHaveLength(2)
  })

  it('reaches the handler, and what it throws counts as a fault of the moment', async () => {
    const { execute, controller } = setUp({
      classify: () => 'permanent',
      handle: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    })
    const report = execute(commands(1))
    controller.abort(new SpillwayError('closed', 'closing'))
    expect(await report).toMatchObject([{ state: 'retrying', error: { code: 'closed' } }])
  })
})
