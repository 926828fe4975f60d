import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Spillway } from '../../app/api.js'
import { createSpillway } from '../../app/create-spillway.js'
import { defineCommand } from '../../config/index.js'
import { failed, ok } from '../../domain/index.js'
import { type HttpServer, serveHttp } from '../../http/index.js'
import { memory } from '../../stores/memory/index.js'
import { HttpClient } from './http-client.js'
import { HttpTarget } from './http-target.js'
import { storeTarget } from './store-target.js'
import type { Target } from './target.js'

const TOKEN = 'a token of more than sixteen characters'.replaceAll(' ', '-')
const ABSENT = '0193e4f0c1e07a5d8d7d1e3fb4a2c9d0-0'
const open = new AbortController().signal

const letter = defineCommand({
  name: 'letter.issue',
  queue: 'letters',
  input: z.strictObject({ id: z.string(), end: z.enum(['ok', 'failed', 'thrown']).default('ok') }),
  idempotencyKey: ({ id }) => id,
  retry: { attempts: 1 },
  handle({ id, end }) {
    if (end === 'thrown') throw new Error(`no ${id}`)
    return end === 'failed' ? failed('refused') : { issued: id }
  },
})

let spillway: Spillway
let server: HttpServer
beforeAll(async () => {
  spillway = await createSpillway(
    { store: memory(), commands: [letter], http: { token: TOKEN } },
    { logs: 'silent' },
  )
  server = await serveHttp(spillway, { port: 0 })
})
afterAll(async () => {
  await server.close()
  await spillway.close()
})

const http = (base = server.url, token: string | null = TOKEN) =>
  new HttpTarget(base, new HttpClient({ base, token, actor: 'cli:ann' }, open), open)

/** Its methods, which can then be called by themselves. */
function bound(target: Target) {
  const { operator } = target
  return { operator, submit: target.submit.bind(target), get: target.get.bind(target) }
}

