// Real journals in a folder of their own, shipped by a real agent on the machine's clock.

import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ModelDestination } from '../../test/agent/model-destination.js'
import { chunkIdOf, envelopeOf } from '../../test/agent/model-tail.js'
import { Journal, nodeFiles, nodeProcesses, watchFolder } from '../journal/index.js'
import type { Clock, Telemetry, TelemetryEvent } from '../ports/index.js'
import { createChunkIds, systemClock, systemRandom } from '../runtime/index.js'
import { Agent, type AgentOptions } from './agent.js'
import { type Destination, SHIPPED } from './destination.js'
import { DISCOVER_MS } from './limits.js'
import { listRefused, readRefused } from './refused-frames.js'

/** Nothing here takes so long, however busy the machine is. */
const PATIENCE_MS = 20_000

function newSpool(): string {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-agent-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'spool')
}

function openJournal(spool: string): Promise<Journal> {
  return Journal.open({
    ...{ folder: spool, level: 'written', maxBytes: 1e9, minFreeBytes: 0, segmentBytes: 4_096 },
    ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock },
    newWriterId: createChunkIds(systemClock, systemRandom),
    telemetry: { record: () => {} },
  })
}

async function write(journal: Journal, ...numbers: readonly number[]): Promise<void> {
  await journal.append(numbers.map((n) => ({ count: 1, payload: envelopeOf(n) })))
}

function newAgent(spool: string, destination: Destination, options: Partial<AgentOptions> = {}): Agent {
  const agent = new Agent({
    spools: [{ folder: spool, route: () => destination }],
    ...{ files: nodeFiles, processes: nodeProcesses, watch: watchFolder, clock: systemClock },
    ...{ random: systemRandom, telemetry: { record: () => {} }, drainMs: PATIENCE_MS },
    ...options,
  })
  onTestFinished(() => agent.stop())
  return agent
}

/** The machine's clock, whose timers run sooner: nobody wants to wait for heartbeats. */
const HASTY: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms / 50, signal),
  schedule: (ms, run) => systemClock.schedule(ms / 50, run),
}

function recordTo(events: TelemetryEvent[]): Telemetry {
  return { record: (event) => void events.push(event) }
}

/** A destination that remembers what arrived, in order. */
function taking(): ModelDestination {
  const destination = new ModelDestination({ batchFramesMax: 64 })
  destination.answerWith = () => SHIPPED
  return destination
}
const until = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(check, { timeout: PATIENCE_MS, interval: 10 })
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

