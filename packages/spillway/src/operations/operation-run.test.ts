import { describe, expect, it } from 'vitest'
import { type ChunkDraft, commandId, encodeBody, type ParkedDraft } from '../domain/index.js'
import type { ControlVerdict, Store } from '../ports/index.js'
import { createChunkIds } from '../runtime/index.js'
import { commandOf, memory } from '../stores/memory/index.js'
import { seededRandom, VirtualClock } from '../testing/index.js'
import { checkedScope, countMatches, OPERATION_TYPE, OperationRun, operationCounts } from './index.js'
import { type CommandFilter, OPERATION_COUNT_MAX, type OperationAction } from './operation-filter.js'

const DEAD: ParkedDraft = {
  ...{ state: 'dead', nextAt: null, attempts: 3, fingerprint: 'f00d' },
  error: { code: 'error', message: 'no' },
}
const OPERATION_ID = `${'f'.repeat(32)}-0`

class Rig {
  readonly clock = new VirtualClock()
  readonly random = seededRandom(1)
  readonly store = memory({ clock: this.clock })
  readonly newChunkId = createChunkIds(this.clock, this.random)

  /** Ids of commands that are parked like this, in one chunk. */
  async park(count: number, parked: ParkedDraft = DEAD, of: Partial<ChunkDraft> = {}): Promise<string[]> {
    const id = this.newChunkId()
    const draft: ChunkDraft = {
      ...{ id, queue: 'default', type: 'write', priority: 0, partition: null, codec: 'json', keys: null },
      ...{ body: encodeBody(Array.from({ length: count }, () => '{}')), size: count },
      parked: Array.from({ length: count }, () => parked),
      ...of,
    }
    await this.store.append([draft])
    return Array.from({ length: count }, (_, at) => commandId(id, at))
  }

  execution(
    action: OperationAction,
    filter: CommandFilter,
    options: { apply?: Apply; sliceMs?: number; shared?: Store['shared'] } = {},
  ): OperationRun {
    const { store, clock, random } = this
    const apply = options.apply ?? ((ids) => store.control[action](ids))
    return new OperationRun({
      ...{ id: OPERATION_ID, scope: checkedScope(action, filter), apply, clock, random },
      ...{ reader: store.reader, shared: options.shared ?? store.shared, sliceMs: options.sliceMs ?? 60_000 },
    })
  }

  statesOf(ids: readonly string[]): string[] {
    return [...new Set(ids.map((id) => commandOf(this.store, id)?.state ?? 'absent'))]
  }
}

type Apply = (ids: readonly string[]) => Promise<readonly ControlVerdict[]>

const going = new AbortController().signal

