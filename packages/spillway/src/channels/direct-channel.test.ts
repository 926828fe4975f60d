import { describe, expect, it } from 'vitest'
import { channelRig, command, Gate, watch } from '../../test/support/channel-rig.js'
import { direct } from '../config/index.js'

describe('direct channel', () => {
  it('executes within the submit and gives the receipt after it', async () => {
    const gate = new Gate()
    const rig = channelRig(direct(), [command('job', { handle: gate.handle })])
    const answers = watch([rig.submit(1), rig.submit(2)])
    await rig.clock.advance(5)
    expect(gate.started).toEqual([1, 2])
    expect(answers.values).toEqual([undefined, undefined])
    gate.open(1)
    await rig.clock.advance(0)
    expect(answers.values[0]).toMatchObject({ status: 'accepted', durability: 'executed' })
    expect(answers.values[1]).toBeUndefined()
    expect(rig.channel.lookup(answers.values[0]?.id ?? '')).toMatchObject({ state: 'succeeded' })
    expect(rig.faulting.appendedAt).toEqual([])
  })

  it('parks an exception before the receipt, so that it is retried', async () => {
    const rig = channelRig(direct(), [
      command('job', {
        handle: () => {
          throw new Error('boom')
        },
      }),
    ])
    const answers = watch([rig.submit(1)])
    await rig.clock.advance(0)
    expect(answers.values[0]?.durability).toBe('executed')
    expect(await rig.stored(answers.values[0]?.id ?? '')).toMatchObject({ state: 'retrying', attempts: 1 })
  })

  it('answers a repeat while the first still runs, and stores what is scheduled', async () => {
    const gate = new Gate()
    const rig = channelRig(direct(), [command('job', { idempotencyKey: String, handle: gate.handle })])
    const answers = watch([rig.submit(1), rig.submit(1), rig.submit(2, { delay: '1h' })])
    await rig.clock.advance(0)
    expect(answers.values[1]).toMatchObject({ status: 'duplicate' })
    expect(await rig.stored(answers.values[2]?.id ?? '')).toMatchObject({ state: 'scheduled' })
    expect(gate.started).toEqual([1])
  })

  it('lets a stream run as many at once as the queue allows', async () => {
    const gate = new Gate()
    const rig = channelRig(direct(), [command('job', { handle: gate.handle })], { queue: { concurrency: 3 } })
    const report = watch([rig.intake.submitStream('job', [1, 2, 3, 4, 5])])
    await rig.clock.advance(0)
    expect(gate.started).toEqual([1, 2, 3])
    gate.open(1)
    await rig.clock.advance(0)
    expect(gate.started).toEqual([1, 2, 3, 4])
    gate.open()
    await rig.clock.advance(0)
    gate.open()
    await rig.clock.advance(0)
    expect(report.values[0]).toMatchObject({ submitted: 5, accepted: 5 })
  })

  it('waits for what runs when it is drained or closed', async () => {
    const gate = new Gate()
    const rig = channelRig(direct(), [command('job', { handle: gate.handle })])
    watch([rig.submit(1)])
    const ended = watch([rig.channel.drain().then(() => 'drained'), rig.channel.close().then(() => 'closed')])
    await rig.clock.advance(0)
    expect(ended.values).toEqual([undefined, undefined])
    gate.open()
    await rig.clock.advance(0)
    expect(ended.values).toEqual(['drained', 'closed'])
  })
})
