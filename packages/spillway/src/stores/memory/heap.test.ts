import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Heap, type HeapItem } from './heap.js'

interface Numbered extends HeapItem {
  readonly rank: number
}

const newHeap = () => new Heap<Numbered>((a, b) => a.rank < b.rank)
const item = (rank: number): Numbered => ({ rank, slot: -1 })

function drain(heap: Heap<Numbered>): number[] {
  const ranks: number[] = []
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) ranks.push(next.rank)
  return ranks
}

it('gives its items back in order, whichever were taken out in between', () => {
  const operations = fc.array(fc.record({ rank: fc.nat(50), remove: fc.nat(3), which: fc.nat(1_000) }), {
    maxLength: 200,
    size: 'max',
  })
  fc.assert(
    fc.property(operations, (steps) => {
      const heap = newHeap()
      const inside: Numbered[] = []
      for (const { rank, remove, which } of steps) {
        if (remove === 0 && inside.length > 0) {
          const [taken] = inside.splice(which % inside.length, 1)
          expect(heap.remove(taken as Numbered)).toBe(true)
        } else {
          inside.push(item(rank))
          heap.push(inside.at(-1) as Numbered)
        }
        expect(heap.peek()?.rank).toBe(
          inside.length === 0 ? undefined : Math.min(...inside.map((one) => one.rank)),
        )
      }
      expect(drain(heap)).toEqual(inside.map((one) => one.rank).sort((a, b) => a - b))
    }),
  )
})

it('does not take out what is in another heap or in none', () => {
  const [one, other] = [newHeap(), newHeap()]
  const [here, there] = [item(1), item(2)]
  one.push(here)
  other.push(there)
  expect(one.remove(there)).toBe(false)
  expect(one.remove(item(3))).toBe(false)
  expect(drain(one)).toEqual([1])
  expect(one.remove(here)).toBe(false)
  expect(drain(other)).toEqual([2])
})
