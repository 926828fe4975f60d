import { describe, expect, it } from 'vitest'
import { commands, setUp } from '../../test/worker/executor-kit.js'
import { Bench, command, gate, newSecret, range, type TestCommand } from '../../test/worker/worker-kit.js'
import { failed, ok, retry } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { type ExecutionReport, type SettleScope, SILENT, type Store } from '../ports/index.js'
import { into } from '../sinks/index.js'
import { rowsOf } from '../stores/memory/index.js'
import { seededRandom } from '../testing/seeded-random.js'
import { createExecutor } from './executor.js'
import { HUNG_GRACE_MS } from './handler-call.js'

describe('a sink', () => {
  const sinkOf = (table = 'clicks') => into<{ id: number; bad?: boolean }>(table, { key: ['id'] })

  it('writes in a transaction of its own when there is no settlement', async () => {
    const { execute, real } = setUp({ handleBatch: sinkOf() })
    const list = commands(3).map((each, id) => ({ ...each, payload: { id } }))
    expect(await execute(list)).toEqual([null, null, null])
    expect(rowsOf(real, 'clicks')).toHaveLength(3)
  })

  it('lands every good row beside a bad one', async () => {
    const { execute, real } = setUp({ handleBatch: sinkOf() })
    const list = commands(100).map((each, id) => ({ ...each, payload: id === 42 ? {} : { id } }))
    const report = await execute(list)
    expect(report.flatMap((update) => update?.index ?? [])).toEqual([52])
    expect(rowsOf(real, 'clicks')).toHaveLength(99)
  })

  it('ends as unsupported, with advice, on a store without transactions', async () => {
    const { execute } = setUp({ handleBatch: sinkOf() }, { capabilities: { transactionalSettle: 'none' } })
    expect(await execute(commands(1))).toMatchObject([{ state: 'dead', error: { code: 'unsupported' } }])
  })
})

describe('execution within a transaction', () => {
  const writing = (write: (at: number, tx: Map<string, unknown>) => unknown): Omit<TestCommand, 'name'> => ({
    settlement: 'transaction',
    handle: (at, { tx }) => write(at, tx.table('effects')),
  })

  it('keeps the effects of good commands and undoes those of bad ones', async () => {
    const { within, real } = setUp(
      writing((at, table) => {
        table.set(`${at}`, { at })
        if (at === 1) throw new Error('after the write')
      }),
    )
    expect((await within(commands(3))).map((update) => update?.state ?? 'ok')).toEqual([
      'ok',
      'retrying',
      'ok',
    ])
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual([0, 2])
  })

  it('undoes every failed try of a bisected batch', async () => {
    const { within, real } = setUp({
      settlement: 'transaction',
      handleBatch: (all, { tx }) => {
        for (const at of all) tx.table('effects').set(`${at}/${rowsSeen(tx)}`, { at })
        if (all.includes(5)) throw new Error('bad')
      },
    })
    const rowsSeen = (tx: { table(name: string): { size: number } }): number => tx.table('effects').size
    expect((await within(commands(16))).flatMap((update) => update?.index ?? [])).toEqual([15])
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual(range(16).filter((at) => at !== 5))
  })

  it('undoes the effects of a wrong-sized result', async () => {
    const { within, real } = setUp({
      settlement: 'transaction',
      handleBatch: (all, { tx }) => {
        tx.table('effects').set('x', { all })
        return [null]
      },
    })
    expect((await within(commands(2))).map((update) => update?.error?.code)).toEqual([
      'handler_result',
      'handler_result',
    ])
    expect(rowsOf(real, 'effects')).toEqual([])
  })

  it('finds the command whose result cannot be kept, and keeps the effects of the others', async () => {
    const { within, real } = setUp({
      settlement: 'transaction',
      handleBatch: (all, { tx }) => {
        for (const at of all) tx.table('effects').set(`${at}`, { at })
        return all.map((at) => ok(at === 2 ? 1n : at))
      },
    })
    expect((await within(commands(4))).map((update) => update?.result ?? update?.error?.code)).toEqual([
      ...['0', '1', 'handler_result', '3'],
    ])
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual([0, 1, 3])
  })

  it('undoes the effects of a command that asks to be tried again, and keeps those of one that refuses', async () => {
    const { within, real } = setUp(
      writing((at, table) => {
        table.set(`${at}`, { at })
        return at === 0 ? retry('later') : failed('no')
      }),
    )
    expect((await within(commands(2))).map((update) => update?.state)).toEqual(['retrying', 'failed'])
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual([1])
  })

  it('refuses a handler that returns a promise, says why, and keeps nothing of it', async () => {
    const { within, real } = setUp({
      settlement: 'transaction',
      handle: async (at, { tx }) => {
        tx.table('effects').set(`${at}`, { at })
        throw new Error('must not surface as an unhandled rejection')
      },
    })
    const [update] = await within(commands(1))
    expect(update).toMatchObject({ state: 'dead', error: { code: 'sync_handler_required' } })
    expect(update?.error?.message).toContain("settlement: 'batched'")
    expect(rowsOf(real, 'effects')).toEqual([])
  })

  it('gives a handler of a volatile channel a transaction of its own per call', async () => {
    const { execute, real } = setUp(
      writing((at, table) => {
        table.set(`${at}`, { at })
        if (at === 1) throw new Error('no')
      }),
    )
    expect((await execute(commands(3))).map((update) => update?.state ?? 'ok')).toEqual([
      'ok',
      'retrying',
      'ok',
    ])
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual([0, 2])
  })

  it('isolates a command that fails only when its transaction commits', async () => {
    const { execute, real } = setUp(
      {
        settlement: 'transaction',
        handleBatch: (all, { tx }) => {
          for (const at of all) tx.table('effects').set(`${at}`, { at })
        },
      },
      {
        settleWithin: (store, leases, work) =>
          store.settleWithin(leases, (scope, valid) => {
            const settlements = work(scope, valid)
            const tx = scope.tx as { table(name: string): Map<string, unknown> }
            if (tx.table('effects').has('3')) throw Object.assign(new Error('deferred'), { fault: 'data' })
            return settlements
          }),
      },
    )
    const report = await execute(commands(8))
    const messages = report.map((update) => update?.error?.message ?? 'ok')
    expect(messages).toEqual(range(8).map((at) => (at === 3 ? 'deferred' : 'ok')))
    expect(rowsOf(real, 'effects').map(({ at }) => at)).toEqual(range(8).filter((at) => at !== 3))
  })

  it('takes a store that fails for a fault of the moment', async () => {
    const down = (): Promise<never> => Promise.reject(new SpillwayError('store_unavailable', 'locked'))
    const { execute } = setUp({ handleBatch: into('t', { key: ['id'] }) }, { settleWithin: down })
    const report = await execute(commands(2).map((each, id) => ({ ...each, payload: { id } })))
    expect(report.map((update) => [update?.state, update?.error?.code])).toEqual(
      Array(2).fill(['retrying', 'store_unavailable']),
    )
  })
})

