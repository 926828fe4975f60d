// The commands that look into a spool: beside writers and agents, or at a folder that was saved from somewhere.

import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keepRefused } from '../../src/agent/refused-frames.js'
import { nodeFiles } from '../../src/journal/index.js'
import { PROCESSES_MS_MAX } from '../cli/program.js'
import { newJournalProject, openJournal, range, spillway, write } from './journal-kit.js'
import { chunkIdOf, envelopeOf } from './model-tail.js'

async function writtenProject() {
  const project = newJournalProject()
  const journal = await openJournal(project.spool)
  await write(journal, range(0, 10), { size: 2 })
  const run = (...args: readonly string[]) => spillway(project, 'journal', ...args).ended
  return { project, journal, run }
}

/** Turns over one bit in the middle of the first segment of a writer that the agent has taken for dead. */
function damage(spool: string): void {
  const writer = readdirSync(spool).find((name) => /^[0-9a-f]{32}/.test(name)) as string
  const retired = `${writer}.retired`
  renameSync(join(spool, writer), join(spool, retired))
  const segment = readdirSync(join(spool, retired)).find((name) => name.endsWith('.seg')) as string
  const path = join(spool, retired, segment)
  const bytes = readFileSync(path)
  const at = bytes.indexOf(chunkIdOf(4))
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(path, bytes)
}

describe('spillway journal inspect', { timeout: PROCESSES_MS_MAX }, () => {
  it('shows who writes, what waits, and what was put aside', async () => {
    const { project, run } = await writtenProject()
    const note = { reason: 'too large', writer: 'w', commands: 3, writtenAt: 1, refusedAt: 2 }
    await keepRefused(nodeFiles, project.spool, envelopeOf(99), note)
    const { code, stdout, stderr } = await run('inspect')
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`${process.pid} +alive +1 +`))
    expect(stdout).toContain('too large')
    expect(stderr).toContain('No agent ships this spool.')
    expect(stderr).toContain('next: spillway journal salvage')
    expect((await run('inspect', './spool', '--json')).json).toMatchObject({
      spool: project.spool,
      agent: null,
      writers: [{ state: 'alive', process: { pid: process.pid }, segments: [{ segment: 1 }] }],
      quarantined: [],
      refused: [{ reason: 'too large', commands: 3 }],
    })
  })

  it('says so when there is no spool', async () => {
    const { run } = await writtenProject()
    const { code, stderr } = await run('inspect', './nowhere')
    expect([code, stderr]).toEqual([5, expect.stringContaining('There is no spool')])
  })

  it('suggests what may have been meant', async () => {
    const { run } = await writtenProject()
    const { code, stderr } = await run('inspekt')
    expect([code, stderr]).toEqual([2, expect.stringContaining('inspect')])
  })
})

describe('spillway journal verify', { timeout: PROCESSES_MS_MAX }, () => {
  it('finds everything readable while a writer writes', async () => {
    const { run } = await writtenProject()
    const { code, stdout, stderr } = await run('verify')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/ 10 +20$/m)])
    expect(stderr).toContain('Everything can be read.')
  })

  it('exits with 1 and says what is lost when something cannot be read', async () => {
    const { project, journal, run } = await writtenProject()
    await journal.close()
    damage(project.spool)
    const { code, stdout } = await run('verify')
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^corrupt .* 2$/m)])
    const { json } = await run('verify', '--json')
    expect(json).toMatchObject({
      sound: false,
      writers: [{ frames: 9, commands: 18, damages: [{ kind: 'corrupt', commands: 2 }] }],
    })
  })
})

describe('spillway journal salvage', { timeout: PROCESSES_MS_MAX }, () => {
  it('writes out every chunk that can be read, and what was put aside', async () => {
    const { project, journal, run } = await writtenProject()
    await journal.close()
    damage(project.spool)
    const note = { reason: 'no envelope', writer: 'w', commands: 1, writtenAt: 1, refusedAt: 2 }
    await keepRefused(nodeFiles, project.spool, Buffer.from('garbage'), note)
    const { code, rows, stderr } = await run('salvage', project.spool)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^9 frames with 18 commands from 1 segments, 1 that were put aside, \d+ bytes unreadable\.$/m,
    )
    expect(rows.slice(0, 9).map(({ id }) => id)).toEqual(
      range(0, 10)
        .filter((n) => n !== 4)
        .map(chunkIdOf),
    )
    expect(rows[1]).toMatchObject({
      ...{ queue: 'main', type: 'click.record', size: 2 },
      payloads: [
        { n: 1, index: 0 },
        { n: 1, index: 1 },
      ],
    })
    expect(rows[9]).toEqual({
      unreadable: expect.stringContaining('three lines'),
      base64: Buffer.from('garbage').toString('base64'),
    })
  })

  it('finds nothing in an empty spool', async () => {
    const { project, run } = await writtenProject()
    mkdirSync(join(project.folder, 'empty'))
    const { code, stdout, stderr } = await run('salvage', './empty')
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toContain('0 frames')
  })
})

describe('spillway status', { timeout: PROCESSES_MS_MAX }, () => {
  it('shows what waits in the spool, which no queue counts yet, and that nobody ships it', async () => {
    const { project } = await writtenProject()
    expect((await spillway(project, 'migrate').ended).code).toBe(0)
    const [text, json] = await Promise.all([
      spillway(project, 'status').ended,
      spillway(project, 'status', '--json').ended,
    ])
    expect(text.stdout).toMatch(/SPOOL +WAITING +OLDEST +AGENT +PUT ASIDE\n.*spool +\d.* k?B +\d+s +none +0/)
    expect(text.stderr).toContain('next: spillway agent')
    expect(json.json).toMatchObject({
      ready: true,
      spools: [{ spool: project.spool, waitingBytes: expect.any(Number), writers: 1, agentPid: null }],
    })
    const [{ waitingBytes, oldestAt }] = (
      json.json as { spools: [{ waitingBytes: number; oldestAt: string }] }
    ).spools
    expect(waitingBytes).toBeGreaterThan(0)
    expect(Date.parse(oldestAt)).toBeLessThanOrEqual(Date.now())
  })

  it('knows of no spool before its journal was written', async () => {
    const project = newJournalProject()
    await spillway(project, 'migrate').ended
    expect((await spillway(project, 'status', '--json').ended).json).toMatchObject({ spools: [] })
  })
})