describe('an operation', () => {
  it('does its verb to every command that matches, page by page', async () => {
    const rig = new Rig()
    const ids = [...(await rig.park(900)), ...(await rig.park(301))]
    const others = await rig.park(5, DEAD, { type: 'read' })
    const pages: number[] = []
    const apply: Apply = (page) => {
      pages.push(page.length)
      return rig.store.control.redrive(page)
    }
    const report = await rig.execution('redrive', { type: 'write' }, { apply }).run(going)
    expect(report).toMatchObject({ seen: 1_201, changed: 1_201, conflicts: 0, next: null, page: null })
    expect(pages).toEqual([500, 500, 201])
    expect(rig.statesOf(ids)).toEqual(['retrying'])
    expect(rig.statesOf(others)).toEqual(['dead'])
    expect(await operationCounts(rig.store.shared, OPERATION_ID)).toMatchObject({
      seen: 1_201,
      changed: 1_201,
    })
  })

  it('counts what somebody else has changed meanwhile as conflicts', async () => {
    const rig = new Rig()
    const ids = await rig.park(3)
    const apply: Apply = async (page) => {
      await rig.store.control.redrive([ids[0] ?? ''])
      return rig.store.control.discard(page)
    }
    expect(await rig.execution('discard', {}, { apply }).run(going)).toMatchObject({
      ...{ seen: 3, changed: 2, conflicts: 1 },
    })
  })

  it('cancels whatever can be cancelled when no state is named', async () => {
    const rig = new Rig()
    const later = rig.clock.now() + 60_000
    const scheduled = await rig.park(2, { state: 'scheduled', nextAt: later, attempts: 0, error: null })
    const retrying = await rig.park(2, { state: 'retrying', nextAt: later, attempts: 1, error: null })
    const ready = await rig.park(3, DEAD, { parked: null })
    const dead = await rig.park(1)
    expect(await rig.execution('cancel', {}).run(going)).toMatchObject({ seen: 7, changed: 7 })
    expect(rig.statesOf([...scheduled, ...retrying, ...ready])).toEqual(['cancelled'])
    expect(rig.statesOf(dead)).toEqual(['dead'])
  })

  it('stops after its slice of time, and the next execution goes on from there', async () => {
    const rig = new Rig()
    await rig.park(1_000)
    const slow: Apply = async (page) => {
      await rig.clock.advance(40)
      return rig.store.control.redrive(page)
    }
    const first = await rig.execution('redrive', {}, { apply: slow, sliceMs: 30 }).run(going)
    expect(first).toMatchObject({ seen: 500, changed: 500 })
    expect(first.next).not.toBeNull()
    expect(await rig.execution('redrive', {}).run(going)).toMatchObject({
      seen: 1_000,
      changed: 1_000,
      next: null,
    })
  })

  it.each([
    ['before the verb took effect', false],
    ['after the verb took effect', true],
  ])('neither repeats nor forgets a command when it crashes %s', async (_, applied) => {
    for (const action of ['redrive', 'discard', 'cancel'] as const) {
      const rig = new Rig()
      const cancellable = { ...DEAD, state: 'scheduled', nextAt: rig.clock.now() + 1_000 } as const
      const ids = await rig.park(600, action === 'cancel' ? cancellable : DEAD)
      let calls = 0
      const crashing: Apply = async (page) => {
        calls += 1
        if (calls < 2) return rig.store.control[action](page)
        if (applied) await rig.store.control[action](page)
        throw new Error('the process died')
      }
      await expect(rig.execution(action, {}, { apply: crashing }).run(going)).rejects.toThrow('died')
      const counts = { seen: 600, changed: 600, conflicts: 0 }
      expect(await rig.execution(action, {}).run(going), action).toMatchObject({ ...counts, next: null })
      const generations = new Set(ids.map((id) => commandOf(rig.store, id)?.generation))
      expect([...generations], action).toEqual([action === 'cancel' ? 0 : 1])
    }
  })

  it('does not redrive again what was redriven before a crash and has died since', async () => {
    const rig = new Rig()
    const [id = ''] = await rig.park(1)
    const crashing: Apply = async (page) => {
      await rig.store.control.redrive(page)
      throw new Error('the process died')
    }
    await expect(rig.execution('redrive', {}, { apply: crashing }).run(going)).rejects.toThrow('died')
    await rig.store.promote({ limit: 10, chunkCommandsMax: 10, newChunkId: rig.newChunkId })
    const [lease] = await rig.store.claim({
      ...{ queue: 'default', types: ['write'], chunksMax: 1, commandsMax: 1, leaseMs: 1_000, workerId: 'w' },
    })
    const died = { index: 0, state: 'dead', attempts: 1, delayMs: 0, error: DEAD.error } as const
    const { chunkId = '', token = 0 } = lease ?? {}
    await rig.store.settle([{ chunkId, token, updates: [died], finished: [], complete: true }])
    expect(rig.statesOf([id])).toEqual(['dead'])
    expect(await rig.execution('redrive', {}).run(going)).toMatchObject({ seen: 1, changed: 1 })
    expect(commandOf(rig.store, id)).toMatchObject({ state: 'dead', generation: 1 })
  })

  it('stops as soon as another execution has taken it over', async () => {
    const rig = new Rig()
    await rig.park(1_200)
    let applied = 0
    const overtaken: Apply = async (page) => {
      applied += 1
      const verdicts = await rig.store.control.redrive(page)
      if (applied === 1) await rig.execution('redrive', {}).run(going)
      return verdicts
    }
    await expect(rig.execution('redrive', {}, { apply: overtaken }).run(going)).rejects.toMatchObject({
      code: 'lease_lost',
    })
    expect(applied).toBe(1)
    expect(await operationCounts(rig.store.shared, OPERATION_ID)).toMatchObject({
      seen: 1_200,
      changed: 1_200,
    })
  })

  it('does nothing more once it is told to stop', async () => {
    const rig = new Rig()
    await rig.park(1_000)
    const stop = new AbortController()
    let applied = 0
    const apply: Apply = async (page) => {
      applied += 1
      stop.abort()
      return rig.store.control.redrive(page)
    }
    await expect(rig.execution('redrive', {}, { apply }).run(stop.signal)).rejects.toThrow()
    expect(applied).toBe(1)
    expect(await rig.execution('redrive', {}).run(going)).toMatchObject({ seen: 1_000, changed: 1_000 })
  })

  it("leaves Spillway's own commands alone, but for callbacks that are named", async () => {
    const rig = new Rig()
    const callbacks = { type: 'spillway.callback', queue: 'spillway.callbacks' }
    const callback = await rig.park(2, DEAD, callbacks)
    const operation = await rig.park(1, DEAD, { type: OPERATION_TYPE, queue: 'spillway.operations' })
    expect(await rig.execution('redrive', {}).run(going)).toMatchObject({ seen: 0 })
    expect(
      await countMatches(rig.store.reader.list, checkedScope('redrive', { type: callbacks.type })),
    ).toEqual({
      ...{ matches: 2, more: false },
    })
    expect(
      await countMatches(rig.store.reader.list, checkedScope('redrive', { queue: callbacks.queue })),
    ).toEqual({
      ...{ matches: 2, more: false },
    })
    expect(
      await countMatches(rig.store.reader.list, checkedScope('redrive', { type: OPERATION_TYPE })),
    ).toEqual({
      ...{ matches: 0, more: false },
    })
    expect(rig.statesOf([...callback, ...operation])).toEqual(['dead'])
  })
})

