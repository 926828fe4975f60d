// The processes that stay: dev, start and worker. They answer HTTP, work, and leave when they are told to without losing what
// they acknowledged.

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { sqlite } from '../../src/stores/sqlite/index.js'
import { PROCESSES_MS_MAX, Program, run } from './program.js'
import { newProject, type Project } from './project.js'

vi.setConfig({ testTimeout: PROCESSES_MS_MAX })

const TOKEN = 'correct-horse-battery-staple'

let project: Project
beforeAll(async () => {
  project = newProject()
  await sqlite(project.database).schema.migrate()
})
afterAll(() => project.remove())

const running: Program[] = []
afterEach(async () => {
  for (const program of running.splice(0)) {
    program.process.kill('SIGKILL')
    await program.ended
  }
})

function start(args: string, env: Record<string, string> = {}, { folder }: Project = project): Program {
  const program = new Program(args.split(' '), { cwd: folder, env })
  running.push(program)
  return program
}
const spillway = (args: string, env: Record<string, string> = {}) =>
  run(args.split(' '), { cwd: project.folder, env })
const urlOf = async (program: Program): Promise<string> =>
  (await program.says(/http:\/\/127\.0\.0\.1:\d+/))[0]

describe('dev', () => {
  it('migrates, serves, works, and answers the curl it prints', async () => {
    const fresh = newProject()
    const dev = start('dev --port 0', {}, fresh)
    const [, url, contentType, body] = await dev.says(/curl -i (\S+) -H 'content-type: (\S+)' -d '(.*)'/)
    const response = await fetch(url as string, {
      method: 'POST',
      headers: { 'content-type': contentType as string },
      body: body as string,
    })
    expect(response.status).toBe(202)
    const { id, links } = (await response.json()) as { id: string; links: { self: string } }
    const outcome = await fetch(`${new URL(url as string).origin}${links.self}?wait=20`)
    expect(await outcome.json()).toMatchObject({ id, state: 'succeeded' })
    const { code, stderr } = await dev.signal('SIGINT').ended
    expect(code).toBe(130)
    expect(stderr).toMatch(/^\d\d:\d\d:\d\d info {2}stopping/m)
    fresh.remove()
  })

  it('leaves at once when it is told twice, whatever still runs', async () => {
    // A project of its own: what is left running here is found dead by the next worker.
    const other = newProject()
    const dev = start('dev --port 0', {}, other)
    const url = await urlOf(dev)
    const { json } = await spillway(`send letter.issue {"to":"x","end":"never"} --json --url ${url}`)
    const watch = start(`watch ${json.id} --url ${url}`)
    await watch.says(/running/)
    dev.signal('SIGINT')
    await dev.says(/stopping/)
    expect((await dev.signal('SIGINT').ended).code).toBe(130)
    const store = sqlite(other.database)
    await store.open()
    expect(await store.reader.get([json.id])).toMatchObject([{ id: json.id, state: 'running' }])
    await store.close()
    // Its server is gone.
    expect((await watch.ended).code).toBe(4)
    other.remove()
  })
})

