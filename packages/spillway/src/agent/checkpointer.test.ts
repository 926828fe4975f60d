import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../testing/virtual-clock.js'
import { Checkpointer } from './checkpointer.js'
import { CHECKPOINT_FRAMES, CHECKPOINT_MS } from './limits.js'

function rig() {
  const clock = new VirtualClock()
  const written: number[] = []
  const faults: unknown[] = []
  const failures: Error[] = []
  const checkpointer = new Checkpointer<number>({
    clock,
    onFault: (error) => faults.push(error),
    async advance(to) {
      const failure = failures.shift()
      if (failure !== undefined) throw failure
      written.push(to)
    },
  })
  return { clock, written, faults, failures, checkpointer }
}

describe('Checkpointer', () => {
  it('writes one checkpoint for what ends within its time', async () => {
    const { clock, written, checkpointer } = rig()
    for (const to of [1, 2, 3]) checkpointer.note({ to, frames: 1 })
    await clock.advance(CHECKPOINT_MS - 1)
    expect(written).toEqual([])
    await clock.advance(1)
    expect(written).toEqual([3])
    expect(clock.pending).toBe(0)
  })

  it('waits no longer once there is a lot', async () => {
    const { clock, written, checkpointer } = rig()
    checkpointer.note({ to: 7, frames: CHECKPOINT_FRAMES })
    await clock.advance(0)
    expect(written).toEqual([7])
  })

  it('writes at once when asked, and has nothing more to write then', async () => {
    const { clock, written, checkpointer } = rig()
    checkpointer.note({ to: 1, frames: 1 })
    expect(await checkpointer.flush()).toBe(true)
    expect(await checkpointer.flush()).toBe(true)
    await clock.advance(CHECKPOINT_MS * 2)
    expect(written).toEqual([1])
  })

  it('tries again after a failure, with what has ended since', async () => {
    const { clock, written, faults, failures, checkpointer } = rig()
    failures.push(new Error('disk'))
    checkpointer.note({ to: 1, frames: 1 })
    const flushed = checkpointer.flush()
    checkpointer.note({ to: 2, frames: 1 })
    expect(await flushed).toBe(false)
    expect(faults).toHaveLength(1)
    await clock.advance(CHECKPOINT_MS)
    expect(written).toEqual([2])
  })

  it('writes nothing any more once it was dropped', async () => {
    const { clock, written, checkpointer } = rig()
    checkpointer.note({ to: 1, frames: 1 })
    checkpointer.drop()
    await clock.advance(CHECKPOINT_MS)
    expect(await checkpointer.flush()).toBe(true)
    expect(written).toEqual([])
  })
})
