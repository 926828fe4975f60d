import { describe, expect, it } from 'vitest'
import { range } from '../../test/worker/worker-kit.js'
import { memory } from '../stores/memory/index.js'
import { VirtualClock } from '../testing/virtual-clock.js'
import { changeShared, SHARED_TRIES_MAX } from './shared-change.js'

const TTL_MS = 60_000

function shop() {
  const clock = new VirtualClock()
  const { shared } = memory({ clock })
  const increment = (_: string, value: string | null) => ({ value: `${Number(value) + 1}`, ttlMs: TTL_MS })
  const textOf = async (key: string) => (await shared.read([key])).values[0]?.value
  return { clock, shared, increment, textOf }
}

describe('a change of shared values', () => {
  it('loses none of many that are made at once', async () => {
    const { shared, increment, textOf } = shop()
    await Promise.all(range(SHARED_TRIES_MAX).map(() => changeShared(shared, ['k'], increment)))
    expect(await textOf('k')).toBe(`${SHARED_TRIES_MAX}`)
  })

  it('tries again only what somebody else changed meanwhile', async () => {
    const { shared, increment, textOf } = shop()
    const tries: string[] = []
    const left = await changeShared(shared, ['a', 'b'], (key, value) => {
      tries.push(key)
      return increment(key, value)
    })
    expect([left, tries]).toEqual([[], ['a', 'b']])
    let rival: Promise<unknown> | null = null
    const rivalled = {
      read: async (keys: readonly string[]) => {
        const snapshot = await shared.read(keys)
        rival ??= changeShared(shared, ['b'], increment)
        await rival
        return snapshot
      },
      write: shared.write,
    }
    tries.length = 0
    await changeShared(rivalled, ['a', 'b'], (key, value) => {
      tries.push(key)
      return increment(key, value)
    })
    expect(tries).toEqual(['a', 'b', 'b'])
    expect([await textOf('a'), await textOf('b')]).toEqual(['2', '3'])
  })

  it('names the keys that others kept changing', async () => {
    const { shared, increment } = shop()
    let reads = 0
    const busy = {
      read: async (keys: readonly string[]) => {
        reads += 1
        const snapshot = await shared.read(keys)
        await changeShared(shared, ['k'], increment)
        return snapshot
      },
      write: shared.write,
    }
    expect(await changeShared(busy, ['k', 'quiet'], increment)).toEqual(['k'])
    expect(reads).toBe(SHARED_TRIES_MAX)
  })

  it('writes nothing that stays as it is', async () => {
    const { shared, textOf } = shop()
    expect(await changeShared(shared, ['k'], () => null)).toEqual([])
    expect(await textOf('k')).toBeUndefined()
  })
})
