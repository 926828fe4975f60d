import { describe, expect, it } from 'vitest'
import type { PreparedCommand } from '../ports/index.js'
import { MEMORY_KEYS_MAX, MemoryKeys } from './memory-keys.js'

const keyed = (key: string, fingerprint = 'f'): PreparedCommand => ({
  ...{
    type: 'job',
    queue: 'lane',
    payload: null,
    json: 'null',
    bytes: 4,
    priority: 0,
    partition: null,
    tenant: null,
    runAt: null,
  },
  key: { key, fingerprint, windowMs: 1_000 },
})

function take(keys: MemoryKeys, key: string, id: string, now = 0): void {
  const { type, key: draft } = keyed(key)
  if (draft !== null) keys.claim(type, draft, { id, acceptedAt: now, durability: 'memory' }, now)
}

describe('MemoryKeys', () => {
  it('forgets the oldest key when it holds as many as it may', () => {
    const keys = new MemoryKeys()
    for (let index = 0; index <= MEMORY_KEYS_MAX; index += 1) take(keys, `k${index}`, `id${index}`)
    expect(keys.find(keyed('k0'), 0)).toBeNull()
    expect(keys.find(keyed('k1'), 0)).toMatchObject({ status: 'duplicate', id: 'id1' })
  })

  it('keeps a key that was taken anew when its first, expired entry is overwritten', () => {
    const keys = new MemoryKeys()
    take(keys, 'again', 'first')
    take(keys, 'again', 'second', 2_000)
    for (let index = 0; index < MEMORY_KEYS_MAX - 1; index += 1) take(keys, `k${index}`, 'other', 2_000)
    expect(keys.find(keyed('again'), 2_000)).toMatchObject({ id: 'second' })
  })

  it('releases a key only for the command that has it', () => {
    const keys = new MemoryKeys()
    take(keys, 'k', 'mine')
    keys.release('job', { key: 'k', fingerprint: 'f', windowMs: 1 }, 'other')
    expect(keys.find(keyed('k'), 0)).not.toBeNull()
    keys.release('job', { key: 'k', fingerprint: 'f', windowMs: 1 }, 'mine')
    expect(keys.find(keyed('k'), 0)).toBeNull()
  })
})
