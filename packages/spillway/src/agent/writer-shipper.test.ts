import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DOUBT, ModelDestination } from '../../test/agent/model-destination.js'
import { chunkIdOf, envelopeOf, ModelTail } from '../../test/agent/model-tail.js'
import { seededRandom } from '../testing/seeded-random.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { ByteBudget } from './byte-budget.js'
import { type Destination, SHIPPED } from './destination.js'
import { CHECKPOINT_MS, POLL_MS, READ_BYTES, WINDOW_FRAMES_MAX } from './limits.js'
import { type RefusedFrame, WriterShipper } from './writer-shipper.js'

const BACKOFF_MS_MAX = 5_000

function rig(destination: Destination = new ModelDestination(), budget = new ByteBudget(READ_BYTES * 4)) {
  const clock = new VirtualClock()
  const tail = new ModelTail()
  const aside: RefusedFrame[] = []
  const asideFaults: Error[] = []
  const faults: unknown[] = []
  const outcomes: Record<string, number> = { shipped: 0, resent: 0, refused: 0 }
  const shipper = new WriterShipper<number>({
    ...{ tail, clock, budget, random: seededRandom(1), route: () => destination },
    onFault: (error) => faults.push(error),
    onOutcome: (outcome, frames) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + frames
    },
    async keepAside(frame) {
      const fault = asideFaults.shift()
      if (fault !== undefined) throw fault
      aside.push(frame)
    },
  })
  return { clock, tail, aside, asideFaults, faults, outcomes, shipper, budget }
}
const ids = (...numbers: readonly number[]) => numbers.map(chunkIdOf)