describe('a count of matches', () => {
  it('follows the filter and touches nothing', async () => {
    const rig = new Rig()
    const ids = await rig.park(7)
    await rig.park(3, { ...DEAD, fingerprint: 'beef' })
    await rig.park(2, { ...DEAD, state: 'failed' })
    const count = (filter: CommandFilter) =>
      countMatches(rig.store.reader.list, checkedScope('redrive', filter)).then(({ matches }) => matches)
    expect(await count({})).toBe(10)
    expect(await count({ fingerprint: 'beef' })).toBe(3)
    expect(await count({ state: 'failed' })).toBe(2)
    expect(await count({ queue: 'elsewhere' })).toBe(0)
    expect(rig.statesOf(ids)).toEqual(['dead'])
  })

  it('ends at its limit and says that there is more', async () => {
    const rig = new Rig()
    for (let chunks = 0; chunks < 11; chunks += 1) await rig.park(1_000)
    expect(await countMatches(rig.store.reader.list, checkedScope('discard', {}))).toEqual({
      ...{ matches: OPERATION_COUNT_MAX, more: true },
    })
  })
})

describe('a scope', () => {
  it('names the states that its action is meant for', () => {
    expect(checkedScope('redrive', {})).toEqual({ action: 'redrive', states: ['dead'] })
    expect(checkedScope('redrive', { state: 'failed', type: 'a' })).toEqual({
      ...{ action: 'redrive', states: ['failed'], type: 'a' },
    })
    expect(checkedScope('cancel', {}).states).toEqual(['scheduled', 'blocked', 'retrying', 'accepted'])
  })

  it.each([
    ['an unknown action', 'destroy', {}],
    ['a state that the action is not for', 'discard', { state: 'succeeded' }],
    ['a state of its own invention', 'cancel', { state: 'asleep' }],
    ['an unknown condition', 'redrive', { tenant: 'a' }],
    ['an empty name', 'redrive', { type: '' }],
    ['a name that is none', 'redrive', { queue: 7 }],
    ['a fingerprint that is none', 'redrive', { fingerprint: 'x'.repeat(17) }],
    ['no filter', 'redrive', null],
  ])('refuses %s', (_, action, filter) => {
    expect(() => checkedScope(action, filter as never)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})
