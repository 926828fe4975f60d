// The operators' commands, run as the program runs them, against a server that works: what they print and how they end.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Receiver } from '../../test/callbacks/receiver.js'
import { recordingTerminal } from '../../test/cli/recording-terminal.js'
import { type HttpKit, startHttp } from '../../test/http/http-kit.js'
import { defineCommand } from '../config/index.js'
import { pending } from '../index.js'
import { readEnvironment } from './environment.js'
import { runCli } from './run-cli.js'

const tokens = new Map<string, string>()

const letter = defineCommand({
  name: 'letter',
  queue: 'letters',
  input: z.strictObject({
    to: z.string(),
    end: z.enum(['ok', 'thrown', 'pending', 'told']).default('ok'),
  }),
  classify: () => 'permanent',
  // What is to be tried again stays where it is for as long as these tests take.
  retry: { backoff: { delay: '1h', max: '1h', jitter: 'none' } },
  handle({ to, end }, ctx) {
    if (end === 'thrown') throw new Error(`no such street \u001b[31m${to}`)
    if (end !== 'pending') return { issued: to }
    tokens.set(ctx.id, ctx.completionToken())
    return pending({ token: tokens.get(ctx.id) ?? '', deadline: '1h' })
  },
  callback: ({ end }) => (end === 'told' ? receiver.url : null),
})

let kit: HttpKit
let receiver: Receiver
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-operators-'))
  receiver = await Receiver.open()
  kit = await startHttp({ config: { commands: [letter], callbacks: receiver.callbacks() } })
})
afterAll(async () => {
  await kit.close()
  await receiver.close()
  await rm(folder, { recursive: true })
})

const cli = (...argv: string[]) => run(argv)

/** With `interrupted`, Ctrl-C is pressed at the first sign of progress. */
async function run(argv: readonly string[], interrupted = false) {
  const recording = recordingTerminal()
  const controller = new AbortController()
  const terminal = interrupted ? { ...recording, progress: () => controller.abort() } : recording
  const interruption = { signal: controller.signal, by: null }
  const environment = readEnvironment({ SPILLWAY_URL: kit.url })
  const code = await runCli(argv, { terminal, environment, interruption, cwd: folder })
  const { lines, text: stdout } = recording.out
  const rows = () => lines.map((line) => JSON.parse(line))
  return { code, stdout, stderr: recording.messages.text, rows, lines }
}

async function submit(end: string, to = 'Ann'): Promise<string> {
  const { json } = await kit.post('/v1/commands/letter', { to, end })
  await kit.spillway.drain()
  return json.id
}

