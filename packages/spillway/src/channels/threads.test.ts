import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BroadcastChannel } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { command, QUEUE } from '../../test/support/channel-rig.js'
import { type HandlerContext, pool, resolveConfig } from '../config/index.js'
import type { TelemetryEvent } from '../ports/index.js'
import { memory } from '../stores/memory/index.js'
import { type AttachedThreads, attachThreads } from './threads.js'

const MODULE = `
import { BroadcastChannel, threadId } from 'node:worker_threads'
export { square as 'math.square' }
function square({ n }, context) { return { square: n * n, context, threadId } }
export const spin = () => { new BroadcastChannel('spin').postMessage(threadId); for (;;); }
export const crash = () => process.exit(3)
export const nothing = () => undefined
export const refuse = () => ({ outcome: 'failed', reason: 'no' })
export const huge = () => 10n
export const broken = () => { throw Object.assign(new TypeError('boom'), { code: 'E_BOOM', fault: 'transient', payload: {} }) }
export const text = () => { throw 'a text' }
export default (payload, { type }) => 'default for ' + type
`

let folder = ''
let threads: AttachedThreads | null = null
const faults: TelemetryEvent[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-threads-'))
  await writeFile(join(folder, 'jobs.mjs'), MODULE)
  await writeFile(
    join(folder, 'typed.mts'),
    `const twice: (n: number) => number = (n) => n * 2\nexport default twice\n`,
  )
  await writeFile(join(folder, 'no-default.mjs'), 'export const other = 1\n')
  await writeFile(join(folder, 'syntax.mjs'), 'export default (\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(async () => {
  await threads?.close()
  threads = null
})

/** Calls the handler that a command got for its module, as the executor would. */
function caller(module: string | URL, sizes = { coreSize: 1, maxSize: 2 }) {
  const names = ['math.square', 'spin', 'crash', 'nothing', 'refuse', 'huge', 'broken', 'text', 'unnamed']
  const config = resolveConfig({
    store: memory(),
    commands: [
      ...names.map((name) => command(name, {})),
      command('elsewhere', { queue: 'other', handle: () => 'here' }),
    ],
    queues: { [QUEUE]: { channel: pool({ ...sizes, threads: module }) }, other: { channel: pool() } },
  })
  threads = attachThreads(config.commands, config.queues, { record: (event) => void faults.push(event) })
  const { definitions } = threads
  return (type: string, payload: unknown = null, signal = new AbortController().signal): Promise<unknown> => {
    const handler = definitions.get(type)?.handler
    if (handler?.kind !== 'one') throw new Error(`${type} has no handler`)
    const context = { id: 'id-0', type, queue: QUEUE, attempt: 2, signal, tx: undefined } as HandlerContext
    return Promise.resolve(handler.run(payload, context))
  }
}

/** Resolves once a thread computes and will not stop. */
async function spins(): Promise<void> {
  const channel = new BroadcastChannel('spin')
  await new Promise((resolve) => {
    channel.onmessage = resolve
  })
  channel.close()
}

/** Threads compile what they load before they begin, and a loaded machine needs its time for that. */
const TIMEOUT_MS = 120_000

describe('worker threads', { timeout: TIMEOUT_MS }, () => {
  it('run the export named like the command on another thread, with what it needs to know', async () => {
    const call = caller(pathToFileURL(join(folder, 'jobs.mjs')))
    expect(await call('math.square', { n: 7 })).toEqual({
      square: 49,
      context: { id: 'id-0', attempt: 2, type: 'math.square' },
      threadId: expect.any(Number),
    })
    expect(await call('math.square', { n: 7 })).not.toMatchObject({ threadId: 0 })
  })

  it('run the default export for a command without one of its own, from a path as well', async () => {
    expect(await caller(join(folder, 'jobs.mjs'))('unnamed')).toBe('default for unnamed')
  })

  it('load a module in TypeScript', async () => {
    expect(await caller(join(folder, 'typed.mts'))('unnamed', 21)).toBe(42)
  })

  it('leave commands of other queues as they are', async () => {
    const call = caller(join(folder, 'jobs.mjs'))
    expect(await call('elsewhere')).toBe('here')
  })

  it('hand back nothing, and outcomes, as they were returned', async () => {
    const call = caller(join(folder, 'jobs.mjs'))
    expect(await call('nothing')).toBeUndefined()
    expect(await call('refuse')).toEqual({ outcome: 'failed', reason: 'no' })
  })

  it('hand back what was thrown with its name, code and fault, and nothing else', async () => {
    const call = caller(join(folder, 'jobs.mjs'))
    const error = await call('broken').catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'TypeError',
      message: 'boom',
      code: 'E_BOOM',
      fault: 'transient',
      stack: expect.stringContaining('jobs.mjs'),
    })
    expect(error).not.toHaveProperty('payload')
    expect(await call('text').catch((cause: unknown) => cause)).toMatchObject({ message: 'a text' })
    expect(await call('huge').catch((cause: unknown) => cause)).toMatchObject({
      message: expect.stringContaining('BigInt'),
    })
  })

  it('fail for good, saying what to do, when the module or its function is missing', async () => {
    for (const [file, message] of [
      ['missing.mjs', 'cannot be loaded'],
      ['syntax.mjs', 'cannot be loaded'],
      ['no-default.mjs', "named 'unnamed' or as default"],
    ] as const) {
      const error = await caller(join(folder, file))('unnamed').catch((cause: unknown) => cause)
      expect(error).toMatchObject({ fault: 'permanent', message: expect.stringContaining(message) })
      await threads?.close()
    }
  })

  it('are ended by an aborted signal, whatever they compute, and replaced', async () => {
    const call = caller(join(folder, 'jobs.mjs'), { coreSize: 1, maxSize: 1 })
    const stop = new AbortController()
    const begun = spins()
    const spinning = call('spin', null, stop.signal).catch((cause: Error) => cause.name)
    await begun
    stop.abort()
    expect(await spinning).toBe('AbortError')
    expect(await call('math.square', { n: 3 })).toMatchObject({ square: 9 })
  })

  it('survive a function that ends its thread', async () => {
    const call = caller(join(folder, 'jobs.mjs'), { coreSize: 1, maxSize: 1 })
    await expect(call('crash')).rejects.toThrow()
    expect(await call('math.square', { n: 3 })).toMatchObject({ square: 9 })
  })

  it('run as many commands at once as the pool may', async () => {
    const call = caller(join(folder, 'jobs.mjs'), { coreSize: 2, maxSize: 2 })
    const results = (await Promise.all(Array.from({ length: 20 }, () => call('math.square', { n: 2 })))) as {
      threadId: number
    }[]
    expect(new Set(results.map(({ threadId }) => threadId)).size).toBe(2)
  })

  it('are gone after close, also when none was ever started', async () => {
    const idle = caller(join(folder, 'jobs.mjs'))
    expect(idle).toBeTypeOf('function')
    await threads?.close()
    const call = caller(join(folder, 'jobs.mjs'))
    const begun = spins()
    const spinning = call('spin').catch(() => 'ended')
    await begun
    await threads?.close()
    expect(await spinning).toBe('ended')
  })
})
