// Every command that works on the store of a configuration, as real processes on a real database file. They share a project:
// starting a process costs more than everything it does.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { type Ended, PROCESSES_MS_MAX, Program, type RunOptions, run } from './program.js'
import { lettersConfig, newProject, type Project } from './project.js'

vi.setConfig({ testTimeout: PROCESSES_MS_MAX })

let project: Project
beforeAll(() => {
  project = newProject({ 'spillway.config.mjs': lettersConfig('zod/v3') })
})
afterAll(() => project.remove())

const spillway = (args: string, options: Partial<RunOptions> = {}): Promise<Ended> =>
  run(args.split(' '), { cwd: project.folder, ...options })
const send = (payload: object, ...flags: string[]): Promise<Ended> =>
  run(['send', 'letter.issue', JSON.stringify(payload), ...flags], { cwd: project.folder })

/** What the store has of a command, without a process that says it. */
async function stored(id: string) {
  const store = sqlite(project.database)
  await store.open()
  const [view] = await store.reader.get([id])
  await store.close()
  return view
}

/** Says at the end which packages were loaded. */
const WATCHING = `
import { createRequire } from 'node:module'
export { default } from './spillway.config.mjs'
process.on('exit', () => {
  const paths = Object.keys(createRequire(import.meta.url).cache)
  const names = paths.map((path) => /.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(path)?.[1])
  process.stderr.write('\\nloaded ' + [...new Set(names)].join(' ') + '\\n')
})
`

describe('before the schema is there', () => {
  it('a command says what to run, doctor fails, and a dry run prints SQL and creates nothing', async () => {
    const [list, start, doctor, dryRun] = await Promise.all([
      spillway('list'),
      spillway('start --port 0'),
      spillway('doctor --json'),
      spillway('migrate --dry-run'),
    ])
    for (const { code, stderr } of [list, start]) {
      expect(code).toBe(3)
      expect(stderr).toContain('spillway migrate')
    }
    expect(doctor.code).toBe(1)
    expect(doctor.json.findings).toContainEqual(expect.objectContaining({ name: 'schema', level: 'fail' }))
    expect(dryRun.code).toBe(0)
    expect(dryRun.stdout).toMatch(/^-- 1 .*\ncreate table/)
    expect(() => readFileSync(project.database)).toThrow('ENOENT')
  })

  it('migrate creates it, once', async () => {
    expect(await spillway('migrate --json')).toMatchObject({
      code: 0,
      json: {
        current: expect.any(Number),
        applied: expect.arrayContaining([expect.objectContaining({ version: 1 })]),
      },
    })
    const again = await spillway('migrate')
    expect(again).toMatchObject({ code: 0, stdout: '' })
    expect(again.stderr).toContain('up to date')
  })
})