describe.each(['store', 'http'] as const)('a target behind %s', (kind) => {
  const target = (): Target =>
    kind === 'http'
      ? http()
      : storeTarget(spillway, 'store', { signal: open, actor: 'cli:ann', spools: async () => [] })
  const id = (name: string) => `${kind} ${name}`

  it('submits with a key, finds repeats, and shows the end with result and payload', async () => {
    const payload = { id: id('one') }
    const key = `${kind} "quoted" \\`
    const receipt = await target().submit('letter.issue', payload, { key, priority: 3 })
    expect(receipt).toMatchObject({
      status: 'accepted',
      duplicate: false,
      queue: 'letters',
      durability: 'memory',
    })
    expect(await target().submit('letter.issue', payload, { key })).toMatchObject({
      id: receipt.id,
      duplicate: true,
    })
    const record = await target().get(receipt.id, { waitMs: 10_000, payload: true })
    expect(record).toMatchObject({ state: 'succeeded', priority: 3, result: { issued: id('one') }, payload })
    expect(Object.keys(record)).not.toContain('links')
  })

  it('submits many, each judged alone', async () => {
    const verdicts = await target().submitMany('letter.issue', [{ id: id('a') }, { id: 5 }, { id: id('a') }])
    expect(verdicts).toMatchObject([
      { status: 'accepted' },
      { status: 'rejected', error: { code: 'invalid_payload' } },
      { status: 'duplicate' },
    ])
  })

  it('refuses in the same words', async () => {
    await expect(target().submit('nope', {}, {})).rejects.toMatchObject({ code: 'unknown_command' })
    await expect(target().submit('letter.issue', { id: 5 }, {})).rejects.toMatchObject({
      code: 'invalid_payload',
      details: { issues: [{ pointer: '/id' }] },
    })
    await expect(target().submit('letter.issue', { id: id('x') }, { priority: 1_000 })).rejects.toMatchObject(
      { code: 'invalid_argument' },
    )
    await expect(target().submitMany('nope', [{}])).rejects.toMatchObject({ code: 'unknown_command' })
    await expect(target().get(ABSENT)).rejects.toMatchObject({ code: 'expired' })
    await expect(target().get('no id')).rejects.toMatchObject({ code: 'not_found' })
    await expect(target().pause('nope', undefined)).rejects.toMatchObject({ code: 'not_found' })
    await expect(target().limit('letters', 0)).rejects.toMatchObject({ code: 'invalid_argument' })
  })

  it('cancels what waits and runs again what is dead, and says what it could not', async () => {
    const scheduled = await target().submit('letter.issue', { id: id('later') }, { delay: '1h' })
    expect((await target().get(scheduled.id)).nextAt).toMatch(/^\d{4}-.*Z$/)
    expect(await target().operator.cancel([scheduled.id, ABSENT, scheduled.id], undefined)).toEqual([
      'ok',
      'not_found',
      'conflict',
    ])
    const dying = await target().submit('letter.issue', { id: id('dead'), end: 'thrown' }, {})
    expect(await target().get(dying.id, { waitMs: 10_000 })).toMatchObject({
      state: 'dead',
      error: { message: `no ${id('dead')}` },
    })
    expect(await target().operator.retry([dying.id, ABSENT], { reason: 'mended' })).toEqual([
      'ok',
      'not_found',
    ])
    expect(await target().get(dying.id, { waitMs: 10_000 })).toMatchObject({ state: 'dead', generation: 1 })
  })

  it('groups what died, runs one with another payload and gives another up, all in the audit', async () => {
    const { operator, submit, get } = bound(target())
    const dying: string[] = []
    for (const name of ['one', 'two', 'three'])
      dying.push((await submit('letter.issue', { id: id(`lost ${name}`), end: 'thrown' }, {})).id)
    for (const each of dying) await get(each, { waitMs: 10_000 })
    const [edited = '', discarded = '', left = ''] = dying
    const [group] = await operator.errorGroups({ type: 'letter.issue', queue: 'letters', limit: 5 })
    expect(group).toMatchObject({ type: 'letter.issue', lastAt: expect.stringMatching(/Z$/) })
    expect(await operator.errorGroups({ type: 'nope', limit: 5 })).toEqual([])

    const payload = { id: id('found'), end: 'ok' }
    await expect(operator.retry([edited], { reason: undefined, payload: { id: 5 } })).rejects.toMatchObject({
      ...{ code: 'invalid_payload', details: { issues: [{ pointer: '/id' }] } },
    })
    expect(await operator.retry([edited], { reason: 'a typo', payload })).toEqual(['ok'])
    expect(await get(edited, { waitMs: 10_000, payload: true })).toMatchObject({
      ...{ state: 'succeeded', stage: 'execute', payload },
      history: [
        { attempt: 1, workerId: spillway.workerId },
        { attempt: 1, error: null },
      ],
    })
    expect(await operator.discard([discarded, discarded, ABSENT], 'old')).toEqual([
      'ok',
      'conflict',
      'not_found',
    ])

    const { fingerprint } = await get(left)
    const filter = { state: 'dead', fingerprint: fingerprint ?? '' } as const
    const counted = await operator.startOperation({ action: 'cancel', filter: {}, dryRun: true })
    expect(counted).toEqual({ id: null, matches: expect.any(Number), more: false })
    const started = await operator.startOperation({ action: 'discard', filter, reason: 'older' })
    await get(started.id ?? '', { waitMs: 10_000 })
    const ended = await operator.operation(started.id ?? '')
    expect(ended).toMatchObject({ action: 'discard', filter, actor: 'cli:ann', state: 'succeeded' })
    expect(ended.changed).toBeGreaterThanOrEqual(1)
    expect(Object.keys(ended)).not.toContain('links')
    expect((await get(left)).state).toBe('cancelled')

    const newest = await operator.audit({ limit: 1 })
    const { items } = await operator.audit({ limit: 3, after: newest.next ?? '' })
    expect(items.map(({ actor, action, reason }) => [actor, action, reason])).toEqual([
      ['cli:ann', 'operation.discard', 'older'],
      ['cli:ann', 'discard', 'old'],
      ['cli:ann', 'redrive', 'a typo'],
    ])
  })

  it('refuses operators in the same words', async () => {
    const { operator } = target()
    const token = 'a-token-nobody-waits-for'
    await expect(operator.complete(token, ok())).rejects.toMatchObject({ code: 'token_unknown' })
    await expect(operator.operation(ABSENT)).rejects.toMatchObject({ code: 'not_found' })
    await expect(operator.redeliver(ABSENT, 'x')).rejects.toMatchObject({ code: 'not_found' })
    await expect(operator.enableEndpoint('https://example.com/', undefined)).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(operator.audit({ limit: 1, after: 'x' })).rejects.toMatchObject({ code: 'invalid_argument' })
    const filter = { state: 'succeeded' } as const
    await expect(operator.startOperation({ action: 'redrive', filter })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await operator.callbacks({ limit: 5 })).toEqual({ items: [], next: null })
    expect(await operator.goneEndpoints()).toEqual([])
  })

  it('resolves with the command as it is when a wait is over', async () => {
    expect(await target().pause('letters', 'a test')).toMatchObject({ paused: true, pauseReason: 'a test' })
    expect(await target().limit('letters', 3)).toMatchObject({ queue: 'letters', leasesMax: 3 })
    try {
      const { id: waiting } = await target().submit('letter.issue', { id: id('paused') }, {})
      expect(await target().get(waiting, { waitMs: 20 })).toMatchObject({ state: 'accepted', attempts: 0 })
      expect(await target().queues()).toMatchObject([
        { queue: 'default' },
        { queue: 'letters', paused: true, pauseReason: 'a test', leasesMax: 3, ready: 1 },
      ])
    } finally {
      await target().limit('letters', null)
      expect(await target().resume('letters')).toEqual({
        ...{ queue: 'letters', paused: false, pauseReason: null, leasesMax: null },
      })
    }
  })

  it('shows who works on the store', async () => {
    expect(await target().nodes()).toMatchObject([
      {
        ...{ pid: process.pid, alive: true, holds: ['maintenance'] },
        startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        seenAt: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ])
  })

  it('lists in pages', async () => {
    const first = await target().list({ limit: 1, type: 'letter.issue', queue: 'letters' })
    expect(first.items).toHaveLength(1)
    const second = await target().list({ limit: 1, after: first.next as string })
    expect(second.items[0]?.id).not.toBe(first.items[0]?.id)
    expect((await target().list({ limit: 5, state: 'running', type: 'nope' })).items).toEqual([])
  })

  it('tells whether commands can be accepted', async () => {
    const { ready, checks } = await target().health()
    expect(ready).toBe(true)
    expect(checks.map(({ ok }) => ok)).not.toContain(false)
  })
})

describe('both targets', () => {
  it('give the same record of the same command', async () => {
    const local = storeTarget(spillway, 'store', { signal: open, actor: 'cli:ann', spools: async () => [] })
    const { id } = await local.submit('letter.issue', { id: 'same', end: 'failed' }, {})
    const record = await local.get(id, { waitMs: 10_000, payload: true })
    expect(record.state).toBe('failed')
    expect(await http().get(id, { payload: true })).toEqual(record)
    expect(await http().queues()).toEqual(await local.queues())
  })
})

describe('a target behind http', () => {
  it('says what to do about a wrong token, and does not repeat it', async () => {
    for (const token of [null, 'wrong-and-secret-token']) {
      const failure = await http(server.url, token)
        .queues()
        .then(String, (error: Error & { code: string }) => error)
      expect(failure).toMatchObject({
        code: 'invalid_config',
        message: expect.stringContaining('SPILLWAY_TOKEN'),
      })
      expect(String(failure)).not.toContain('wrong-and-secret')
    }
  })

  it('tells a wrong path from an unreachable server', async () => {
    await expect(http(`${server.url}/elsewhere`).queues()).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('mounted under'),
    })
    const gone = await serveHttp(spillway, { port: 0 })
    await gone.close()
    await expect(http(gone.url).queues()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('gives up when it is interrupted', async () => {
    const interruption = new AbortController()
    const client = new HttpClient({ base: server.url, token: TOKEN, actor: 'cli' }, interruption.signal)
    const { id } = await http().submit('letter.issue', { id: 'interrupted' }, { delay: '1h' })
    const waiting = new HttpTarget(server.url, client, interruption.signal).get(id, { waitMs: 60_000 })
    interruption.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