describe('execution within an asynchronous transaction', () => {
  /** Savepoints as a database with asynchronous transactions has them. */
  function asyncScope() {
    let rows: number[] = []
    const scope: SettleScope<unknown> = {
      tx: { add: async (at: number) => void rows.push(at) },
      savepoint: ((work: () => Promise<unknown>) => {
        const before = [...rows]
        return work().catch((error) => {
          rows = before
          throw error
        })
      }) as never,
      write: async () => {},
    }
    return { scope, rows: () => rows }
  }

  it('bisects with savepoints, and lets each try time out by itself', async () => {
    const { executor, signal, bench } = setUp(
      {
        settlement: 'transaction',
        timeout: 1_000,
        handleBatch: async (all, { tx }) => {
          for (const at of all) await tx.add(at)
          await bench.clock.sleep(500)
          if (all.includes(6)) throw new Error('bad')
        },
      },
      { capabilities: { transactionalSettle: 'async' } },
    )
    const { scope, rows } = asyncScope()
    const report = Promise.resolve(executor.executeWithin('a', commands(8), { signal, scope }))
    await bench.clock.advance(10_000)
    expect((await report).flatMap((update) => update?.index ?? [])).toEqual([16])
    expect(rows().sort()).toEqual([0, 1, 2, 3, 4, 5, 7])
  })

  it('undoes a try that timed out', async () => {
    const { executor, signal, bench } = setUp(
      {
        settlement: 'transaction',
        timeout: 1_000,
        handle: async (at, { tx, signal: own }) => {
          await tx.add(at)
          if (at === 1) await new Promise((resolve) => own.addEventListener('abort', resolve))
        },
      },
      { capabilities: { transactionalSettle: 'async' } },
    )
    const { scope, rows } = asyncScope()
    const report = Promise.resolve(executor.executeWithin('a', commands(3), { signal, scope }))
    await bench.clock.advance(5_000)
    expect((await report).map((update) => update?.error?.code ?? 'ok')).toEqual([
      'ok',
      'handler_timeout',
      'ok',
    ])
    expect(rows()).toEqual([0, 2])
  })
})

describe('a handler that hangs in a transaction of its own', () => {
  it('loses the transaction, and the try is over only when it has returned', async () => {
    const opened = gate()
    const late: unknown[] = []
    const bench = new Bench([
      command({
        ...{ name: 'a', settlement: 'transaction', timeout: 1_000, retry: { attempts: 3 } },
        handle: async (at, { tx }) => {
          await tx.set('effects', `${at}`, { at })
          await opened.promise
          await tx.set('effects', 'late', { at }).catch((error: unknown) => late.push(error))
        },
      }),
    ])
    const executor = createExecutor({
      ...{ definitions: bench.definitions, store: bench.server.store as Store, clock: bench.clock },
      ...{ random: seededRandom(1), telemetry: SILENT, workerId: 'w1', newSecret },
    })
    const hung: number[] = []
    let report: ExecutionReport | null = null
    const { signal } = new AbortController()
    const onHung = (): void => void hung.push(bench.clock.now())
    void executor.execute('a', commands(1), { signal, onHung }).then((ended) => {
      report = ended
    })
    await bench.clock.advance(1_000 + HUNG_GRACE_MS - 1)
    expect(bench.server.open).toBe(1)
    await bench.clock.advance(10)
    expect([bench.server.open, hung.length, report]).toEqual([0, 1, null])
    opened.open()
    await bench.clock.advance(0)
    expect(report).toMatchObject([{ state: 'retrying', error: { code: 'handler_timeout' } }])
    expect(late).toMatchObject([{ code: 'invalid_argument' }])
    expect(rowsOf(bench.real, 'effects')).toEqual([])
  })
})
