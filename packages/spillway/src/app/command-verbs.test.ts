import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, failed, type SettledEvent } from '../index.js'
import { memory } from '../stores/memory/index.js'
import { type TestSpillway, testSpillway } from '../testing/index.js'

let t: TestSpillway
afterEach(() => t.close())

const write = defineCommand({
  name: 'write',
  input: z.object({ row: z.string(), size: z.number().max(10) }),
  retry: { attempts: 1 },
  handle: ({ row }) => {
    if (row === 'bad') throw new Error('cannot be written')
    return row === 'refused' ? failed('not wanted') : row
  },
})

async function open() {
  t = await testSpillway({ store: memory(), commands: [write] })
  const submit = async (row: string) => (await t.submit(write, { row, size: 1 })).id
  return { submit, spillway: t.spillway }
}

const auditOf = async () => (await t.spillway.audit({ limit: 10 })).items

describe('cancel', () => {
  it('cancels what has not begun, says so of each, and keeps who did it and why', async () => {
    const { submit, spillway } = await open()
    await spillway.pause('default')
    const [first, second] = [await submit('a'), await submit('b')]
    const absent = `${'0'.repeat(32)}-0`
    expect(await spillway.cancel([first, second, absent], { actor: 'ada', reason: 'ordered twice' })).toEqual(
      ['ok', 'ok', 'not_found'],
    )
    expect(await spillway.cancel([first])).toEqual(['conflict'])
    expect(t.outcomeOf(first)).toMatchObject({ state: 'cancelled' })
    expect(await spillway.metrics.render()).toContain(
      'spillway_command_finished_total{queue="default",command="write",outcome="cancelled"} 2',
    )
    expect(await auditOf()).toMatchObject([
      {
        actor: 'ada',
        action: 'cancel',
        target: `${first}, ${second}, ${absent}`,
        reason: 'ordered twice',
        count: 2,
      },
      { actor: 'api', action: 'queue.pause', target: 'default' },
    ])
  })

  it('tells who waits and who listens in this process', async () => {
    const { submit, spillway } = await open()
    await spillway.pause('default')
    const id = await submit('a')
    const heard: SettledEvent[] = []
    spillway.on('cancelled', (event) => heard.push(event))
    const waiting = spillway.outcome(id, { wait: '1h' })
    await t.clock.advance(1)
    await spillway.cancel([id])
    await t.clock.advance(1)
    expect(await waiting).toMatchObject({ state: 'cancelled' })
    expect(heard).toMatchObject([{ id, state: 'cancelled', attempts: 0 }])
  })
})

describe('discard', () => {
  it('gives up what is dead or failed, and nothing else', async () => {
    const { submit, spillway } = await open()
    const ids = [await submit('bad'), await submit('refused'), await submit('good')]
    await t.drain()
    expect(await spillway.discard(ids, { reason: 'known fault' })).toEqual(['ok', 'ok', 'conflict'])
    expect(ids.map((id) => t.outcomeOf(id).state)).toEqual(['cancelled', 'cancelled', 'succeeded'])
    expect(await auditOf()).toMatchObject([{ action: 'discard', count: 2, reason: 'known fault' }])
  })
})