describe('an agent', () => {
  it('ships what writers wrote before and while it runs, each in its order, and removes what they left', async () => {
    const spool = newSpool()
    const journals = await Promise.all([openJournal(spool), openJournal(spool)])
    for (const [which, journal] of journals.entries())
      await write(journal, ...range(which * 100, which * 100 + 50))
    const destination = taking()
    const agent = newAgent(spool, destination)
    await agent.start({ wait: false })
    for (const [which, journal] of journals.entries())
      await write(journal, ...range(which * 100 + 50, which * 100 + 100))
    const late = await openJournal(spool)
    await write(late, ...range(200, 210))
    await until(() => expect(destination.shipped.flat()).toHaveLength(210))
    for (const [from, to] of [
      [0, 100],
      [100, 200],
      [200, 210],
    ] as const) {
      const ids = range(from, to).map(chunkIdOf)
      expect(destination.shipped.flat().filter((id) => ids.includes(id))).toEqual(ids)
    }
    for (const journal of [...journals, late]) await journal.close()
    await until(() => expect(readdirSync(spool).filter((name) => /[0-9a-f]{32}/.test(name))).toEqual([]))
  })

  it('goes on exactly where the one before it stopped', async () => {
    const spool = newSpool()
    const journal = await openJournal(spool)
    await write(journal, ...range(0, 20))
    const first = taking()
    const before = newAgent(spool, first)
    await before.start({ wait: false })
    await until(() => expect(first.shipped.flat()).toHaveLength(20))
    await before.stop()
    await write(journal, ...range(20, 30))
    const second = taking()
    await newAgent(spool, second).start({ wait: false })
    await until(() => expect(second.shipped.flat()).toEqual(range(20, 30).map(chunkIdOf)))
    await journal.close()
  })

  it('has the spool for itself; another one says who has it, or waits until it is free', async () => {
    const spool = newSpool()
    const journal = await openJournal(spool)
    const first = newAgent(spool, taking())
    await first.start({ wait: false })
    await expect(newAgent(spool, taking()).start({ wait: false })).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringContaining(String(process.pid)),
    })
    const destination = taking()
    const second = newAgent(spool, destination)
    await second.start({ wait: true })
    expect(second.spools).toMatchObject([{ isHeld: false }])
    await first.stop()
    await write(journal, 1)
    await until(() => expect(destination.shipped.flat()).toEqual([chunkIdOf(1)]))
    await journal.close()
  })

  it('stops when its spool was taken over, and goes on when it has it again', async () => {
    const spool = newSpool()
    const journal = await openJournal(spool)
    const destination = taking()
    const events: TelemetryEvent[] = []
    const agent = newAgent(spool, destination, { telemetry: recordTo(events), clock: HASTY })
    await agent.start({ wait: false })
    await write(journal, 0)
    await until(() => expect(destination.shipped.flat()).toEqual([chunkIdOf(0)]))
    // What it finds when another agent took the lock of a process that was silent for too long.
    const [lock = ''] = readdirSync(spool).filter((name) => name.endsWith('.lock'))
    const others = join(spool, lock.replace(/\d{8}/, '00000042'))
    renameSync(join(spool, lock), others)
    await until(() => expect(agent.spools).toMatchObject([{ isHeld: false, writers: 0 }]))
    expect(events).toContainEqual(expect.objectContaining({ event: 'fault', where: 'agent: spool' }))
    await write(journal, 1)
    const measured = events.length
    await until(() => expect(events.length).toBeGreaterThan(measured + 2))
    expect(destination.shipped.flat()).toEqual([chunkIdOf(0)])
    rmSync(others)
    await until(() => expect(destination.shipped.flat()).toContain(chunkIdOf(1)))
    await journal.close()
  })

  it('stops without waiting for a timer while it looks for writers', async () => {
    const spool = newSpool()
    const looks: (() => void)[] = []
    // As in a process that nothing keeps alive any more: such timers never run.
    const clock: Clock = {
      ...systemClock,
      schedule(ms, run) {
        if (ms === DISCOVER_MS) looks.push(run)
        return () => {}
      },
    }
    let lookBegins = (): void => {}
    let held: Promise<void> | null = null
    const list = async (folder: string): Promise<readonly string[]> => {
      if (held !== null) lookBegins()
      await held
      return nodeFiles.list(folder)
    }
    const agent = newAgent(spool, taking(), { clock, watch: () => () => {}, files: { ...nodeFiles, list } })
    await agent.start({ wait: false })
    await until(() => expect(looks).toHaveLength(1))
    const looking = new Promise<void>((resolve) => {
      lookBegins = resolve
    })
    let release = (): void => {}
    held = new Promise((resolve) => {
      release = resolve
    })
    looks[0]?.()
    await looking
    const stopped = agent.stop()
    release()
    await stopped
    expect(readdirSync(spool)).toEqual([])
  })

  it('keeps what nobody takes in the spool, with the reason, and says so', async () => {
    const spool = newSpool()
    const journal = await openJournal(spool)
    await journal.append([{ count: 3, payload: 'garbage' }])
    await write(journal, 1, 2)
    const destination = taking()
    destination.answerWith = ({ address }) =>
      address.id === chunkIdOf(1) ? { status: 'refused', reason: 'too large' } : SHIPPED
    const events: TelemetryEvent[] = []
    const agent = newAgent(spool, destination, { telemetry: recordTo(events) })
    await agent.start({ wait: false })
    await until(() =>
      expect(agent.spools).toMatchObject([{ refusedFrames: 2, backlogBytes: 0, oldestAgeMs: 0 }]),
    )
    const refused = [...(await listRefused(nodeFiles, spool))].sort((a, b) => a.bytes - b.bytes)
    expect(refused).toMatchObject([
      { reason: expect.stringContaining('three lines'), commands: 3, bytes: 7 },
      { reason: 'too large', commands: 1 },
    ])
    const file = await readRefused(nodeFiles, refused[1]?.path ?? '')
    expect(Buffer.from(await file.payload())).toEqual(envelopeOf(1))
    const said = events.flatMap((event) => (event.event === 'agent.refused' ? [event.path] : []))
    expect(said.sort()).toEqual(refused.map(({ path }) => path).sort())
    await journal.close()
  })

  it('measures what waits', async () => {
    const spool = newSpool()
    const journal = await openJournal(spool)
    await write(journal, 1)
    const destination = new ModelDestination()
    const agent = newAgent(spool, destination)
    await agent.start({ wait: false })
    await until(() => expect(agent.spools).toMatchObject([{ isHeld: true, writers: 1 }]))
    expect(agent.spools[0]?.backlogBytes).toBeGreaterThan(envelopeOf(1).byteLength)
    await until(() => expect(agent.spools[0]?.oldestAgeMs).toBeGreaterThan(1_000))
    await until(() => expect(destination.calls).toHaveLength(1))
    destination.calls[0]?.answer()
    await until(() => expect(agent.spools).toMatchObject([{ backlogBytes: 0, oldestAgeMs: 0 }]))
    await journal.close()
  })
})