describe('a dead command', () => {
  it('is shown with its payload, its attempts and their stacks, and nothing that a terminal would act on', async () => {
    const id = await submit('thrown')
    const shown = await cli('dlq', 'show', id)
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/^stage +execute$/m)
    expect(shown.stdout).toMatch(/^payload +\{"to":"Ann","end":"thrown"\}$/m)
    expect(shown.stdout).toMatch(/^ATTEMPT +AT +STAGE +WORKER +TOOK +ANSWER$/m)
    expect(shown.stdout).toMatch(new RegExp(`^ +1 +\\S+Z +execute +${kit.spillway.workerId} +\\d+ ms `, 'm'))
    expect(shown.stdout).toMatch(/no such street \\u001b\[31mAnn\n +at .*operators\.test/)
    expect(shown.stdout).not.toContain('\u001b')
    expect(shown.stderr).toContain(`dlq replay ${id}`)
    const [record] = (await cli('dlq', 'show', id, '--json')).rows()
    expect(record).toMatchObject({ id, state: 'dead', history: [{ error: { stack: expect.any(String) } }] })
    await cli('dlq', 'discard', id)
  })

  it('is grouped, counted, run again with another payload, or given up', async () => {
    const [one, two, three] = [await submit('thrown'), await submit('thrown'), await submit('thrown', 'Bo')]
    const groups = await cli('dlq', 'groups', '--queue', 'letters', '--json')
    const { fingerprint } = (await cli('get', one, '--json')).rows()[0]
    expect(groups.rows()).toContainEqual(expect.objectContaining({ fingerprint, queue: 'letters' }))
    expect((await cli('dlq', 'groups')).stdout).toMatch(/^ *COUNT +FINGERPRINT +TYPE/)
    expect((await cli('dlq', 'list', '--fingerprint', fingerprint, '--json')).rows()).toHaveLength(3)

    await writeFile(join(folder, 'letter.json'), '{"to":"Ann","end":"ok"}')
    const reason = ['--reason', 'wrong street']
    expect(await cli('dlq', 'replay', one, '--edit', 'letter.json', ...reason, '--json')).toMatchObject({
      ...{ code: 0, stdout: JSON.stringify({ id: one, verdict: 'retrying' }) },
    })
    expect((await cli('get', one, '--wait', '10s', '--json')).rows()).toMatchObject([
      { state: 'succeeded', result: { issued: 'Ann' }, generation: 1 },
    ])
    expect(await cli('dlq', 'discard', two, one)).toMatchObject({
      code: 5,
      stdout: expect.stringMatching(/discarded\n.*conflict/s),
    })
    expect(await cli('retry', three, '--edit', 'letter.json', '--dry-run')).toMatchObject({
      stdout: expect.stringContaining('is dead'),
    })
    const byFilter = ['dlq', 'replay', '--type', 'letter', '--fingerprint', fingerprint]
    expect(await cli(...byFilter, '--dry-run')).toMatchObject({ code: 0, stdout: '1' })
    expect(await cli(...byFilter)).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    expect(await cli(...byFilter, '--yes', '--reason', 'again')).toMatchObject({
      ...{ code: 0, stdout: '1 of 1 run again' },
    })
    expect(await cli('get', three, '--wait', '10s', '--json')).toMatchObject({ code: 6 })
    const [operation] = (await cli('dlq', 'discard', '--queue', 'letters', '--yes', '--json')).rows()
    expect(operation).toMatchObject({ action: 'discard', state: 'succeeded', seen: 1, changed: 1 })
    expect((await cli('get', three, '--json')).rows()).toMatchObject([{ state: 'cancelled' }])
    expect(await cli('operations', 'get', operation.id)).toMatchObject({ stdout: '1 of 1 discarded' })
    expect((await cli('operations', 'watch', operation.id, '--json')).rows()).toEqual([operation])
    expect((await cli('dlq', 'replay', '--yes')).stderr).toContain('No such commands')

    const audit = await cli('audit', '--limit', '100', '--json')
    expect(audit.rows()).toContainEqual(
      expect.objectContaining({
        ...{ actor: expect.stringMatching(/^cli/), action: 'redrive', reason: 'wrong street', count: 1 },
      }),
    )
    expect((await cli('audit')).stdout).toMatch(/^AT +ACTOR +ACTION +TARGET +COMMANDS +REASON/)
    const first = await cli('audit', '--limit', '1', '--json')
    const [, cursor = ''] = /--cursor (\S+)/.exec(first.stderr) ?? []
    expect((await cli('audit', '--limit', '1', '--json', '--cursor', cursor)).rows()[0].id).not.toBe(
      first.rows()[0].id,
    )
  })

  it.each([
    [['dlq', 'discard'], 'Give ids'],
    [['cancel'], 'Give ids'],
    [['retry'], '--state'],
    [['dlq', 'replay', 'x', '--type', 'letter'], 'either ids'],
    [['dlq', 'replay', '--edit', 'letter.json'], 'one command'],
    [['retry', 'x', 'y', '--edit', 'letter.json'], 'one command'],
    [['list', '--fingerprint', 'x'], '--state'],
    [['operations', 'watch'], '<id>'],
    [['complete', 'x'], 'one answer'],
    [['complete', 'x', '--ok', '--failed', 'no'], 'one answer'],
    [['complete', 'x', '{}', '--failed', 'no'], '--ok'],
    [['complete', 'x', '--ok', '--after', '5s'], '--retry'],
    [['complete', 'x', '--retry', 'no', '--after', 'soon'], '--after'],
  ])('is not touched by %j', async (argv, hint) => {
    expect(await cli(...argv)).toMatchObject({ code: 2, stderr: expect.stringContaining(hint) })
  })
})

