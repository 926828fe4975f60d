// Real processes on one file: killed at any moment, and several at once.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type SqliteRig, sqliteRig, tempFolder } from '../../../test/support/sqlite-rig.js'

const CHILD = fileURLToPath(new URL('../../../test/support/sqlite-process.ts', import.meta.url))
const JITI = fileURLToPath(import.meta.resolve('jiti/package.json')).replace(
  'package.json',
  'lib/jiti-cli.mjs',
)
const KILLS = 3
const ACKS_BEFORE_KILL = 30
const WRITERS = 3
const WORKERS = 2
const CHUNKS_PER_WRITER = 40
const COMMANDS = WRITERS * CHUNKS_PER_WRITER * 7

describe('a process that is killed', () => {
  it('loses nothing it acknowledged, does nothing twice, and leaves a sound file', {
    timeout: 60_000,
  }, async () => {
    const rig = await rigWithEffects()
    const acked: string[] = []
    for (let kill = 0; kill < KILLS; kill += 1) acked.push(...(await ackedUntilKilled(rig, `run${kill}`)))
    expect(acked.length).toBeGreaterThanOrEqual(KILLS * ACKS_BEFORE_KILL)
    expect(rig.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])

    await rig.store.open()
    const { accepted, ready, running, succeeded } = await rig.store.reader.accounting()
    expect(accepted).toBe(ready + running + succeeded)
    const views = await rig.store.reader.get(acked.map((id) => `${id}-0`))
    expect(views.filter((view) => view === null)).toEqual([])
    expect(await effectsOf(rig)).toBe(succeeded)
    expect(succeeded).toBeGreaterThan(0)
  })
})

describe('several processes on one file', () => {
  it('lose nothing and claim nothing twice', { timeout: 60_000 }, async () => {
    const rig = await rigWithEffects()
    const writers = names('writer', WRITERS).map((name) => start('write', rig.path, name, CHUNKS_PER_WRITER))
    const workers = names('worker', WORKERS).map((name) => start('work', rig.path, name, COMMANDS))
    const exits = await Promise.all([...writers, ...workers].map(exitOf))
    expect(exits).toEqual(exits.map(() => ({ code: 0, errors: '' })))

    await rig.store.open()
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: COMMANDS, succeeded: COMMANDS })
    expect(await effectsOf(rig)).toBe(COMMANDS)
    expect(rig.rows('select distinct token from effects')).toEqual([{ token: 1 }])
    expect(rig.rows('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
  })
})

async function rigWithEffects(): Promise<SqliteRig> {
  const rig = await sqliteRig({ state: 'migrated', path: join(await tempFolder(), 'store.db') })
  const db = rig.connect()
  db.exec('create table effects (command_id text primary key, token integer, worker text)')
  db.close()
  return rig
}

async function effectsOf(rig: SqliteRig): Promise<unknown> {
  return rig.rows('select count(*) as n from effects')[0]?.n
}

function names(role: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${n}${role}`)
}

function start(role: string, path: string, name: string, count = 0): ChildProcess {
  const child = spawn(process.execPath, [JITI, CHILD, role, path, name, String(count)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Ids of the chunks whose append was acknowledged before the process was killed. */
async function ackedUntilKilled(rig: SqliteRig, name: string): Promise<string[]> {
  const child = start('both', rig.path, name)
  const acked: string[] = []
  const exited = exitOf(child)
  if (child.stdout === null) throw new Error('the child has no output')
  for await (const line of createInterface(child.stdout)) {
    const [word, id] = line.split(' ')
    if (word === 'acked' && id !== undefined && id.length === 32) acked.push(id)
    if (acked.length === ACKS_BEFORE_KILL) child.kill('SIGKILL')
  }
  expect(await exited).toEqual({ code: null, errors: '' })
  return acked
}

async function exitOf(child: ChildProcess): Promise<{ code: number | null; errors: string }> {
  let errors = ''
  child.stderr?.on('data', (data) => {
    errors += data
  })
  child.stdout?.resume()
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, errors }
}
