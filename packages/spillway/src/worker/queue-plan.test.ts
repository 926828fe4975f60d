import { describe, expect, it } from 'vitest'
import { Bench, command, range, type TestCommand } from '../../test/worker/worker-kit.js'
import { pool, type ResolvedQueue, resolveConfig } from '../config/index.js'
import type { ClaimRequest } from '../ports/index.js'
import { into } from '../sinks/index.js'
import { commandsToClaim, type LanePlan, planOf, TRANSACTION_COMMANDS_MAX } from './queue-plan.js'

const queueOf = (...commands: TestCommand[]): ResolvedQueue =>
  new Bench(commands.map(command)).queues.get('default') as ResolvedQueue

const one: TestCommand = { name: 'one', handle: () => undefined }
const batch: TestCommand = {
  name: 'batch',
  batch: { maxSize: 300, maxWait: 20 },
  handleBatch: () => undefined,
}
const sink: TestCommand = {
  name: 'sink',
  batch: { maxSize: 200, maxWait: 7 },
  handleBatch: into('t', { key: ['id'] }),
}
const shared: TestCommand = { name: 'shared', settlement: 'transaction', handle: () => undefined }

describe('planOf', () => {
  it('claims batches and single commands of one queue apart', () => {
    expect(planOf(queueOf(one, batch, sink, shared))?.lanes).toEqual([
      { kind: 'single', types: ['one'], callSize: 1, lingerMs: 0, lingerCommands: 1 },
      { kind: 'batch', types: ['batch', 'sink'], callSize: 300, lingerMs: 7, lingerCommands: 200 },
      {
        ...{ kind: 'shared', types: ['shared'], lingerMs: 0 },
        ...{ callSize: TRANSACTION_COMMANDS_MAX, lingerCommands: TRANSACTION_COMMANDS_MAX },
      },
    ])
  })

  it('leaves out what has no handler in this process', () => {
    expect(planOf(queueOf(one, { name: 'elsewhere' }))?.lanes.flatMap(({ types }) => types)).toEqual(['one'])
    expect(planOf(queueOf({ name: 'elsewhere' }))).toBeNull()
  })

  it('counts what worker threads handle', () => {
    const { queues } = resolveConfig({
      ...{ store: new Bench([]).real, commands: [command({ name: 'thumb' })] },
      queues: { default: { channel: pool({ threads: './thumbs.js' }) } },
    })
    const plan = planOf(queues.get('default') as ResolvedQueue)
    expect(plan?.lanes).toMatchObject([{ kind: 'single', types: ['thumb'] }])
  })
})

describe('commandsToClaim', () => {
  const lane = (kind: LanePlan['kind'], callSize: number): LanePlan => ({
    ...{ kind, callSize, types: [], lingerMs: 0, lingerCommands: 1 },
  })

  it('asks for single commands only as many as there are slots', () => {
    expect(commandsToClaim(lane('single', 1), 3, 0)).toBe(3)
  })

  it('asks for several batches at once, within the limit', () => {
    expect(commandsToClaim(lane('batch', 100), 1, 0)).toBe(400)
    expect(commandsToClaim(lane('batch', 100), 8, 50)).toBe(750)
    expect(commandsToClaim(lane('batch', 1_000), 8, 0)).toBe(4_000)
  })
})

describe('a queue with both kinds', () => {
  it('runs single commands at once while batches gather, within one concurrency', async () => {
    const seen: unknown[] = []
    const bench = new Bench([
      command({ ...one, handle: (at) => void seen.push(at) }),
      command({ ...batch, handleBatch: (payloads) => void seen.push(payloads) }),
    ])
    const process = bench.start()
    await bench.clock.advance(10)
    await bench.append('batch', ['first'])
    await bench.clock.advance(0)
    expect(seen.splice(0)).toEqual([['first']])
    for (const at of range(3)) {
      await bench.append('batch', [at])
      await bench.append('one', [`one ${at}`])
    }
    await bench.clock.advance(1)
    expect(seen).toEqual(['one 0', 'one 1', 'one 2'])
    await bench.clock.advance(19)
    expect(seen.slice(3)).toEqual([[0, 1, 2]])
    const asked = new Set(process.calls.claim.map(([request]) => (request as ClaimRequest).types.join()))
    expect(asked).toEqual(new Set(['one', 'batch']))
  })
})
