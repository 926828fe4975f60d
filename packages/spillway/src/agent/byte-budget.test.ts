import { describe, expect, it } from 'vitest'
import { ByteBudget } from './byte-budget.js'

const open = new AbortController().signal
const isPending = async (promise: Promise<unknown>): Promise<boolean> =>
  (await Promise.race([promise, Promise.resolve('pending')])) === 'pending'

describe('ByteBudget', () => {
  it('gives what is free, and what becomes free in the order it was asked for', async () => {
    const budget = new ByteBudget(10)
    expect(await budget.take(10, open)).toBe(true)
    const large = budget.take(8, open)
    const small = budget.take(1, open)
    budget.give(5)
    // The small one would fit and waits behind the large one.
    expect([await isPending(large), await isPending(small)]).toEqual([true, true])
    budget.give(5)
    expect([await large, await small]).toEqual([true, true])
  })

  it('lets go who is told to stop, and lets through who waited behind', async () => {
    const budget = new ByteBudget(10)
    await budget.take(9, open)
    const stopping = new AbortController()
    const large = budget.take(8, stopping.signal)
    const small = budget.take(1, open)
    stopping.abort()
    expect([await large, await small]).toEqual([false, true])
    expect(await budget.take(1, stopping.signal)).toBe(false)
  })

  it('waits until a frame that was larger than asked for is paid back', async () => {
    const budget = new ByteBudget(10)
    await budget.take(4, open)
    budget.give(4 - 20)
    const next = budget.take(4, open)
    expect(await isPending(next)).toBe(true)
    budget.give(20)
    expect(await next).toBe(true)
  })
})
