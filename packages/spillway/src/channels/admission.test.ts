import { describe, expect, it } from 'vitest'
import { watch } from '../../test/support/channel-rig.js'
import { INTAKE_BYTES_MAX } from '../domain/index.js'
import type { PreparedCommand } from '../ports/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { Admission } from './admission.js'
import { Bounds } from './bounds.js'

/** A place of `bytesMax` bytes and `itemsMax` items that blocks what finds no room for 100 ms. */
function place(itemsMax: number, bytesMax: number) {
  const clock = new VirtualClock()
  const bounds = new Bounds(itemsMax, bytesMax)
  const log: string[] = []
  const admission = new Admission({
    clock,
    queue: 'lane',
    hasRoom: (bytes) => bounds.fits(bytes),
    freeSlots: () => bounds.freeSlots,
    take({ command }, hasWaited) {
      bounds.add(command.bytes)
      log.push(`${command.json} ${hasWaited ? 'after waiting' : 'at once'}`)
    },
    overflow: null,
    blockTimeoutMs: 100,
  })
  return {
    ...{ clock, admission, log },
    offer(name: string, bytes: number): void {
      const command: PreparedCommand = {
        ...{ type: 'job', queue: 'lane', json: name, bytes, key: null },
        ...{ priority: 0, partition: null, tenant: null, runAt: null },
      }
      const done = (verdict: { status: string }): void => void log.push(`${name} ${verdict.status}`)
      admission.admit({ command, done })
    },
    leave(bytes: number): void {
      bounds.remove(bytes)
      admission.roomMade()
    },
  }
}

describe('the line in front of a full channel', () => {
  it('gives each its own full time, one after the other', async () => {
    const { clock, offer, log } = place(1, 100)
    offer('inside', 1)
    offer('first', 1)
    await clock.advance(60)
    offer('second', 1)
    await clock.advance(40)
    expect(log).toEqual(['inside at once', 'first rejected'])
    await clock.advance(59)
    expect(log).toHaveLength(2)
    await clock.advance(1)
    expect(log[2]).toBe('second rejected')
    expect(clock.pending).toBe(0)
  })

  it('lets in the next that fits when a larger one before it gave up', async () => {
    const { clock, offer, log } = place(10, 100)
    offer('inside', 60)
    offer('large', 80)
    await clock.advance(50)
    offer('small', 10)
    await clock.advance(49)
    expect(log).toEqual(['inside at once'])
    await clock.advance(1)
    expect(log).toEqual(['inside at once', 'large rejected', 'small after waiting'])
  })

  it('is bounded in bytes, and what left it makes room in it', () => {
    const { offer, leave, log } = place(1, INTAKE_BYTES_MAX)
    const half = INTAKE_BYTES_MAX / 2
    offer('inside', 1)
    for (const name of ['a', 'b', 'c']) offer(name, half)
    expect(log).toEqual(['inside at once', 'c rejected'])
    leave(1)
    offer('d', half)
    expect(log.slice(2)).toEqual(['a after waiting'])
    leave(half)
    offer('e', half)
    offer('f', half)
    expect(log.slice(3)).toEqual(['b after waiting', 'f rejected'])
  })
})

describe('waiting until a channel is ready', () => {
  const woken = (admission: Admission, count: number) =>
    watch(Array.from({ length: count }, () => admission.ready().then(() => true)))

  it('wakes as many as there is room for, in order', async () => {
    const { clock, admission, offer, leave } = place(2, 100)
    offer('a', 1)
    offer('b', 1)
    const waiting = woken(admission, 3)
    leave(1)
    offer('c', 1)
    await clock.advance(0)
    expect(waiting.values).toEqual([true, undefined, undefined])
  })

  it('wakes the next when the one that was woken leaves the room unused', async () => {
    const { clock, admission, offer, leave } = place(1, 100)
    offer('a', 1)
    const waiting = woken(admission, 3)
    leave(1)
    await clock.advance(0)
    expect(waiting.values).toEqual([true, true, true])
  })

  it('makes a newcomer wait behind the others', async () => {
    const { clock, admission, offer, leave } = place(1, 100)
    offer('a', 1)
    const first = woken(admission, 2)
    leave(1)
    const newcomer = woken(admission, 1)
    offer('b', 1)
    await clock.advance(0)
    expect([...first.values, ...newcomer.values]).toEqual([true, undefined, undefined])
  })

  it('does not count room while others stand in line for it', async () => {
    const { clock, admission, offer, leave } = place(10, 100)
    offer('a', 45)
    offer('large', 80)
    const waiting = woken(admission, 1)
    await clock.advance(50)
    expect(waiting.values).toEqual([undefined])
    leave(45)
    await clock.advance(0)
    expect(waiting.values).toEqual([undefined])
    leave(80)
    await clock.advance(0)
    expect(waiting.values).toEqual([true])
  })

  it('ends when the channel closes, so that the next offer hears of it', async () => {
    const { clock, admission, offer, log } = place(1, 100)
    offer('a', 1)
    offer('in line', 1)
    const waiting = woken(admission, 2)
    admission.close()
    await clock.advance(0)
    expect(waiting.values).toEqual([true, true])
    expect(log).toEqual(['a at once', 'in line rejected'])
  })
})
