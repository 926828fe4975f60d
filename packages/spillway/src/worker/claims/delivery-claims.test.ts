import { describe, expect, it } from 'vitest'
import type { Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import type { ClaimedLease } from './claim-source.js'
import { DeliveryClaims } from './delivery-claims.js'

const REQUEST: ClaimRequest = {
  ...{ queue: 'q', types: ['a'], chunksMax: 2, commandsMax: 100, leaseMs: 1_000, workerId: 'w' },
}
const POLL_MS = 500

const lease = (chunkId: string): ClaimedLease =>
  ({ chunkId, size: 1, skip: [] as number[] }) as unknown as Lease

/** Sources that hand out what they have, or fail. */
function setUp() {
  const clock = new VirtualClock()
  const asked: string[] = []
  const has: Record<'broker' | 'store', string[] | Error> = { broker: [], store: [] }
  let comebacks = 0
  const comeBack = (): void => {
    comebacks += 1
  }
  const give =
    (from: 'broker' | 'store') =>
    async ({ chunksMax }: ClaimRequest): Promise<ClaimedLease[]> => {
      asked.push(`${from} ${chunksMax}`)
      const given = has[from]
      if (given instanceof Error) throw given
      return given.splice(0, chunksMax).map(lease)
    }
  const claims = new DeliveryClaims({
    deliveries: {
      adopt: give('broker'),
      hasWaiting: () => (has.broker as string[]).length > 0,
      makeWay: () => {},
    },
    store: { claim: give('store') as never },
    ...{ types: ['a'], clock, pollMs: POLL_MS, comeBack },
  })
  const claim = async (): Promise<string[]> => (await claims.claim(REQUEST)).map(({ chunkId }) => chunkId)
  return { clock, claims, claim, asked, has, comebacks: () => comebacks }
}

describe('claims of a queue that comes over a broker', () => {
  it('ask the store when nothing was delivered, and first of all', async () => {
    const { claim, asked, has } = setUp()
    has.broker = ['b1']
    has.store = ['s1']
    expect(await claim()).toEqual(['b1', 's1'])
    expect(await claim()).toEqual([])
    expect(await claim()).toEqual([])
    expect(asked).toEqual(['broker 2', 'store 1', 'broker 2', 'store 2', 'broker 2', 'store 2'])
  })

  it('spare the store while deliveries come and it has nothing, but for a look now and then', async () => {
    const { clock, claim, asked, has } = setUp()
    await claim()
    asked.length = 0
    for (let at = 0; at < 5; at += 1) {
      has.broker = ['b']
      await claim()
      await clock.advance(POLL_MS / 5)
    }
    expect(asked.filter((who) => who.startsWith('store'))).toEqual([])
    has.broker = ['b']
    await claim()
    expect(asked.filter((who) => who.startsWith('store'))).toEqual(['store 1'])
  })

  it('ask it when it has announced something', async () => {
    const { claims, claim, has } = setUp()
    await claim()
    has.broker = ['b1', 'b2']
    has.store = ['s1']
    claims.announced()
    expect(await claim()).toEqual(['b1', 'b2'])
    has.broker = ['b3']
    expect(await claim()).toEqual(['s1', 'b3'])
  })

  it('take turns while both have more than there is room for', async () => {
    const { claim, has } = setUp()
    has.broker = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6']
    has.store = ['s1', 's2', 's3', 's4']
    const claimed = [await claim(), await claim(), await claim(), await claim(), await claim()]
    expect(claimed).toEqual([
      ['b1', 'b2'],
      ['s1', 's2'],
      ['b3', 'b4'],
      ['s3', 's4'],
      ['b5', 'b6'],
    ])
  })

  it('keep what the one gave when the other fails, and fail when both give nothing', async () => {
    const { claim, has } = setUp()
    has.store = new Error('down')
    has.broker = ['b1']
    expect(await claim()).toEqual(['b1'])
    await expect(claim()).rejects.toThrow('down')
    has.store = ['s1']
    has.broker = ['b2']
    expect(await claim()).toEqual(['b2', 's1'])
  })

  it('come back for what did not fit', async () => {
    const { claim, has, comebacks } = setUp()
    has.broker = ['b1', 'b2', 'b3']
    await claim()
    expect(comebacks()).toBe(1)
    await claim()
    expect(comebacks()).toBe(1)
  })
})
