import { describe, expect, it } from 'vitest'
import { newLateEvents } from './late-events.js'

function setUp() {
  const counted: number[] = []
  const late = newLateEvents<number>((event) => {
    if (event < 0) throw new Error('cannot be counted')
    counted.push(event)
  })
  return { counted, late }
}

describe('late events', () => {
  it('are counted in order once somebody wants to read', () => {
    const { counted, late } = setUp()
    for (const event of [1, 2, 3]) late.add(event)
    expect(counted).toEqual([])
    late.catchUp()
    late.catchUp()
    expect(counted).toEqual([1, 2, 3])
  })

  it('never wait in great number, whether or not anybody reads', () => {
    const { counted, late } = setUp()
    for (let event = 0; event < 1_050; event += 1) late.add(event)
    expect(counted).toEqual(Array.from({ length: 1_000 }, (_, event) => event))
  })

  it('do not suffer from one that cannot be counted', () => {
    const { counted, late } = setUp()
    for (const event of [1, -1, 2]) late.add(event)
    late.catchUp()
    expect(counted).toEqual([1, 2])
  })
})
