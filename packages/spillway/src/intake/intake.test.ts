import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { channelRig, command, QUEUE, watch } from '../../test/support/channel-rig.js'
import { store as storeSpec } from '../config/index.js'
import type { SpillwayError } from '../errors/index.js'
import { SILENT } from '../ports/index.js'
import { Intake } from './intake.js'
import { ATOMIC_COMMANDS_MAX } from './submit-many.js'

const input = z.object({ id: z.string() })
const click = () =>
  command('click', {
    input,
    idempotencyKey: (payload) => (payload as { id: string }).id,
    handleBatch: async () => {},
  })
const asynchronous = () =>
  command('slow', { input: z.string().refine(async (text) => text !== 'bad'), handleBatch: async () => {} })
const ids = (...names: string[]): { id: string }[] => names.map((id) => ({ id }))

describe('submit', () => {
  it('refuses an unknown command by its name and counts it under none', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const error = await rig.intake.submit('clack', {}).catch((cause: SpillwayError) => cause)
    expect(error).toMatchObject({ code: 'unknown_command', message: expect.stringContaining('"clack"') })
    expect(await rig.intake.submit(undefined as never, {}).catch((cause: SpillwayError) => cause.code)).toBe(
      'unknown_command',
    )
    await rig.clock.advance(0)
    expect(rig.recorded('command.received')).toEqual([
      { event: 'command.received', queue: '_unknown', type: '_unknown', outcome: 'rejected', count: 2 },
    ])
  })

  it('takes a definition or its name', async () => {
    const definition = click()
    const rig = channelRig(storeSpec(), [definition])
    const answers = watch([
      rig.intake.submit(definition, { id: 'a' }),
      rig.intake.submit('click', { id: 'b' }),
    ])
    await rig.clock.advance(0)
    expect(answers.values.map((receipt) => receipt?.type)).toEqual(['click', 'click'])
  })

  it('refuses an invalid command alone: the others of the moment are stored', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const answers = watch([
      rig.submit({ id: 'a' }),
      rig.submit({ id: 1 }),
      rig.submit({ id: 'b' }, { priority: 1_000 }),
      rig.submit({ id: 'c' }),
    ])
    await rig.clock.advance(0)
    expect(answers.errors).toEqual([undefined, 'invalid_payload', 'invalid_argument', undefined])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
    expect(rig.recorded('command.received').map(({ outcome, count }) => [outcome, count])).toEqual([
      ['accepted', 2],
      ['rejected', 2],
    ])
  })

  it('never throws at the caller: every fault is a rejection', () => {
    const rig = channelRig(storeSpec(), [click()])
    for (const call of [
      () => rig.intake.submit('nope', 1),
      () => rig.submit(1),
      () => rig.submit({ id: 'a' }, null as never),
    ]) {
      expect(call().catch(() => {})).toBeInstanceOf(Promise)
    }
  })

  it('waits for an asynchronous schema', async () => {
    const rig = channelRig(storeSpec(), [asynchronous()])
    const answers = watch([rig.submit('good'), rig.submit('bad')])
    await rig.clock.advance(0)
    expect(answers.values[0]?.status).toBe('accepted')
    expect(answers.errors[1]).toBe('invalid_payload')
  })

  it('is not given to commands without a channel', () => {
    const rig = channelRig(storeSpec(), [click()])
    const definitions = new Map([['click', click()]])
    expect(
      () =>
        new Intake({
          definitions,
          queues: new Map(),
          channels: new Map(),
          clock: rig.clock,
          telemetry: SILENT,
        }),
    ).toThrow('no channel')
  })
})

describe('submitMany', () => {
  it('gives one verdict per command, in order, and refuses the bad ones alone', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const payloads = [...ids('a', 'b'), { id: 7 }, ...ids('a', 'c')]
    const answer = rig.intake.submitMany('click', payloads, {
      each: (index) => (index === 1 ? { priority: 900 } : {}),
    })
    await rig.clock.advance(0)
    const verdicts = await answer
    expect(verdicts.map((verdict) => (verdict.ok ? verdict.receipt.status : verdict.error.code))).toEqual([
      'accepted',
      'invalid_argument',
      'invalid_payload',
      'duplicate',
      'accepted',
    ])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2 })
  })

  it('takes the options of each command', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const answer = rig.intake.submitMany('click', ids('a', 'b'), {
      each: (index) => ({ key: `k${index}`, delay: index }),
    })
    await rig.clock.advance(0)
    const states = await Promise.all(
      (await answer).map((verdict) => rig.stored(verdict.ok ? verdict.receipt.id : '')),
    )
    expect(states.map((view) => view?.state)).toEqual(['accepted', 'scheduled'])
  })

  it('makes a throw from each() the verdict of that command', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const each = (index: number) => {
      if (index === 0) throw new Error('bug')
      return {}
    }
    const answer = rig.intake.submitMany('click', ids('a', 'b'), { each })
    await rig.clock.advance(0)
    expect((await answer).map((verdict) => verdict.ok)).toEqual([false, true])
  })

  it('keeps the order of commands whose schema is asynchronous', async () => {
    const rig = channelRig(storeSpec(), [asynchronous()])
    const answer = rig.intake.submitMany('slow', ['a', 'bad', 'c'])
    await rig.clock.advance(0)
    const verdicts = await answer
    expect(
      verdicts.map((verdict) => (verdict.ok ? verdict.receipt.id.slice(-1) : verdict.error.code)),
    ).toEqual(['0', 'invalid_payload', '1'])
  })

  it('takes more commands than a queue may hold, as long as the store keeps up', async () => {
    const rig = channelRig(storeSpec({ maxItems: 1_500 }), [
      command('plain', { handleBatch: async () => {} }),
    ])
    const answer = rig.intake.submitMany(
      'plain',
      Array.from({ length: 5_000 }, (_, index) => index),
    )
    await rig.clock.advance(0)
    expect((await answer).every((verdict) => verdict.ok)).toBe(true)
  })

  it('answers an empty list with an empty list', async () => {
    const rig = channelRig(storeSpec(), [click()])
    expect(await rig.intake.submitMany('click', [])).toEqual([])
    expect(await rig.intake.submitMany('click', [], { atomic: true })).toEqual([])
  })

  it('rejects as a whole only for a wrong call', async () => {
    const { intake } = channelRig(storeSpec(), [click()])
    const codes = [
      intake.submitMany('nope', []),
      intake.submitMany('click', new Set() as never),
      intake.submitMany('click', new Array(ATOMIC_COMMANDS_MAX + 1).fill({ id: 'a' }), { atomic: true }),
    ].map((call) => call.catch((cause: SpillwayError) => cause.code))
    expect(await Promise.all(codes)).toEqual(['unknown_command', 'invalid_argument', 'invalid_argument'])
  })

  it('offers nothing of an atomic submit when one of its commands is invalid', async () => {
    const rig = channelRig(storeSpec(), [click()])
    const verdicts = await rig.intake.submitMany('click', [...ids('a'), { id: 1 }, ...ids('b')], {
      atomic: true,
    })
    expect(verdicts).toMatchObject([
      { ok: false, error: { code: 'invalid_argument', details: { atomic: true, index: 1 } } },
      { ok: false, error: { code: 'invalid_payload' } },
      { ok: false, error: { code: 'invalid_argument' } },
    ])
    expect(rig.faulting.appendedAt).toEqual([])
    await rig.clock.advance(0)
    expect(rig.recorded('command.received')).toMatchObject([{ outcome: 'rejected', count: 3, queue: QUEUE }])
  })
})
