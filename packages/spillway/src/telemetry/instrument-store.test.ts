import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../errors/index.js'
import type { Store, TelemetryEvent } from '../ports/index.js'
import { instrumentStore } from './instrument-store.js'

type Call = { readonly method: string; readonly args: readonly unknown[] }

/** A store whose every method notes its arguments and answers with its own name, or fails. */
function spyStore(calls: Call[], fail: () => boolean): Store {
  const methods = (prefix: string) =>
    new Proxy({} as Record<string, unknown>, {
      get: (_, method: string) => {
        if (method === 'name') return 'spy'
        if (method === 'capabilities') return { durability: 'disk' }
        if (method === 'wake') return { subscribe: () => () => {} }
        if (['reader', 'control', 'nodes', 'schema'].includes(method) && prefix === '')
          return methods(`${method}.`)
        return async (...args: unknown[]) => {
          calls.push({ method: `${prefix}${method}`, args })
          if (fail()) throw new SpillwayError('store_unavailable', 'The store is locked.')
          return `${prefix}${method}`
        }
      },
    })
  return methods('') as unknown as Store
}

const OPERATIONS: readonly (readonly [
  operation: string,
  method: string,
  call: (store: Store) => Promise<unknown>,
  args: readonly unknown[],
])[] = [
  ['open', 'open', (store) => store.open(), []],
  ['close', 'close', (store) => store.close(), []],
  ['append', 'append', (store) => store.append([], { atomic: true }), [[], { atomic: true }]],
  ['claim', 'claim', (store) => store.claim({ queue: 'q' } as never), [{ queue: 'q' }]],
  ['extend', 'extend', (store) => store.extend([], 5), [[], 5]],
  ['settle', 'settle', (store) => store.settle([]), [[]]],
  ['settle_within', 'settleWithin', (store) => store.settleWithin([], 'work' as never), [[], 'work']],
  ['promote', 'promote', (store) => store.promote({ limit: 1 } as never), [{ limit: 1 }]],
  ['prune', 'prune', (store) => store.prune({ limit: 1 } as never), [{ limit: 1 }]],
  ['probe', 'probe', (store) => store.probe(), []],
  ['get', 'reader.get', (store) => store.reader.get(['a'], { payload: true }), [['a'], { payload: true }]],
  ['list', 'reader.list', (store) => store.reader.list({ limit: 1 }), [{ limit: 1 }]],
  ['queues', 'reader.queues', (store) => store.reader.queues(), []],
  ['accounting', 'reader.accounting', (store) => store.reader.accounting(), []],
  ['cancel', 'control.cancel', (store) => store.control.cancel(['a']), [['a']]],
  ['redrive', 'control.redrive', (store) => store.control.redrive(['a']), [['a']]],
  [
    'configure_queue',
    'control.configureQueue',
    (store) => store.control.configureQueue('q', { paused: true }),
    ['q', { paused: true }],
  ],
  ['queue_settings', 'control.queueSettings', (store) => store.control.queueSettings(), []],
  ['node_heartbeat', 'nodes.heartbeat', (store) => store.nodes.heartbeat('n' as never, 5), ['n', 5]],
  ['node_leave', 'nodes.leave', (store) => store.nodes.leave('n'), ['n']],
  ['nodes', 'nodes.list', (store) => store.nodes.list(), []],
  ['role_acquire', 'nodes.acquire', (store) => store.nodes.acquire('r', 'n', 5), ['r', 'n', 5]],
  [
    'role_release',
    'nodes.release',
    (store) => store.nodes.release({ role: 'r', token: 1 }),
    [{ role: 'r', token: 1 }],
  ],
  ['roles', 'nodes.roles', (store) => store.nodes.roles(), []],
  ['schema_state', 'schema.state', (store) => store.schema.state(), []],
  ['migrate', 'schema.migrate', (store) => store.schema.migrate(), []],
]

function instrumented(fail = false) {
  const calls: Call[] = []
  const events: TelemetryEvent[] = []
  let now = 0
  const monotonic = () => {
    now += 25
    return now
  }
  const inner = spyStore(calls, () => fail)
  return {
    inner,
    calls,
    events,
    store: instrumentStore(inner, { record: (event) => events.push(event) }, { monotonic }),
  }
}

describe('instrumentStore', () => {
  it.each(OPERATIONS)(
    'times %s and passes arguments and result through',
    async (operation, method, call, args) => {
      const { store, calls, events } = instrumented()
      expect(await call(store)).toBe(method)
      expect(calls).toHaveLength(1)
      expect(calls[0]?.method).toBe(method)
      expect(calls[0]?.args.slice(0, args.length)).toEqual(args)
      expect(events).toEqual([{ event: 'store.operation', operation, outcome: 'ok', durationMs: 25 }])
    },
  )

  it.each(OPERATIONS)('times a failing %s and lets its error through', async (operation, _, call) => {
    const { store, events } = instrumented(true)
    await expect(call(store)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(events).toEqual([{ event: 'store.operation', operation, outcome: 'error', durationMs: 25 }])
  })

  it('has the name, capabilities and wake signal of the store', () => {
    const { store, inner } = instrumented()
    expect(store.name).toBe('spy')
    expect(store.capabilities).toEqual(inner.capabilities)
    expect(store.wake.subscribe).toBeTypeOf('function')
  })
})
