// A long backlog: the agent begins at once, whatever there is, and needs no more memory for it, whether its destination takes everything or
// nothing. `npm run backlog -- --gigabytes N` makes it longer.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodeEnvelope } from '../../src/domain/index.js'
import { Journal, nodeFiles, nodeProcesses } from '../../src/journal/index.js'
import { createChunkIds, systemClock, systemRandom } from '../../src/runtime/index.js'
import { Victim } from './processes/victim.js'

const GIGABYTES = Number(process.env.SPILLWAY_BACKLOG_GIGABYTES ?? 0.2)
const COMMANDS = 500
const COMMAND_BYTES = 200
const APPENDED_TOGETHER = 20
/** Of the processor: how long that takes is up to whoever else is on the machine. */
const START_CPU_MS_MAX = 100
const START_MS_MAX = 20_000
const MEMORY_BYTES_MAX = 150 * 1024 * 1024
const TIMEOUT_MS = 60_000 + GIGABYTES * 60_000

interface Report {
  readonly commands: number
  readonly firstAfterMs: number | null
  readonly firstAfterCpuMs: number | null
  readonly peakBytes: number
  readonly cpuMs: number
}

// Memory is read from /proc, which only Linux has.
describe.skipIf(process.platform !== 'linux')(`a backlog of ${GIGABYTES} GB`, () => {
  it('is begun at once and shipped in little memory', { timeout: TIMEOUT_MS }, async ({ annotate }) => {
    const folder = mkdtempSync(join(tmpdir(), 'spillway-backlog-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const spool = join(folder, 'spool')
    const commands = await fill(spool)
    const idle = await runAgent(
      spool,
      'refuses',
      ({ firstAfterMs }, reports) => firstAfterMs !== null && reports > 20,
    )
    const busy = await runAgent(spool, 'takes', (report) => report.commands >= commands)
    for (const { firstAfterMs, firstAfterCpuMs, peakBytes } of [idle, busy]) {
      expect(firstAfterCpuMs).toBeLessThan(START_CPU_MS_MAX)
      expect(firstAfterMs).toBeLessThan(START_MS_MAX)
      expect(peakBytes).toBeLessThan(MEMORY_BYTES_MAX)
    }
    expect(busy.commands).toBe(commands)
    await annotate(JSON.stringify({ commands, idle, busy, cpuUsPerCommand: (busy.cpuMs * 1_000) / commands }))
  })
})

/** Returns how many commands that were. */
async function fill(spool: string): Promise<number> {
  const newChunkId = createChunkIds(systemClock, systemRandom)
  const journal = await Journal.open({
    ...{ folder: spool, level: 'written', maxBytes: 1e12, minFreeBytes: 0, newWriterId: newChunkId },
    ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock, telemetry: { record: () => {} } },
  })
  const body = `[${Array(COMMANDS)
    .fill(JSON.stringify('x'.repeat(COMMAND_BYTES)))
    .join(',')}]`
  const draft = { queue: 'main', type: 'click.record', priority: 0, partition: null, codec: 'json' } as const
  const frame = () => ({
    count: COMMANDS,
    payload: encodeEnvelope({ ...draft, id: newChunkId(), body, size: COMMANDS, keys: null, parked: null }),
  })
  const frames = Math.ceil((GIGABYTES * 1e9) / body.length / APPENDED_TOGETHER) * APPENDED_TOGETHER
  for (let n = 0; n < frames; n += APPENDED_TOGETHER)
    await journal.append(Array.from({ length: APPENDED_TOGETHER }, frame))
  await journal.close()
  return frames * COMMANDS
}

async function runAgent(
  spool: string,
  mood: 'takes' | 'refuses',
  isEnough: (report: Report, reports: number) => boolean,
): Promise<Report> {
  const reports: Report[] = []
  const agent = new Victim('draining-agent', [spool, mood], (line) => reports.push(JSON.parse(line)))
  onTestFinished(async () => {
    await agent.kill()
  })
  for (let lines = 1; ; lines += 1) {
    await agent.says(lines)
    const last = reports.at(-1) as Report
    if (isEnough(last, reports.length)) {
      await agent.kill()
      return last
    }
  }
}
