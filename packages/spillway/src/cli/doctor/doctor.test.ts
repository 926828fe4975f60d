import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway } from '../../app/create-spillway.js'
import { defineCommand, pool, resolveConfig } from '../../config/index.js'
import type { Finding } from '../../ports/index.js'
import { memory } from '../../stores/memory/index.js'
import { sqlite } from '../../stores/sqlite/index.js'
import { checkCommands } from './check-commands.js'
import { checkFile, isSqlite } from './check-file.js'
import { checkNode } from './check-installation.js'
import { checkContents, checkSchema } from './check-store.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-doctor-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const byName = (findings: readonly Finding[]) =>
  Object.fromEntries(findings.map((finding) => [finding.name, finding]))
const dying = defineCommand({
  name: 'dying',
  input: z.unknown(),
  retry: { attempts: 1 },
  handle() {
    throw new Error('no')
  },
})

describe('the doctor', () => {
  it('knows which Node is too old', () => {
    expect(['20.19.0', '22.1.0', '24.0.0'].map((version) => checkNode(version).level)).toEqual([
      'ok',
      'ok',
      'ok',
    ])
    expect(['18.20.0', '20.18.3'].map((version) => checkNode(version).level)).toEqual(['fail', 'fail'])
  })

  it('sees whether the schema is there', async () => {
    const store = sqlite(join(folder, 'a.db'))
    expect(await checkSchema(store)).toMatchObject({
      level: 'fail',
      advice: expect.stringContaining('spillway migrate'),
    })
    await store.schema.migrate()
    expect(await checkSchema(store)).toMatchObject({ level: 'ok' })
  })

  it('looks at the database file', async () => {
    const path = join(folder, 'a.db')
    const store = sqlite(path, { synchronous: 'normal' })
    expect(byName(await checkFile(store))).toMatchObject({
      sqlite: { level: 'ok' },
      file: { level: 'warn', detail: expect.stringContaining('does not exist') },
      synchronous: { level: 'warn' },
      disk: { level: expect.stringMatching(/ok|warn/) },
    })
    await store.schema.migrate()
    expect(byName(await checkFile(sqlite(path)))).toMatchObject({
      file: { level: 'ok' },
      synchronous: { level: 'ok' },
    })
    chmodSync(path, 0o666)
    expect(byName(await checkFile(store))).toMatchObject({
      file: { level: 'warn', advice: expect.stringContaining('chmod') },
    })
    expect(isSqlite(memory())).toBe(false)
  })

  it('finds paused queues, dead commands and books that balance', async () => {
    const store = memory()
    await using spillway = await createSpillway({ store, commands: [dying] }, { logs: 'silent' })
    const all = byName(await checkContents(store))
    expect(Object.values(all).map(({ level }) => level)).not.toContain('fail')
    expect(all).toMatchObject({
      queues: { level: 'ok' },
      'dead letters': { level: 'ok' },
      clock: { level: 'ok' },
    })
    const { id } = await spillway.submit(dying, {})
    await spillway.outcome(id, { wait: '10s' })
    await spillway.pause('default')
    expect(byName(await checkContents(store))).toMatchObject({
      queues: { level: 'warn', detail: 'paused: default' },
      'dead letters': { level: 'warn', advice: expect.stringContaining('dlq list') },
      books: { level: 'ok', detail: '1 commands, each in one place' },
    })
  })

  it('notices work that nobody takes up, and ids from the future', async () => {
    const hourAgo = Date.now() - 3_600_000
    const store = memory({ clock: { now: () => hourAgo } })
    const clock = {
      ...(await import('../../runtime/index.js')).systemClock,
      now: () => Date.now() + 3_600_000,
    }
    await using spillway = await createSpillway(
      { store, commands: [dying] },
      { logs: 'silent', roles: ['intake'], clock },
    )
    await spillway.submit(dying, {})
    expect(byName(await checkContents(store))).toMatchObject({
      waiting: { level: 'warn', advice: expect.stringContaining('spillway worker') },
      clock: { level: 'warn', detail: expect.stringMatching(/3[56]\d\d s from the future/) },
    })
  })

  it('notices processes that are silent', async () => {
    let now = Date.now()
    const store = memory({ clock: { now: () => now } })
    const node = { id: 'n', host: 'attic', pid: 7, version: '1.0.0', roles: ['worker'] } as const
    await store.nodes.heartbeat(node, 15_000)
    expect(byName(await checkContents(store))).toMatchObject({ nodes: { level: 'ok', detail: '1 at work' } })
    now += 20_000
    expect(byName(await checkContents(store))).toMatchObject({
      nodes: { level: 'warn', detail: 'silent: attic:7' },
    })
  })

  it('finds commands that nothing here can run', () => {
    const orphan = defineCommand({ name: 'orphan', input: z.unknown() })
    const threaded = defineCommand({ name: 'threaded', queue: 'cpu', input: z.unknown() })
    const resolve = (commands: Parameters<typeof resolveConfig>[0]['commands']) =>
      resolveConfig({ store: memory(), commands, queues: { cpu: { channel: pool({ threads: './x.js' }) } } })
    expect(checkCommands(resolve([dying, orphan, threaded]))).toMatchObject({
      level: 'warn',
      detail: 'without a handler: orphan',
    })
    expect(checkCommands(resolve([dying, threaded]))).toMatchObject({ level: 'ok' })
    expect(checkCommands(resolve([]))).toMatchObject({ level: 'warn' })
  })
})
