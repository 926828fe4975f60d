import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { keepRefused } from '../../agent/refused-frames.js'
import { defineCommand, type JournalChannelOptions, journal, resolveConfig } from '../../config/index.js'
import { Journal, lockSpool, nodeFiles, nodeProcesses } from '../../journal/index.js'
import type { Finding } from '../../ports/index.js'
import { createChunkIds, systemClock, systemRandom } from '../../runtime/index.js'
import { memory } from '../../stores/memory/index.js'
import { checkJournals } from './check-journals.js'

let spool = ''
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-doctor-'))
  spool = join(folder, 'spool')
})
afterEach(() => rmSync(folder, { recursive: true }))

const MACHINE = { files: nodeFiles, processes: nodeProcesses }

async function check(options: JournalChannelOptions = {}, path = spool): Promise<Record<string, Finding>> {
  const command = (name: string) =>
    defineCommand({ name, queue: name, input: z.unknown(), handle: () => undefined })
  const channel = journal(path, { minFreeBytes: 1, ...options })
  const config = resolveConfig({
    store: memory(),
    commands: [command('clicks'), command('audit')],
    queues: { clicks: { channel }, audit: { channel } },
  })
  const findings = await checkJournals(config.queues.values())
  expect(new Set(findings.map(({ name }) => name)).size).toBe(findings.length)
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]))
}

/** A frame that was written so long ago, and that nobody has shipped. */
async function write(agoMs: number): Promise<void> {
  const clock = { ...systemClock, now: () => systemClock.now() - agoMs }
  const journal = await Journal.open({
    ...{ folder: spool, level: 'synced', maxBytes: 1e9, minFreeBytes: 0, ...MACHINE, clock },
    newWriterId: createChunkIds(systemClock, systemRandom),
    telemetry: { record: () => {} },
  })
  await journal.append([{ count: 1, payload: 'x'.repeat(2_000) }])
  await journal.close()
}

describe('the doctor on journals', () => {
  it('looks at the place of a spool that was never written, and says who would have to ship it', async () => {
    expect(await check()).toMatchObject({
      journal: { level: 'ok', detail: `${spool} is made when it is written first` },
      'journal level': { level: 'ok' },
      'journal disk': { level: expect.stringMatching(/ok|warn/) },
      'journal agent': { level: 'warn', advice: expect.stringContaining('spillway agent') },
    })
  })

  it('sees who ships it, and that nothing waits for long', async () => {
    await write(0)
    const verdict = await lockSpool({ ...MACHINE, clock: systemClock, spool })
    expect(await check()).toMatchObject({
      'journal agent': { level: 'ok', detail: `process ${process.pid} ships ${spool}` },
      'journal backlog': {
        level: 'ok',
        detail: expect.stringMatching(/kB wait to be shipped, the oldest for \d+ s$/),
      },
      'journal aside': { level: 'ok' },
    })
    if (verdict.status === 'locked') await verdict.lock.release()
  })

  it('warns of what has waited for long, and of what nobody took', async () => {
    await write(3_600_000)
    const note = { reason: 'no', writer: 'w', commands: 1, writtenAt: 0, refusedAt: 0 }
    await keepRefused(nodeFiles, spool, Buffer.from('?'), note)
    expect(await check()).toMatchObject({
      'journal agent': { level: 'warn' },
      'journal backlog': {
        ...{ level: 'warn', detail: expect.stringMatching(/the oldest for 36\d\d s$/) },
        advice: expect.stringContaining('journal inspect'),
      },
      'journal aside': { level: 'warn', detail: expect.stringContaining('1 frames that nobody took') },
    })
  })

  it('warns of a level that a power cut gets through, and fails without room', async () => {
    const found = await check({ level: 'written', minFreeBytes: '1000000gb' })
    expect(found['journal level']).toMatchObject({ level: 'warn' })
    expect(found['journal disk']).toMatchObject({
      level: 'fail',
      advice: expect.stringContaining('Make room'),
    })
  })

  it('fails where the folder is none', async () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(await check({}, file)).toMatchObject({ journal: { level: 'fail' } })
    expect(await check({}, join(file, 'spool'))).toMatchObject({ journal: { level: 'fail' } })
  })

  it('has nothing to say where there is no journal', async () => {
    expect(await checkJournals(resolveConfig({ store: memory(), commands: [] }).queues.values())).toEqual([])
  })
})
