// Journals for tests of the command line: a project whose queues have one, and somebody who writes to it.

import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { Journal, nodeFiles, nodeProcesses } from '../../src/journal/index.js'
import { createChunkIds, systemClock, systemRandom } from '../../src/runtime/index.js'
import { Program } from '../cli/program.js'
import { newProject, type Project } from '../cli/project.js'
import { envelopeOf, type FrameOptions } from './model-tail.js'

export interface JournalProject extends Project {
  readonly spool: string
}

/** `channels`: the configuration's, as text. */
export function newJournalProject(channels = "main: { channel: journal('./spool') }"): JournalProject {
  const project = newProject({ 'spillway.config.mjs': configOf(channels) })
  onTestFinished(() => project.remove())
  return { ...project, spool: join(project.folder, 'spool') }
}

export async function openJournal(spool: string): Promise<Journal> {
  const journal = await Journal.open({
    ...{ folder: spool, level: 'synced', maxBytes: 1e9, minFreeBytes: 0, segmentBytes: 64 * 1024 },
    ...{ files: nodeFiles, processes: nodeProcesses, clock: systemClock },
    newWriterId: createChunkIds(systemClock, systemRandom),
    telemetry: { record: () => {} },
  })
  onTestFinished(() => journal.close())
  return journal
}

/** Chunks of the numbers, of `size` commands each. */
export async function write(
  journal: Journal,
  numbers: readonly number[],
  options: FrameOptions = {},
): Promise<void> {
  const { size = 1 } = options
  await journal.append(numbers.map((n) => ({ count: size, payload: envelopeOf(n, options) })))
}

export function spillway(project: Project, ...args: readonly string[]): Program {
  const program = new Program(args, { cwd: project.folder })
  onTestFinished(async () => {
    program.process.kill('SIGKILL')
    await program.ended
  })
  return program
}

export const until = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(check, { timeout: 60_000, interval: 20 })

export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

function configOf(channels: string): string {
  return `
import { defineCommand, defineConfig, into, journal } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { z } from 'zod'

const click = defineCommand({
  name: 'click.record',
  queue: 'main',
  input: z.object({ n: z.number(), index: z.number() }),
  settlement: 'transaction',
  handleBatch(clicks, { tx }) {
    const insert = tx.prepare('insert into clicks (n, place) values (?, ?)')
    for (const { n, index } of clicks) insert.run(n, index)
  },
})
export default defineConfig({
  store: sqlite('./letters.db'),
  commands: [click],
  queues: { ${channels} },
})
`
}