describe('redrive', () => {
  it('runs a dead command again under its id, with the payload put right', async () => {
    const { submit, spillway } = await open()
    const [bad, other] = [await submit('bad'), await submit('bad')]
    await t.drain()
    expect(
      await spillway.redrive([bad, other], {
        payloads: [{ row: 'mended', size: 2 }, undefined],
        actor: 'ada',
      }),
    ).toEqual(['ok', 'ok'])
    await t.advance('1s')
    expect(t.outcomeOf(bad)).toMatchObject({
      ...{ id: bad, state: 'succeeded', generation: 1, payload: '{"row":"mended","size":2}' },
    })
    expect(t.outcomeOf(other)).toMatchObject({
      state: 'dead',
      generation: 1,
      payload: '{"row":"bad","size":1}',
    })
    expect(await auditOf()).toMatchObject([{ actor: 'ada', action: 'redrive', count: 2 }])
  })

  it('takes no payload that a submit would not take, and then changes nothing', async () => {
    const { submit, spillway } = await open()
    const ids = [await submit('bad'), await submit('bad')]
    await t.drain()
    const payloads = [
      { row: 'a', size: 1 },
      { row: 'b', size: 11 },
    ]
    await expect(spillway.redrive(ids, { payloads })).rejects.toMatchObject({
      code: 'invalid_payload',
      details: { issues: [{ pointer: '/size' }] },
    })
    await expect(
      spillway.redrive(ids, { payloads: [{ row: 'x'.repeat(2 ** 20), size: 1 }, undefined] }),
    ).rejects.toMatchObject({ code: 'payload_too_large' })
    await expect(spillway.redrive(ids, { payloads: [undefined] })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(ids.map((id) => t.outcomeOf(id).state)).toEqual(['dead', 'dead'])
    expect(await auditOf()).toEqual([])
  })

  it('takes no payload that would change the place of a command in its order', async () => {
    const move = defineCommand({
      name: 'move',
      input: z.object({ account: z.string(), amount: z.number() }),
      orderingKey: ({ account }) => account,
      retry: { attempts: 1 },
      handle: ({ amount }) => {
        if (amount < 0) throw new Error('negative')
      },
    })
    t = await testSpillway({ store: memory(), commands: [move], queues: { default: { ordered: {} } } })
    const { id } = await t.submit(move, { account: 'a', amount: -1 })
    await t.drain()
    await expect(t.spillway.redrive([id], { payloads: [{ account: 'b', amount: 1 }] })).rejects.toMatchObject(
      { code: 'invalid_payload', details: { id } },
    )
    expect(await t.spillway.redrive([id], { payloads: [{ account: 'a', amount: 1 }] })).toEqual(['ok'])
    await t.advance('1s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded' })
  })

  it('takes no payload for a command that this process does not define', async () => {
    const { submit } = await open()
    const id = await submit('bad')
    await t.drain()
    const { store } = t.spillway.config
    const other = await createSpillway(
      { store: { ...store, open: async () => {}, close: async () => {} }, commands: [] },
      { clock: t.clock, logs: 'silent', roles: ['intake'] },
    )
    await expect(other.redrive([id], { payloads: [{ row: 'a', size: 1 }] })).rejects.toMatchObject({
      code: 'unsupported',
    })
    expect(await other.redrive([id])).toEqual(['ok'])
    await other.close()
  })
})

describe('all verbs', () => {
  it('take a bounded list of ids, and texts that can be kept', async () => {
    const { spillway } = await open()
    const many = Array.from({ length: 501 }, (_, at) => `${'0'.repeat(32)}-${at}`)
    for (const verb of ['cancel', 'discard', 'redrive'] as const) {
      await expect(spillway[verb](many)).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringContaining('start an operation'),
      })
      await expect(spillway[verb](7 as never)).rejects.toMatchObject({ code: 'invalid_argument' })
      await expect(spillway[verb]([], { reason: 'x'.repeat(501) })).rejects.toMatchObject({
        code: 'invalid_argument',
      })
      await expect(spillway[verb]([], { actor: '' })).rejects.toMatchObject({ code: 'invalid_argument' })
    }
  })
})

describe('dead letters', () => {
  it('are listed, and grouped by what they failed with', async () => {
    const { submit, spillway } = await open()
    const ids = [await submit('bad'), await submit('bad'), await submit('good')]
    await t.drain()
    const page = await spillway.deadLetters.list({ limit: 10 })
    expect(page.items.map(({ id }) => id).sort()).toEqual(ids.slice(0, 2).sort())
    const [group, ...others] = await spillway.deadLetters.groups({ limit: 10 })
    expect(others).toEqual([])
    expect(group).toMatchObject({
      type: 'write',
      queue: 'default',
      count: 2,
      error: { message: 'cannot be written' },
    })
    expect(
      await spillway.deadLetters.list({
        limit: 10,
        ...(group === undefined ? {} : { fingerprint: group.fingerprint }),
      }),
    ).toMatchObject({ items: [{}, {}], next: null })
    await expect(spillway.deadLetters.list({ limit: 0 })).rejects.toMatchObject({ code: 'invalid_argument' })
    await expect(spillway.deadLetters.groups({ limit: 501 })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})
