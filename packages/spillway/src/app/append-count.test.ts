import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from '../domain/index.js'
import type { AppendResult, Store } from '../ports/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { AppendCount } from './append-count.js'

const drafts = [{ size: 2 }, { size: 3 }] as unknown as ChunkDraft[]

function counted(append: () => Promise<readonly AppendResult[]>) {
  const clock = new VirtualClock()
  const count = new AppendCount(clock)
  const store = count.around({ append } as unknown as Store)
  return { clock, count, store }
}

describe('AppendCount', () => {
  it('counts commands once they are appended', async () => {
    const { count, store } = counted(async () => [])
    const appending = store.append(drafts)
    expect(count.commands).toBe(0)
    await appending
    expect(count.commands).toBe(5)
  })

  it('counts nothing that is stored as settled, but says that it stores', async () => {
    const { clock, count } = counted(async () => [])
    const way = count.aroundShortWay({
      mayDivide: (type) => type === 'a',
      take: () => clock.sleep(50).then(() => [1, 1]),
    })
    expect([way.mayDivide('a'), way.mayDivide('b')]).toEqual([true, false])
    const storing = way.take(drafts)
    await clock.advance(30)
    expect(count.lastAt).toBe(clock.monotonic())
    await clock.advance(20)
    expect(await storing).toEqual([1, 1])
    expect([count.commands, count.lastAt]).toEqual([0, clock.monotonic()])
  })

  it('counts nothing of an append that failed', async () => {
    const { count, store } = counted(() => Promise.reject(new Error('down')))
    await expect(store.append(drafts)).rejects.toThrow('down')
    expect(count.commands).toBe(0)
  })

  it('says that it appends for as long as an append is under way, and when the last one was over', async () => {
    const { clock, count, store } = counted(() => clock.sleep(50).then(() => []))
    expect(count.lastAt).toBe(Number.NEGATIVE_INFINITY)
    const appending = store.append(drafts)
    await clock.advance(30)
    expect(count.lastAt).toBe(clock.monotonic())
    await clock.advance(20)
    await appending
    const over = clock.monotonic()
    await clock.advance(10)
    expect(count.lastAt).toBe(over)
  })
})
