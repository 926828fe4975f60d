// The command line on stores that are servers, as real processes on real servers: from the first configuration to a command that
// was worked on, and what it says when the server cannot be used.

import mysql from 'mysql2/promise'
import {
  openSession,
  requireServer,
  sharedMariaDb,
  sharedPostgres,
  startPgBouncer,
  type TestDatabase,
  urlAtPort,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Finding } from '../../src/ports/index.js'
import { type Ended, PROCESSES_MS_MAX, Program, run } from './program.js'
import { newBareProject, newProject, type Project } from './project.js'

vi.setConfig({ testTimeout: PROCESSES_MS_MAX })

const engines = {
  postgres: {
    shared: sharedPostgres,
    driver: 'pg',
    schema: 'create schema',
    protocol: 'postgres://',
    notDurable: 'fsync',
    wakeUp: /LISTEN hears/,
  },
  mysql: {
    shared: sharedMariaDb,
    driver: 'mysql2',
    schema: 'create table if not exists spillway_',
    protocol: 'mysql://',
    notDurable: 'nosync',
    wakeUp: /polling/,
  },
}
type Engine = keyof typeof engines

/** What every URL of these tests has as its password. */
const SECRET = 'hunter2-is-secret'

const findingsOf = ({ json }: Ended): Record<string, Finding> =>
  Object.fromEntries((json.findings as Finding[]).map((finding) => [finding.name, finding]))

function withSecret(url: string, change: Partial<Pick<URL, 'port' | 'pathname' | 'username'>> = {}): string {
  return Object.assign(new URL(url), { password: SECRET, ...change }).href
}

const configOn = (engine: Engine): string => `
import { defineConfig } from 'spillway'
import { ${engine} } from 'spillway/${engine}'
export default defineConfig({ store: ${engine}(process.env.DATABASE_URL), commands: [] })`

let bare: ReturnType<typeof newBareProject>
beforeAll(() => {
  bare = newBareProject({})
})
afterAll(() => bare?.remove())

/** As a person would who may do more than the application. */
async function runByHand(url: string, sql: string): Promise<void> {
  if (url.startsWith('mysql:')) {
    const connection = await mysql.createConnection({ uri: url, multipleStatements: true })
    await connection.query(sql).finally(() => connection.end())
    return
  }
  await using session = await openSession(url)
  await session.query(sql)
}

