import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  defineCommand,
  failed,
  into,
  journal,
  pending,
  pool,
  retry,
  type SpillwayConfig,
} from '../../index.js'
import { memory } from '../../stores/memory/index.js'
import { testSpillway } from './index.js'

const click = defineCommand({
  name: 'click',
  input: z.object({ id: z.string() }),
  idempotencyKey: (payload) => payload.id,
  handleBatch: into('clicks', { key: ['id'] }),
})

function letters() {
  const calls: number[] = []
  const letter = defineCommand({
    name: 'letter',
    input: z.object({ fails: z.number() }),
    retry: { attempts: 3, backoff: { type: 'fixed', delay: '10m', jitter: 'none' } },
    handle: ({ fails }, { attempt }) => {
      calls.push(attempt)
      return attempt <= fails ? retry('counterpart busy') : `sent in attempt ${attempt}`
    },
  })
  return { letter, calls }
}

const configOf = (...commands: SpillwayConfig['commands']): SpillwayConfig => ({ store: memory(), commands })

describe('testSpillway', () => {
  it('runs what can run, and the retry only after its time', async () => {
    const { letter, calls } = letters()
    await using t = await testSpillway(configOf(letter))
    const { id } = await t.submit(letter, { fails: 1 })
    await t.drain()
    expect(await t.outcome(id)).toMatchObject({
      state: 'retrying',
      attempts: 1,
      error: { message: 'counterpart busy' },
    })
    await t.advance('9m')
    expect(calls).toEqual([1])
    await t.advance('2m')
    expect(calls).toEqual([1, 2])
    expect(await t.outcome(id)).toMatchObject({
      state: 'succeeded',
      attempts: 2,
      result: '"sent in attempt 2"',
    })
  })

  it('never reaches for the store of the configuration', async () => {
    const config = configOf(click)
    await using t = await testSpillway(config)
    await t.submit(click, { id: 'a' })
    await t.drain()
    expect(t.rows('clicks')).toEqual([{ id: 'a' }])
    expect(await config.store.reader.accounting()).toMatchObject({ accepted: 0 })
  })

  it('has run everything when an inline submit resolves', async () => {
    await using t = await testSpillway(configOf(click), { inline: true })
    await t.submitMany(click, [{ id: 'a' }, { id: 'b' }, { id: 'a' }])
    expect(t.rows('clicks')).toEqual([{ id: 'a' }, { id: 'b' }])
  })

  it('remembers what was submitted', async () => {
    const { letter } = letters()
    await using t = await testSpillway(configOf(click, letter))
    expect(() => t.requireSubmitted(click)).toThrow(/No click was submitted; submitted were: none/)
    await t.submit(letter, { fails: 0 })
    expect(() => t.requireSubmitted('click')).toThrow(/submitted were: letter/)
    await t.submit(click, { id: 'a' })
    expect(t.requireSubmitted(click)).toMatchObject({ payload: { id: 'a' }, receipt: { status: 'accepted' } })
    expect(t.submitted(click)).toHaveLength(1)
  })

  it('waits for handlers that do real I/O', async () => {
    const reader = defineCommand({
      name: 'read',
      input: z.object({}),
      handle: async () =>
        (await import('node:fs/promises'))
          .readFile(new URL(import.meta.url), 'utf8')
          .then((text) => text.length),
    })
    await using t = await testSpillway(configOf(reader))
    const { id } = await t.submit(reader, {})
    await t.drain()
    expect(Number((await t.outcome(id)).result)).toBeGreaterThan(100)
  })

  it('makes the same ids and the same jitter from the same seed', async () => {
    const run = async (seed: number) => {
      await using t = await testSpillway(configOf(click), { seed })
      return (await t.submit(click, { id: 'a' })).id
    }
    expect(await run(7)).toBe(await run(7))
    expect(await run(7)).not.toBe(await run(8))
  })

  it('drains volatile channels too', async () => {
    const { letter } = letters()
    await using t = await testSpillway({ ...configOf(letter), queues: { default: { channel: pool() } } })
    const { id } = await t.submit(letter, { fails: 1 })
    await t.drain()
    expect(await t.outcome(id)).toMatchObject({ state: 'retrying' })
    await t.advance('11m')
    expect(await t.outcome(id)).toMatchObject({ state: 'succeeded', attempts: 2 })
  })

  it('writes no journal and asks no broker', async () => {
    const folder = join(tmpdir(), `spillway-test-kit-${process.pid}`)
    const queues = { default: { channel: journal(folder) } }
    await using t = await testSpillway({ ...configOf(click), queues }, { inline: true })
    const { id } = await t.submit(click, { id: 'a' })
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded' })
    expect(existsSync(folder)).toBe(false)
  })

  it('tells an outcome at once, of a volatile channel as it was after the last drain', async () => {
    const { letter } = letters()
    const thumb = defineCommand({
      name: 'thumb',
      input: z.object({}),
      queue: 'thumbs',
      handle: () => 'small',
    })
    await using t = await testSpillway({
      ...configOf(letter, thumb),
      queues: { thumbs: { channel: pool() } },
    })
    const { id } = await t.submit(letter, { fails: 0 })
    expect(t.outcomeOf(id)).toMatchObject({ id, type: 'letter', payload: '{"fails":0}' })
    const { id: volatile } = await t.submit(thumb, {})
    expect(() => t.outcomeOf(volatile)).toThrow(expect.objectContaining({ code: 'not_found' }))
    await t.drain()
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded' })
    expect(t.outcomeOf(volatile)).toMatchObject({ state: 'succeeded', result: '"small"' })
  })

  it('completes what waits for its counterpart, and with inline has run what follows', async () => {
    const undone: string[] = []
    const parcel = defineCommand({
      name: 'parcel',
      input: z.object({ token: z.string() }),
      handle: ({ token }) => pending({ token, deadline: '1d' }),
      compensate: ({ token }) => {
        undone.push(token)
      },
    })
    await using t = await testSpillway(configOf(parcel), { inline: true })
    const token = 'a-token-of-the-carrier'
    const { id } = await t.submit(parcel, { token })
    expect(t.outcomeOf(id)).toMatchObject({ state: 'pending' })
    expect(await t.complete(token, failed('lost'))).toMatchObject({ state: 'compensating' })
    await t.advance('1s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'compensated' })
    expect(undone).toEqual([token])
  })

  it('begins at the time it is told to', async () => {
    const startAt = Date.UTC(2030, 0, 1)
    const { letter } = letters()
    await using t = await testSpillway(configOf(letter), { startAt })
    expect((await t.submit(letter, { fails: 0 })).acceptedAt).toBe(startAt)
  })

  it('rejects a bad payload as production would', async () => {
    await using t = await testSpillway(configOf(click))
    await expect(t.submit('click', { id: 7 })).rejects.toMatchObject({ code: 'invalid_payload' })
    await expect(t.submit('clack', {})).rejects.toMatchObject({ code: 'unknown_command' })
  })
})