describe('cancel', () => {
  it('takes a filter too, and leaves the rest', async () => {
    const [later] = await Promise.all(
      ['1h', '2h'].map(async (delay) => {
        const { json } = await kit.post(`/v1/commands/letter?delay=${delay}`, { to: 'Cy' })
        return json.id as string
      }),
    )
    expect(await cli('cancel', later ?? '', '--reason', 'misprint')).toMatchObject({ code: 0 })
    expect(await cli('cancel', '--state', 'scheduled', '--type', 'letter', '--yes')).toMatchObject({
      ...{ code: 0, stdout: '1 of 1 cancelled' },
    })
  })
})

describe('an operation', () => {
  it('goes on when nobody watches it any more', async () => {
    const id = await submit('thrown')
    await kit.post('/v1/queues/spillway.operations/pause')
    const left = await run(['dlq', 'discard', '--type', 'letter', '--yes'], true)
    expect(left).toMatchObject({ code: 130, stdout: '' })
    const [, operation = ''] = /next: spillway operations watch (\S+)/.exec(left.stderr) ?? []
    await kit.post('/v1/queues/spillway.operations/resume')
    expect(await cli('operations', 'watch', operation)).toMatchObject({ code: 0, stdout: '1 of 1 discarded' })
    expect((await cli('get', id, '--json')).rows()).toMatchObject([{ state: 'cancelled' }])
  })
})

describe('complete', () => {
  it('answers for a pending command, once, in every way', async () => {
    const id = await submit('pending')
    const waiting = await cli('get', id)
    expect(waiting.stdout).toMatch(/^next turn +its counterpart answers, until \S+Z$/m)
    const token = tokens.get(id) ?? ''
    expect(await cli('complete', token, '--ok', '{"receipt":7}')).toMatchObject({
      ...{ code: 0, stdout: expect.stringMatching(/^result +\{"receipt":7\}$/m) },
    })
    expect(await cli('complete', token, '--ok')).toMatchObject({ code: 5 })
    const answered = async (...answer: string[]) => {
      const other = await submit('pending')
      return (await cli('complete', tokens.get(other) ?? '', ...answer, '--json')).rows()
    }
    expect(await answered('--failed', 'no money')).toMatchObject([
      { state: 'failed', error: { message: 'no money' } },
    ])
    expect(await answered('--retry', 'busy', '--after', '1h')).toMatchObject([{ state: 'retrying' }])
    expect(await answered('--unknown', 'lost track')).toMatchObject([
      { state: 'retrying', error: { message: expect.stringContaining('lost track') } },
    ])
  })
})

describe('queue list', () => {
  it('shows what waits for its counterpart, in a column of its own', async () => {
    await submit('pending')
    const { stdout } = await cli('queue', 'list')
    expect(stdout.split('\n')[0]).toMatch(/RETRYING +PENDING +FAILED/)
    expect((await cli('queue', 'list', '--json')).rows()[1]).toMatchObject({
      ...{ queue: 'letters', pending: expect.any(Number), blocked: 0, readyBytes: 0 },
    })
    expect((await cli('status')).stdout).toContain('PENDING')
  })
})

describe('callbacks', () => {
  it('are listed, sent again, and left alone where nobody wants them', async () => {
    receiver.answers.push({ status: 410 })
    const id = await submit('told')
    await receiver.reached(1)
    await kit.spillway.drain()
    const [told] = (await cli('callbacks', 'list', '--state', 'failed', '--json')).rows()
    expect(told).toMatchObject({ commandId: id, url: receiver.url, delivery: { state: 'failed' } })
    expect((await cli('callbacks', 'list')).stdout).toMatch(/failed +1 +command\.succeeded .*410/)
    expect(await cli('callbacks', 'redeliver', told.id)).toMatchObject({ code: 5 })
    expect((await cli('callbacks', 'endpoints', '--json')).rows()).toMatchObject([{ url: receiver.url }])
    expect((await cli('callbacks', 'endpoints')).stdout).toContain(receiver.url)
    expect(await cli('callbacks', 'enable', receiver.url, '--reason', 'back')).toMatchObject({ code: 0 })
    expect(await cli('callbacks', 'enable', receiver.url)).toMatchObject({ code: 5 })
    expect((await cli('callbacks', 'endpoints')).stderr).toContain('No endpoint')
    expect(await cli('callbacks', 'redeliver', told.id)).toMatchObject({ code: 0, stdout: told.id })
    await receiver.reached(2)
    expect(receiver.taken[1]?.id).toBe(told.webhookId)
  })
})
