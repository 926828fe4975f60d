// Blockers: whoever claims an ordered chunk learns which of its keys are held up, and where that stands (I8).

import { fingerprint, type Lease, type ParkedDraft, type Place } from '../../../domain/index.js'
import { DAY_MS, LEASE_MS } from '../scene.js'
import type { Theme } from '../suite.js'
import { doubting, MINUTE_MS, retrying, undoing } from '../updates.js'

const ORDERED = { partition: 3 } as const
const YEAR_MS = 365 * DAY_MS
const KEY = fingerprint('"one key"')
const OTHER = fingerprint('"another key"')

function isBefore([seq, index]: Place, [otherSeq, otherIndex]: Place): boolean {
  return seq === otherSeq ? index < otherIndex : seq < otherSeq
}

function keysOf({ blockers }: Lease): string[] {
  return (blockers ?? []).map(({ orderingKey }) => orderingKey).sort()
}

export const blockersTheme: Theme = {
  name: 'blockers',
  define({ test }) {
    test('tells the holder of an ordered chunk what holds up its keys, and where that stands', async (scene) => {
      const { expect } = scene
      await scene.submit({ ...ORDERED, size: 3 })
      const updates = [1, 2].map((index) => retrying(index, 1_000, 1, { orderingKey: KEY }))
      const lease = await scene.claimOne()
      expect(lease.blockers).toEqual([])
      await scene.settle(lease, { updates })
      await scene.submit(ORDERED)
      const next = await scene.claimOne()
      expect(keysOf(next)).toEqual([KEY])
      await scene.settle(next)
      await scene.promoteAfter(1_000)
      const promoted = await scene.claimOne()
      const [first, second] = (promoted.members ?? []).map(({ place }) => place as Place) as [Place, Place]
      expect([first[1], second[1]]).toEqual([1, 2])
      expect(isBefore(first, second)).toBe(true)
      expect(next.blockers).toEqual([{ orderingKey: KEY, place: first }])
      expect(promoted.members).toMatchObject([{ orderingKey: KEY }, { orderingKey: KEY }])
      expect(promoted.blockers, 'what it carries itself').toEqual([])
    })

    test('names whatever is not over, and nothing that is', async (scene) => {
      const { expect } = scene
      const nextAt = scene.now() + YEAR_MS
      const parked = (state: ParkedDraft['state'], due: number | null): ParkedDraft => {
        return { state, nextAt: due, attempts: 1, error: null, orderingKey: `key of ${state}` }
      }
      const open = (['retrying', 'reconciling', 'pending', 'compensating'] as const).map((one) =>
        parked(one, nextAt),
      )
      const over = (['succeeded', 'failed', 'cancelled', 'compensated'] as const).map((one) =>
        parked(one, null),
      )
      const quiet = [parked('scheduled', nextAt), { ...parked('dead', null), orderingKey: null }]
      const list = [...open, parked('blocked', null), parked('dead', null), ...over, ...quiet]
      await scene.submit({ ...ORDERED, size: list.length, parked: list })
      await scene.submit(ORDERED)
      const holding = ['blocked', 'compensating', 'dead', 'pending', 'reconciling', 'retrying']
      expect(keysOf(await scene.claimOne())).toEqual(holding.map((state) => `key of ${state}`))
    })

    test('names the first of every key', async (scene) => {
      const { expect } = scene
      await scene.park(
        [
          retrying(0, DAY_MS, 1, { orderingKey: OTHER }),
          doubting(1, MINUTE_MS, { orderingKey: KEY }),
          retrying(2, 0, 1, { orderingKey: KEY }),
          undoing(3, 0, { orderingKey: OTHER }),
        ],
        ORDERED,
      )
      await scene.submit(ORDERED)
      const { blockers } = await scene.claimOne()
      const places = Object.fromEntries(
        (blockers ?? []).map(({ orderingKey, place }) => [orderingKey, place[1]]),
      )
      expect(blockers).toHaveLength(2)
      expect(places).toEqual({ [OTHER]: 0, [KEY]: 1 })
    })

    test('names only what is in the same partition of the same queue', async (scene) => {
      const { expect } = scene
      const update = retrying(0, DAY_MS, 1, { orderingKey: KEY })
      await scene.park([update], { partition: 4 })
      await scene.park([update], { ...ORDERED, queue: 'elsewhere' })
      await scene.park([update], { partition: null })
      await scene.submit(ORDERED)
      expect((await scene.claimOne()).blockers).toEqual([])
    })

    test('names what an earlier lease of the same chunk parked', async (scene) => {
      const { expect } = scene
      await scene.submit({ ...ORDERED, size: 3 })
      const updates = [retrying(1, DAY_MS, 1, { orderingKey: KEY })]
      await scene.settle(await scene.claimOne(), { updates, complete: false })
      await scene.advance(LEASE_MS + 1)
      const again = await scene.claimOne()
      expect(again.skip).toEqual([1])
      expect(again.blockers).toMatchObject([{ orderingKey: KEY }])
      expect(again.blockers?.[0]?.place[1]).toBe(1)
    })

    test('names what another chunk of the partition carries', async (scene) => {
      const { expect } = scene
      const held = {
        nextAt: scene.now(),
        attempts: 1,
        error: null,
        state: 'retrying',
        orderingKey: KEY,
      } as const
      for (const type of ['work', 'other', 'work']) await scene.submit({ ...ORDERED, type, parked: [held] })
      await scene.promote()
      const places: Place[] = []
      const seen: (readonly [mine: Place[], first: Place | undefined])[] = []
      for (let round = 0; round < 2; round += 1) {
        const lease = await scene.claimOne({ types: ['work', 'other'] })
        const mine = (lease.members ?? []).map(({ place }) => place as Place)
        places.push(...mine)
        seen.push([mine, lease.blockers?.[0]?.place])
        expect(lease.blockers).toHaveLength(round === 0 ? 1 : 0)
        await scene.settle(lease)
      }
      expect(places).toHaveLength(3)
      const [mine, first] = seen[0] as (typeof seen)[0]
      const others = places.filter((place) => !mine.includes(place)).sort((a, b) => (isBefore(a, b) ? -1 : 1))
      expect(first).toEqual(others[0])
    })
  },
}