describe('one command', () => {
  it('is sent, shown, listed, cancelled and retried', async () => {
    const sent = await send({ to: 'Ann' }, '--delay', '1h')
    expect(sent.code).toBe(0)
    const id = sent.stdout.trim()
    expect(id).toMatch(/^[0-9a-f]{32}-0$/)
    expect(sent.stderr).toContain(`spillway watch ${id}`)

    const shown = await spillway(`get ${id} --json --payload`)
    expect(shown.json).toMatchObject({
      id,
      state: 'scheduled',
      type: 'letter.issue',
      payload: { to: 'Ann', end: 'ok' },
    })
    const [listed, table] = await Promise.all([
      spillway('list --state scheduled --json'),
      spillway('list --state scheduled'),
    ])
    expect(listed.rows).toMatchObject([{ id, state: 'scheduled' }])
    expect(table.stdout.split('\n')[0]).toMatch(/^ID +STATE +TYPE/)

    expect(await spillway(`cancel ${id} --json`)).toMatchObject({
      code: 0,
      json: { id, verdict: 'cancelled' },
    })
    expect(await spillway(`cancel ${id}`)).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('conflict'),
    })

    expect(await spillway('retry --state cancelled --dry-run')).toMatchObject({ code: 0, stdout: '1\n' })
    const unconfirmed = await spillway('retry --state cancelled')
    expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    expect(await stored(id)).toMatchObject({ state: 'cancelled' })
    expect(await spillway(`retry ${id} --json --reason oops`)).toMatchObject({
      ...{ code: 0, json: { id, verdict: 'retrying' } },
    })
    expect(await stored(id)).toMatchObject({ state: 'retrying', generation: 1 })
    const { rows } = await spillway('audit --json')
    expect(rows.map(({ actor, action, reason }) => [actor.split(':')[0], action, reason])).toEqual([
      ['cli', 'redrive', 'oops'],
      ['cli', 'cancel', null],
    ])
  })

  it('of many is stored as an operation, which is not waited for where nobody works', async () => {
    const sent = await send({ to: 'Ann' }, '--delay', '2h')
    const unworked = await spillway('cancel --state scheduled --yes')
    expect(unworked).toMatchObject({ code: 7, stdout: '', stderr: expect.stringContaining('role worker') })
    const [, id] = /operations watch (\S+)/.exec(unworked.stderr) ?? []
    expect((await spillway(`operations get ${id} --json`)).json).toMatchObject({
      ...{ id, action: 'cancel', state: 'accepted', seen: 0, changed: 0, finishedAt: null },
    })
    expect(await stored(sent.stdout.trim())).toMatchObject({ state: 'scheduled' })
    const none = await spillway('cancel --state scheduled --type click.record --yes')
    expect(none).toMatchObject({ code: 0, stderr: expect.stringContaining('No such commands') })
  })

  it('is not found, not valid, in conflict or not in time, each with its own exit code', async () => {
    const absent = '0193e4f0c1e07a5d8d7d1e3fb4a2c9d0-0'
    expect(await send({ to: 'Bob' }, '--key', 'k1')).toMatchObject({ code: 0 })
    const [unknownId, unknownType, invalid, conflict, repeat, late] = await Promise.all([
      spillway(`get ${absent}`),
      spillway('send letter.send {}'),
      send({ to: 5 }),
      send({ to: 'Eve' }, '--key', 'k1'),
      send({ to: 'Bob' }, '--key', 'k1', '--json'),
      send({ to: 'Cid' }, '--wait', '100ms', '--json'),
    ])
    expect([unknownId, unknownType, invalid, conflict, repeat, late].map(({ code }) => code)).toEqual([
      5, 5, 2, 5, 0, 7,
    ])
    expect(invalid.stderr).toContain('/to')
    expect(repeat.json).toMatchObject({ status: 'duplicate', duplicate: true })
    expect(late.json).toMatchObject({ state: 'accepted' })
  })

  it('takes its payload from a file or standard input, and never quotes a broken one', async () => {
    writeFileSync(join(project.folder, 'letter.json'), '{"to":"file"}')
    const [file, input, broken, none] = await Promise.all([
      spillway('send letter.issue @letter.json'),
      spillway('send letter.issue -', { input: '{"to":"stdin"}' }),
      spillway('send letter.issue {"to":"s3cret'),
      spillway('send letter.issue @none.json'),
    ])
    expect([file, input, broken, none].map(({ code }) => code)).toEqual([0, 0, 2, 2])
    expect(broken.stderr).not.toContain('s3cret')
  })
})

describe('many commands', () => {
  it('go in as lines, with a count of what became of each', async () => {
    const lines = ['{"id":"1"}', '{"id":', '{"id":"2"}', '{"id":3}', '{"id":"1"}']
    const sent = await spillway('send click.record --bulk --json', { input: lines.join('\n') })
    expect(sent.code).toBe(1)
    expect(sent.json).toMatchObject({ lines: 5, accepted: 2, duplicates: 1, rejected: 2, unknown: 0 })
    expect(sent.json.errors).toMatchObject([
      { line: 2 },
      { line: 4, message: expect.stringContaining('invalid_payload') },
    ])
  })

  it('come out as lines, and a reader who leaves early is no error', async () => {
    const input = Array.from({ length: 3_000 }, (_, index) => `{"id":"many-${index}"}`).join('\n')
    expect(await spillway('send click.record --bulk', { input })).toMatchObject({
      code: 0,
      stdout: '3000 accepted, 0 duplicates, 0 rejected\n',
    })
    const list = new Program(['list', '--type', 'click.record', '--limit', '3000', '--json'], {
      cwd: project.folder,
      input: '',
    })
    await list.says(/"id"/)
    list.process.stdout.destroy()
    expect(await list.ended).toMatchObject({ code: 0, stderr: expect.not.stringContaining('EPIPE') })
  })

  it('page by cursor', async () => {
    const first = await spillway('list --type click.record --limit 2 --json')
    const cursor = /--cursor (\S+)/.exec(first.stderr)?.[1]
    const second = await spillway(`list --type click.record --limit 2 --json --cursor ${cursor}`)
    expect(first.rows).toHaveLength(2)
    expect(second.rows).toHaveLength(2)
    expect(second.rows[0].id < first.rows[1].id || second.rows[0].id !== first.rows[1].id).toBe(true)
  })
})

