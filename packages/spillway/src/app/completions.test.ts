import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { pool } from '../config/index.js'
import {
  type CommandOptions,
  defineCommand,
  failed,
  ok,
  pending,
  retry,
  type SettledEvent,
  type SpillwayConfig,
  unknown,
} from '../index.js'
import { memory } from '../stores/memory/index.js'
import { type TestSpillway, testSpillway } from '../testing/index.js'

const Payment = z.object({ order: z.string() })
type Options = Partial<CommandOptions<string, typeof Payment>>

let t: TestSpillway
afterEach(() => t.close())

/** A payment that waits for the token its handler made, and what the handler was called with. */
async function open(options: Options = {}, config: Partial<SpillwayConfig> = {}) {
  const tokens: string[] = []
  const pay = defineCommand({
    name: 'pay',
    input: Payment,
    handle: (_, ctx) => {
      const token = ctx.completionToken()
      tokens.push(token)
      return pending({ token, deadline: '1h' })
    },
    ...options,
  })
  t = await testSpillway({ store: memory(), commands: [pay], ...config })
  const { id } = await t.submit(pay, { order: 'a' })
  return { pay, id, tokens }
}

describe('complete', () => {
  it('ends a pending command with its value, once', async () => {
    const { id, tokens } = await open()
    await t.drain()
    const [token = ''] = tokens
    expect(await t.complete(token, ok({ receipt: 7 }))).toMatchObject({
      ...{ id, state: 'succeeded', result: '{"receipt":7}', attempts: 1, error: null },
    })
    await expect(t.complete(token, ok())).rejects.toMatchObject({ code: 'token_unknown' })
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', result: '{"receipt":7}' })
  })

  it('ends it without a value, with a refusal, or tries it again, as the counterpart says', async () => {
    const { pay, id, tokens } = await open()
    const { id: refused } = await t.submit(pay, { order: 'b' })
    const { id: again } = await t.submit(pay, { order: 'c' })
    await t.drain()
    const tokenOf = (of: string) => tokens.find((token) => token.startsWith(of)) ?? ''
    expect(await t.complete(tokenOf(id), ok())).toMatchObject({ state: 'succeeded', result: null })
    expect(await t.complete(tokenOf(refused), failed('no money'))).toMatchObject({
      ...{ state: 'failed', error: { code: 'failed', message: 'no money' } },
    })
    expect(await t.complete(tokenOf(again), retry('try later', { afterMs: 5_000 }))).toMatchObject({
      state: 'retrying',
    })
    await t.advance('6s')
    expect(t.outcomeOf(again)).toMatchObject({ state: 'pending', attempts: 2 })
  })

  it('follows the policy of the type: reconciles what is unknown, compensates what is refused', async () => {
    const undone: string[] = []
    const { pay, id, tokens } = await open({
      reconcile: () => ({ reconciled: 'applied', value: 'found' }),
      compensate: ({ order }) => {
        undone.push(order)
      },
    })
    const { id: refused } = await t.submit(pay, { order: 'b' })
    await t.drain()
    const tokenOf = (of: string) => tokens.find((token) => token.startsWith(of)) ?? ''
    expect(await t.complete(tokenOf(id), unknown('lost track'))).toMatchObject({ state: 'reconciling' })
    expect(await t.complete(tokenOf(refused), failed('no'))).toMatchObject({ state: 'compensating' })
    await t.advance('2s')
    expect(t.outcomeOf(id)).toMatchObject({ state: 'succeeded', result: '"found"' })
    expect(t.outcomeOf(refused)).toMatchObject({ state: 'compensated' })
    expect(undone).toEqual(['b'])
  })

  it('undoes recorded steps when the counterpart refuses', async () => {
    const log: string[] = []
    const tokens: string[] = []
    const { id } = await open({
      handle: async (_, ctx) => {
        await ctx.step(
          'reserve',
          () => 'r1',
          (result) => log.push(`undo ${result}`),
        )
        tokens.push(ctx.completionToken())
        return pending({ token: tokens.at(-1) ?? '', deadline: '1h' })
      },
    })
    await t.drain()
    await t.complete(tokens[0] ?? '', failed('sold out'))
    await t.advance('1s')
    expect(log).toEqual(['undo r1'])
    expect(t.outcomeOf(id)).toMatchObject({ state: 'compensated', error: { message: 'sold out' } })
  })

  it('takes nothing after the deadline', async () => {
    const { id, tokens } = await open({ retry: { attempts: 1 } })
    await t.drain()
    await t.advance('61m')
    await expect(t.complete(tokens[0] ?? '', ok())).rejects.toMatchObject({ code: 'token_unknown' })
    expect(t.outcomeOf(id)).toMatchObject({ state: 'dead', error: { code: 'completion_expired' } })
  })

  it('says that the execution has not ended yet, while it has not', async () => {
    let release = (): void => {}
    const tokens: string[] = []
    await open({
      handle: async (_, ctx) => {
        tokens.push(ctx.completionToken())
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return pending({ token: tokens[0] ?? '', deadline: '1h' })
      },
    })
    while (tokens.length === 0) await t.clock.advance(1)
    await expect(t.complete(tokens[0] ?? '', ok())).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringContaining('has not ended yet'),
    })
    release()
    await t.drain()
    expect(await t.complete(tokens[0] ?? '', ok())).toMatchObject({ state: 'succeeded' })
  })

  it('says the same of a command that its channel has not handed to the store yet', async () => {
    let release = (): void => {}
    const tokens: string[] = []
    await open(
      {
        handle: async (_, ctx) => {
          tokens.push(ctx.completionToken())
          await new Promise<void>((resolve) => {
            release = resolve
          })
          return pending({ token: tokens[0] ?? '', deadline: '1h' })
        },
      },
      { queues: { default: { channel: pool() } } },
    )
    while (tokens.length === 0) await t.clock.advance(1)
    await expect(t.complete(tokens[0] ?? '', ok())).rejects.toMatchObject({ code: 'state_conflict' })
    release()
    await t.drain()
    expect(await t.complete(tokens[0] ?? '', ok('paid'))).toMatchObject({
      state: 'succeeded',
      result: '"paid"',
    })
  })

  it('waits for a poll that is under way, and of the two answers one counts', async () => {
    let release = (): void => {}
    let polls = 0
    const { id, tokens } = await open({
      poll: {
        every: '10s',
        run: async () => {
          polls += 1
          await new Promise<void>((resolve) => {
            release = resolve
          })
          return null
        },
      },
    })
    await t.drain()
    while (polls === 0) await t.clock.advance(100)
    const completing = t.spillway.complete(tokens[0] ?? '', ok('told'))
    await t.clock.advance(250)
    release()
    await t.clock.advance(1_000)
    expect(await completing).toMatchObject({ id, state: 'succeeded', result: '"told"' })
  })

  it('gives up on a poll that takes too long, and the same call succeeds later', async () => {
    let release = (): void => {}
    let polls = 0
    const { tokens } = await open({
      poll: {
        every: '10s',
        run: async () => {
          polls += 1
          await new Promise<void>((resolve) => {
            release = resolve
          })
          return null
        },
      },
    })
    await t.drain()
    while (polls === 0) await t.clock.advance(100)
    const refused = expect(t.spillway.complete(tokens[0] ?? '', ok())).rejects.toMatchObject({
      code: 'state_conflict',
    })
    await t.clock.advance(5_000)
    await refused
    release()
    await t.drain()
    expect(await t.complete(tokens[0] ?? '', ok())).toMatchObject({ state: 'succeeded' })
  })

  it('tells who waits and who listens in this process', async () => {
    const { id, tokens } = await open()
    await t.drain()
    const heard: SettledEvent[] = []
    t.spillway.on('succeeded', (event) => heard.push(event))
    const waiting = t.spillway.outcome(id, { wait: '1h' })
    await t.clock.advance(1)
    await t.complete(tokens[0] ?? '', ok(1))
    await t.clock.advance(1)
    expect(await waiting).toMatchObject({ state: 'succeeded', result: '1' })
    expect(heard).toEqual([
      { id, type: 'pay', queue: 'default', state: 'succeeded', attempts: 1, error: null, result: '1' },
    ])
  })

  it('counts the end of a command once it is in the store', async () => {
    const { tokens } = await open()
    await t.drain()
    await expect(
      t.complete(
        tokens[0] ?? '',
        ok(() => 'a function'),
      ),
    ).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    const finished =
      /spillway_command_finished_total\{queue="default",command="pay",outcome="succeeded"\} (\d+)/
    expect(await t.spillway.metrics.render()).not.toMatch(finished)
    await t.complete(tokens[0] ?? '', ok())
    expect(finished.exec(await t.spillway.metrics.render())?.[1]).toBe('1')
  })

  it.each([
    ['pending again', { outcome: 'pending', deadlineMs: 1 }],
    ['nothing', undefined],
    ['an exception', { outcome: 'exception' }],
  ])('refuses %s as an answer', async (_, outcome) => {
    const { tokens } = await open()
    await t.drain()
    await expect(t.complete(tokens[0] ?? '', outcome as never)).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })

  it.each(['', 'x'.repeat(600), 'a-token-nobody-made', `${'0'.repeat(32)}-0.secret`])(
    'knows no command for the token %j',
    async (token) => {
      await open()
      await expect(t.complete(token, ok())).rejects.toMatchObject({ code: 'token_unknown' })
    },
  )
})