describe('WriterShipper', () => {
  it('ships in batches, and checkpoints behind what has arrived', async () => {
    const destination = new ModelDestination()
    const { clock, tail, shipper, outcomes } = rig(destination)
    tail.write(...[0, 1, 2, 3, 4].map((n) => envelopeOf(n)))
    void shipper.run()
    await clock.advance(0)
    expect(destination.shipped).toEqual([ids(0, 1), ids(2, 3)])
    destination.calls[1]?.answer()
    await clock.advance(CHECKPOINT_MS)
    // What came later has arrived, but nothing may be forgotten before the first.
    expect(tail.advances).toEqual([])
    destination.calls[0]?.answer()
    await clock.advance(CHECKPOINT_MS)
    expect(tail.advances).toEqual([4])
    expect(outcomes).toEqual({ shipped: 4, resent: 0, refused: 0 })
  })

  it('hears of what is written, and otherwise looks', async () => {
    const destination = new ModelDestination()
    const { clock, tail, shipper } = rig(destination)
    void shipper.run()
    await clock.advance(POLL_MS / 4)
    tail.write(envelopeOf(0))
    shipper.announce()
    await clock.advance(0)
    expect(destination.shipped).toEqual([ids(0)])
    tail.write(envelopeOf(1))
    await clock.advance(POLL_MS)
    expect(destination.shipped).toEqual([ids(0), ids(1)])
  })

  it('sends again what is in doubt, and begins nothing new before it has arrived', async () => {
    const destination = new ModelDestination({ batchesMax: 2 })
    const { clock, tail, shipper, outcomes } = rig(destination)
    tail.write(...[0, 1, 2, 3, 4, 5].map((n) => envelopeOf(n)))
    void shipper.run()
    await clock.advance(0)
    destination.calls[0]?.answer([SHIPPED, DOUBT])
    destination.calls[0]?.answer()
    await clock.advance(0)
    expect(destination.calls).toEqual([])
    await clock.advance(BACKOFF_MS_MAX)
    expect(destination.shipped.slice(2)).toEqual([ids(1)])
    destination.calls[0]?.answer()
    await clock.advance(CHECKPOINT_MS)
    expect(destination.shipped.slice(3)).toEqual([ids(4, 5)])
    expect(tail.advances).toEqual([1, 4])
    expect(outcomes).toEqual({ shipped: 4, resent: 1, refused: 0 })
  })

  it('puts aside what is refused and what cannot be read, before its checkpoint, and goes on', async () => {
    const destination = new ModelDestination()
    destination.answerWith = ({ address }) =>
      address.id === chunkIdOf(1) ? { status: 'refused', reason: 'too large' } : SHIPPED
    const { clock, tail, shipper, aside, asideFaults, faults, outcomes } = rig(destination)
    asideFaults.push(...Array.from({ length: 12 }, () => new Error('no space')))
    tail.write(envelopeOf(0), envelopeOf(1), Buffer.from('garbage'), envelopeOf(3))
    void shipper.run()
    await clock.advance(CHECKPOINT_MS * 2)
    expect(tail.advances).toEqual([1])
    await clock.advance(BACKOFF_MS_MAX * 12)
    expect(faults).toHaveLength(12)
    expect(new Map(aside.map(({ reason, payload }) => [String(payload), reason]))).toEqual(
      new Map([
        ['garbage', expect.stringContaining('three lines')],
        [String(envelopeOf(1)), 'too large'],
      ]),
    )
    expect(tail.position).toBe(4)
    expect(outcomes).toEqual({ shipped: 2, resent: 0, refused: 2 })
  })

  it('reads no further ahead than its window, and on when there is room', async () => {
    const destination = new ModelDestination({ batchFramesMax: 1, batchesMax: 1 })
    const { clock, tail, shipper, budget } = rig(destination)
    const frames = Array.from({ length: WINDOW_FRAMES_MAX }, (_, n) => envelopeOf(n))
    tail.write(...frames)
    void shipper.run()
    await clock.advance(POLL_MS * 5)
    const reads = tail.reads
    tail.write(envelopeOf(WINDOW_FRAMES_MAX))
    await clock.advance(POLL_MS * 5)
    expect(tail.reads).toBe(reads)
    destination.answerWith = () => SHIPPED
    destination.calls[0]?.answer()
    await clock.advance(POLL_MS * 5)
    expect(tail.position).toBe(WINDOW_FRAMES_MAX + 1)
    // All memory was given back.
    expect(await budget.take(READ_BYTES * 4, new AbortController().signal)).toBe(true)
  })

  it('goes on when the disk could not be read, or the checkpoint not written', async () => {
    const destination = new ModelDestination()
    destination.answerWith = () => SHIPPED
    const { clock, tail, shipper, faults } = rig(destination)
    tail.faults.push(new Error('EIO'), new Error('EIO'))
    tail.advanceFaults.push(new Error('ENOSPC'))
    tail.write(envelopeOf(0))
    void shipper.run()
    await clock.advance(BACKOFF_MS_MAX)
    expect(faults).toHaveLength(3)
    expect(tail.position).toBe(1)
  })

  it('removes what a writer left once all of it has arrived', async () => {
    const destination = new ModelDestination()
    const { clock, tail, shipper } = rig(destination)
    tail.write(envelopeOf(0))
    tail.hasEnded = true
    tail.advanceFaults.push(new Error('ENOSPC'))
    const gone = shipper.run()
    await clock.advance(BACKOFF_MS_MAX)
    expect(tail.isRemoved).toBe(false)
    destination.calls[0]?.answer()
    await clock.advance(BACKOFF_MS_MAX)
    expect(await gone).toBe('gone')
    expect({ position: tail.position, isRemoved: tail.isRemoved }).toEqual({ position: 1, isRemoved: true })
  })

  it('waits for what is under way when it stops, and leaves the rest for later', async () => {
    const destination = new ModelDestination({ batchesMax: 1 })
    const { clock, tail, shipper, budget } = rig(destination)
    tail.write(...[0, 1, 2].map((n) => envelopeOf(n)))
    const run = shipper.run()
    await clock.advance(0)
    const stopped = shipper.stop(1_000)
    await clock.advance(500)
    expect(tail.isClosed).toBe(false)
    destination.calls[0]?.answer()
    await clock.advance(0)
    await stopped
    expect(await run).toBe('stopped')
    expect({ advances: tail.advances, isClosed: tail.isClosed }).toEqual({ advances: [2], isClosed: true })
    expect(destination.shipped).toEqual([ids(0, 1)])
    expect(await budget.take(READ_BYTES * 4, new AbortController().signal)).toBe(true)
  })

  it('stops in time when its destination does not answer, and hears no late answer', async () => {
    const destination = new ModelDestination({ batchesMax: 1 })
    const { clock, tail, shipper } = rig(destination)
    tail.write(envelopeOf(0))
    void shipper.run()
    await clock.advance(0)
    const stopped = shipper.stop(1_000)
    await clock.advance(1_000)
    await stopped
    destination.calls[0]?.answer()
    await clock.advance(CHECKPOINT_MS)
    expect(tail.advances).toEqual([])
  })

  it('writes no checkpoint any more once somebody else has taken over', async () => {
    const destination = new ModelDestination()
    const { clock, tail, shipper } = rig(destination)
    tail.write(envelopeOf(0), envelopeOf(1), envelopeOf(2))
    void shipper.run()
    await clock.advance(0)
    destination.calls[0]?.answer()
    shipper.abandon()
    destination.calls[0]?.answer()
    await clock.advance(CHECKPOINT_MS)
    await shipper.stop(0)
    expect({ advances: tail.advances, isClosed: tail.isClosed }).toEqual({ advances: [], isClosed: true })
  })

  it('never has a checkpoint ahead of what has arrived, and in the end all of it has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
        const random = seededRandom(seed)
        const arrived = new Set<string>()
        const destination = new ModelDestination({ batchFramesMax: 3, batchesMax: 3 })
        destination.answerWith = ({ address }) => {
          if (random() < 0.5) arrived.add(address.id)
          return arrived.has(address.id) && random() < 0.7 ? SHIPPED : DOUBT
        }
        const { clock, tail, shipper } = rig(destination)
        const advance = tail.advance.bind(tail)
        tail.advance = async (to) => {
          for (let n = 0; n < to; n += 1) expect(arrived.has(chunkIdOf(n))).toBe(true)
          if (random() < 0.2) throw new Error('disk')
          await advance(to)
        }
        void shipper.run()
        for (let n = 0; n < 40; n += 1) {
          tail.write(envelopeOf(n))
          if (random() < 0.5) await clock.advance(Math.floor(random() * 200))
        }
        tail.hasEnded = true
        await clock.advance(10 * 60_000)
        expect({ arrived: arrived.size, isRemoved: tail.isRemoved }).toEqual({ arrived: 40, isRemoved: true })
      }),
      { numRuns: 20 },
    )
  })
})