describe('start', () => {
  it('ends on SIGTERM with exit code 0, and everything acknowledged is in the store', async () => {
    const server = start('start --port 0 --roles intake')
    const url = await urlOf(server)
    const acknowledged: string[] = []
    let answers = 0
    const sendBatch = async (batch: number): Promise<void> => {
      const payloads = Array.from({ length: 20 }, (_, index) => ({ id: `term-${batch}-${index}` }))
      const body = JSON.stringify(payloads)
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}/v1/commands/click.record:bulk`, { method: 'POST', headers, body })
      const { items = [] } = (await response.json()) as { items?: { id: string }[] }
      acknowledged.push(...items.map(({ id }) => id))
      answers += 1
      if (answers === 10) server.signal('SIGTERM')
    }
    await Promise.allSettled(Array.from({ length: 60 }, (_, batch) => sendBatch(batch)))
    const { code, stderr } = await server.ended
    expect(code).toBe(0)
    expect(acknowledged.length).toBeGreaterThanOrEqual(200)
    for (const line of stderr.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level')

    const store = sqlite(project.database)
    await store.open()
    const stored = await store.reader.get(acknowledged)
    expect(stored.filter((view) => view === null)).toEqual([])
    await store.close()
  })

  it('does not open itself to other machines without a token, and shows none', async () => {
    const open = await spillway('start --host 0.0.0.0 --port 0')
    expect(open).toMatchObject({ code: 3, stderr: expect.stringContaining('http.token') })
    const dev = start('dev --port 0', { SPILLWAY_HTTP_TOKEN: TOKEN })
    const url = await urlOf(dev)
    await dev.says(/\$SPILLWAY_TOKEN/)
    const [refused, let_in] = await Promise.all([
      spillway(`status --url ${url} --token wrong-${TOKEN}`),
      spillway('queue list', { SPILLWAY_URL: url, SPILLWAY_TOKEN: TOKEN }),
    ])
    expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('SPILLWAY_TOKEN') })
    expect(let_in.code).toBe(0)
    const { stdout, stderr } = await dev.signal('SIGTERM').ended
    expect(`${stdout}${stderr}${refused.stdout}${refused.stderr}`).not.toContain(TOKEN)
  })

  it('says so when its port is taken or its settings are wrong', async () => {
    const server = start('start --port 0 --roles intake')
    const { port } = new URL(await urlOf(server))
    const [taken, role, level, variable] = await Promise.all([
      spillway('start', { SPILLWAY_HTTP_PORT: port }),
      spillway('start --roles intake,chef'),
      spillway('start', { SPILLWAY_LOG_LEVEL: 'loud' }),
      spillway('start', { SPILLWAY_HTTP_PORT: 'http' }),
    ])
    expect([taken, role, level, variable].map(({ code }) => code)).toEqual([3, 2, 2, 2])
    expect(taken.stderr).toContain(port)
  })
})

describe('worker', () => {
  it('works on what others sent, serves metrics, and commands tell how they ended', async () => {
    const worker = start('worker --metrics-port 0')
    const url = await urlOf(worker)
    const send = (end: string) =>
      spillway(`send letter.issue {"to":"there","end":"${end}"} --wait 30s --json`)
    const [ok, failed, dead] = await Promise.all([send('ok'), send('failed'), send('thrown')])
    expect([ok.code, failed.code, dead.code]).toEqual([0, 6, 6])
    expect(ok.json).toMatchObject({ state: 'succeeded', result: { issued: 'there' } })
    expect(dead.json).toMatchObject({ state: 'dead' })

    const [list, groups, watch, metrics, other] = await Promise.all([
      spillway('dlq list'),
      spillway('dlq groups --json'),
      spillway(`watch ${dead.json.id}`),
      fetch(`${url}/metrics`).then((response) => response.text()),
      fetch(`${url}/v1/queues`).then((response) => response.status),
    ])
    expect(list.stdout).toContain('no such street \\u001b[31mthere')
    expect(list.stdout).not.toContain('\u001b')
    expect(groups.rows).toMatchObject([{ count: 1, type: 'letter.issue', sampleId: dead.json.id }])
    expect(watch).toMatchObject({ code: 6, stdout: expect.stringContaining('dead') })
    expect(metrics).toContain('spillway_command_finished_total{')
    expect(other).toBe(404)

    expect(await spillway('dlq replay --dry-run')).toMatchObject({ code: 0, stdout: '1\n' })
    expect(await spillway('dlq replay --yes')).toMatchObject({ code: 0, stdout: '1 of 1 run again\n' })
    expect((await worker.signal('SIGTERM').ended).code).toBe(0)
  })
})

describe('a server that is not there', () => {
  it('is unreachable, with the address and what to do', async () => {
    // No other test's server is ever given this port.
    const url = 'http://127.0.0.1:2'
    const { code, stderr } = await spillway(`send letter.issue {"to":"x"} --url ${url}`)
    expect(code).toBe(4)
    expect(stderr).toContain(url)
  })
})