describe('queues', () => {
  it('are paused, shown and resumed', async () => {
    expect(await spillway('queue pause clicks --json --reason relay')).toMatchObject({
      code: 0,
      json: { queue: 'clicks', paused: true, pauseReason: 'relay', leasesMax: null },
    })
    expect(await spillway('queue limit clicks 4')).toMatchObject({
      code: 0,
      stdout: 'clicks is paused: relay, at most 4 chunks at once\n',
    })
    const [list, status, doctor] = await Promise.all([
      spillway('queue list'),
      spillway('status --json'),
      spillway('doctor'),
    ])
    expect(list.stdout).toMatch(/clicks +store +paused +3002.* +4 +relay/)
    expect(status).toMatchObject({
      code: 0,
      json: {
        ready: true,
        queues: [{ queue: 'clicks', paused: true }, {}, { queue: 'spillway.operations', ready: 1 }],
      },
    })
    expect(doctor).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/warn +queues +paused: clicks \(relay\)/),
    })
    expect(await spillway('queue resume clicks')).toMatchObject({
      code: 0,
      stdout: 'clicks is worked on, at most 4 chunks at once\n',
    })
    expect(await spillway('queue limit clicks none --json')).toMatchObject({ json: { leasesMax: null } })
    expect(await spillway('queue pause nope')).toMatchObject({ code: 5 })
    expect(await spillway('queue limit clicks 0')).toMatchObject({ code: 2 })
  })
})

describe('nodes', () => {
  it('are none while no process works, and a command is none of them', async () => {
    expect(await spillway('nodes')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('No process'),
    })
    expect(await spillway('nodes --json')).toMatchObject({ code: 0, stdout: '' })
  })
})

describe('a command that waits', () => {
  it('ends with 130 when it is interrupted, and says what it saw until then', async () => {
    const watch = new Program(['watch', '--queue', 'clicks', '--json'], { cwd: project.folder })
    await watch.says(/"queue":"clicks"/)
    expect(await watch.signal('SIGINT').ended).toMatchObject({ code: 130 })
    expect((await watch.ended).rows).toMatchObject([{ queue: 'clicks', ready: 3002 }])
    const args = ['send', 'letter.issue', '{"to":"Dot"}', '--wait', '1m', '--json']
    const send = new Program(args, { cwd: project.folder })
    await send.says(/accepted by/)
    expect(await send.signal('SIGTERM').ended).toMatchObject({ code: 130, json: { state: 'accepted' } })
    const unknown = await spillway('watch --queue nope')
    expect(unknown).toMatchObject({ code: 5, stderr: expect.stringContaining('clicks') })
  })
})

describe('the command line', () => {
  it('works from a folder below, on the same database', async () => {
    mkdirSync(join(project.folder, 'deep', 'er'), { recursive: true })
    const { code, json } = await spillway('status --json', { cwd: join(project.folder, 'deep', 'er') })
    expect(code).toBe(0)
    expect(json.queues[0]).toMatchObject({ ready: 3002 })
  })

  it('loads no library that a command which ends at once has no use for', async () => {
    project.write('watching.mjs', WATCHING)
    const { code, stderr } = await spillway('list --config watching.mjs')
    expect(code).toBe(0)
    const [, loaded = ''] = /^loaded (.*)$/m.exec(stderr) ?? []
    // From Node 24 on the runtime has a SQLite of its own.
    const hasOwn = Number.parseInt(process.versions.node, 10) >= 24
    expect(loaded.split(' ').includes('@photostructure/sqlite')).toBe(!hasOwn)
    for (const name of ['undici', 'prom-client', 'pino', 'fastify', 'piscina', 'jiti'])
      expect(loaded.split(' ')).not.toContain(name)
  })

  it('refuses what it does not know', async () => {
    const [flag, command, both] = await Promise.all([
      spillway('list --stat dead'),
      spillway('lst'),
      spillway('get x --url http://localhost:1 --config spillway.config.mjs'),
    ])
    expect([flag.code, command.code, both.code]).toEqual([2, 2, 2])
    expect(flag.stderr).toContain('Did you mean --state?')
    expect(command.stderr).toContain('Did you mean list?')
  })

  it('shows help and version on standard output, without colours where nobody sees them', async () => {
    const [overview, help, group, version] = await Promise.all([
      spillway('--help'),
      spillway('send --help'),
      spillway('queue'),
      spillway('--version'),
    ])
    expect(overview).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Exit codes') })
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('--run-at <time>') })
    expect(group).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('pause') })
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const { stdout } of [overview, help]) expect(stdout).not.toContain('\u001b')
  })
})