function suite(engine: Engine): void {
  const { shared, driver, schema, protocol, notDurable, wakeUp } = engines[engine]
  let database: TestDatabase
  let project: Project
  beforeAll(async () => {
    database = await (await shared()).createDatabase()
    project = newProject({ 'no-commands.mjs': configOn(engine) })
  })
  afterAll(async () => {
    project?.remove()
    await database?.drop()
  })
  const spillway = (args: string, url = database.url): Promise<Ended> =>
    run(args.split(' '), { cwd: project.folder, env: { DATABASE_URL: url } })

  it('init writes a configuration for it, and says what to install', async () => {
    const { code, stderr } = await spillway(`init --store ${engine}`)
    expect(code).toBe(0)
    expect(stderr).toContain(`npm install ${driver}`)
    expect(stderr).toContain('DATABASE_URL')
  })

  it('migrate prints SQL which, run by hand, is all there is to do', async () => {
    const [list, plan, before] = await Promise.all([
      spillway('list --config no-commands.mjs'),
      spillway('migrate --dry-run'),
      spillway('doctor --json --config no-commands.mjs'),
    ])
    expect(list).toMatchObject({ code: 3, stderr: expect.stringContaining('spillway migrate') })
    expect(plan.code).toBe(0)
    expect(plan.stdout).toContain(schema)
    expect(findingsOf(before).schema).toMatchObject({ level: 'fail', detail: 'not installed' })
    await runByHand(database.url, plan.stdout)
    expect(await spillway('migrate --config no-commands.mjs')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('up to date'),
    })
  })

  it('dev works on what is sent from elsewhere, and doctor sees it all', async () => {
    const dev = new Program(['dev', '--port', '0'], {
      cwd: project.folder,
      env: { DATABASE_URL: database.url },
    })
    await dev.says(new RegExp(`on store ${engine}`))
    const sent = await spillway('send greeting.send {"to":"you"} --wait 30s --json')
    expect(sent).toMatchObject({ code: 0, json: { state: 'succeeded', result: { greeted: 'you' } } })
    const [doctor, nodes] = await Promise.all([
      spillway('doctor --json'),
      spillway('nodes --json --config no-commands.mjs'),
    ])
    expect(nodes.rows).toMatchObject([{ pid: dev.process.pid, alive: true }])
    const { code, stdout, stderr } = await dev.signal('SIGTERM').ended
    expect(code).toBe(0)
    expect(`${stdout}${stderr}${doctor.stdout}`).not.toContain(new URL(database.url).password)

    const { durability, ...others } = findingsOf(doctor)
    // Servers of tests do not fsync.
    expect(durability).toMatchObject({ level: 'fail', detail: expect.stringContaining(notDurable) })
    expect(Object.values(others).filter(({ level }) => level === 'fail')).toEqual([])
    expect(others).toMatchObject({
      server: { detail: expect.stringContaining(database.name) },
      [engine]: { level: 'ok', detail: expect.stringContaining('version') },
      primary: { level: 'ok' },
      connections: { detail: expect.stringMatching(/takes up to \d+, the server gives \d+/) },
      'server clock': { level: 'ok' },
      'wake-up': { detail: expect.stringMatching(wakeUp) },
      schema: { level: 'ok' },
      books: { detail: expect.stringContaining('1 commands') },
    })
  })

  it('whatever is wrong with its address is named, and the password is not', async () => {
    const { url } = database
    const broken = newProject({ 'spillway.config.mjs': configOn(engine) })
    onTestFinished(() => broken.remove())
    const cases: readonly (readonly [string, Record<string, string>, number, RegExp])[] = [
      ['list', { DATABASE_URL: withSecret(url, { port: '1' }) }, 4, /does not answer/],
      [
        'status',
        { DATABASE_URL: Object.assign(new URL(url), { pathname: '/no_such_one' }).href },
        4,
        /does not exist/,
      ],
      ['migrate', { DATABASE_URL: withSecret(url, { username: 'stranger' }) }, 4, /Check the user/],
      ['doctor --json', { DATABASE_URL: withSecret(url, { username: 'stranger' }) }, 1, /Check the user/],
      ['list', { DATABASE_URL: `redis://u:${SECRET}@h/db` }, 3, new RegExp(`config.mjs: .*${protocol}`)],
      ['list', { DATABASE_URL: `${protocol}u:#${SECRET}@h/db` }, 3, /special characters/],
      ['list', {}, 3, new RegExp(`${engine}\\(\\): expected`)],
    ]
    const ends = await Promise.all(
      cases.map(([args, env]) => run([...args.split(' '), '--json'], { cwd: broken.folder, env })),
    )
    for (const [at, { code, stdout, stderr }] of ends.entries()) {
      const [, , exitCode, says] = cases[at] as (typeof cases)[number]
      expect({ code, output: `${stdout}${stderr}` }).toEqual({
        code: exitCode,
        output: expect.stringMatching(says),
      })
      expect(`${stdout}${stderr}`).not.toContain(SECRET)
      expect(`${stdout}${stderr}`).not.toContain(new URL(url).password)
    }
  })

  it('a driver that is not installed is asked for', async () => {
    bare.write('spillway.config.mjs', configOn(engine))
    const options = { cwd: bare.folder, main: bare.main, env: { DATABASE_URL: database.url } }
    const [list, doctor] = await Promise.all([run(['list'], options), run(['doctor', '--json'], options)])
    expect(list).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(`npm install ${driver}`),
    })
    expect(doctor.code).toBe(1)
    expect(findingsOf(doctor)[engine]).toMatchObject({
      level: 'fail',
      detail: expect.stringContaining(`npm install ${driver}`),
    })
  })
}

requireServer(describe, 'postgres')('on PostgreSQL', () => suite('postgres'))
requireServer(describe, 'mariadb')('on MariaDB', () => suite('mysql'))

requireServer(describe, 'pgbouncer')('behind PgBouncer', () => {
  it.each(['transaction', 'session'] as const)(
    'in %s mode the doctor says what that takes',
    async (poolMode) => {
      const servers = await sharedPostgres()
      const bouncer = await startPgBouncer({ postgres: servers, poolMode })
      const database = await servers.createDatabase()
      const project = newProject({
        'spillway.config.mjs': configOn('postgres'),
        'mended.mjs': configOn('postgres').replace('URL)', 'URL, { prepare: false, listen: false })'),
      })
      onTestFinished(async () => {
        project.remove()
        await bouncer.stop()
        await database.drop()
      })
      const options = { cwd: project.folder, env: { DATABASE_URL: urlAtPort(database.url, bouncer.port) } }
      // Both at once: neither may take for its own what the other has left on a connection of the pooler.
      const [plain, mended] = await Promise.all([
        run(['doctor', '--json'], options),
        run(['doctor', '--json', '--config', 'mended.mjs'], options),
      ])
      const pooled = poolMode === 'transaction'
      expect(findingsOf(plain)).toMatchObject({
        pooler: { level: pooled ? 'fail' : 'ok', detail: expect.stringContaining(`${poolMode} mode`) },
        'wake-up': { level: pooled ? 'warn' : 'ok' },
      })
      expect(findingsOf(mended)).toMatchObject({ pooler: { level: 'ok' }, 'wake-up': { level: 'ok' } })
    },
  )
})
