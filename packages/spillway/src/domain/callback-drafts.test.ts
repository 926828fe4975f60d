import { describe, expect, it } from 'vitest'
import { callbackDrafts } from './callback-drafts.js'
import { decodeBody } from './codec.js'
import { CHUNK_BYTES_MAX, CHUNK_COMMANDS_MAX } from './limits.js'

const route = () => {
  let chunks = 0
  return {
    ...{ queue: 'callbacks', type: 'told' },
    newChunkId: () => {
      chunks += 1
      return `c${chunks}`
    },
  }
}

describe('callbackDrafts', () => {
  it('makes no chunk of nothing', () => {
    expect(callbackDrafts([], route())).toEqual([])
  })

  it('makes one plain chunk of a few', () => {
    expect(callbackDrafts(['1', '"b"'], route())).toEqual([
      {
        ...{ id: 'c1', queue: 'callbacks', type: 'told', priority: 0, partition: null, codec: 'json' },
        ...{ body: '[1,"b"]', size: 2, keys: null, parked: null },
      },
    ])
  })

  it('keeps the order over chunks that hold no more than a chunk may', () => {
    const payloads = Array.from({ length: CHUNK_COMMANDS_MAX + 1 }, (_, at) => `${at}`)
    const drafts = callbackDrafts(payloads, route())
    expect(drafts.map(({ id, size }) => [id, size])).toEqual([
      ['c1', CHUNK_COMMANDS_MAX],
      ['c2', 1],
    ])
    expect(drafts.flatMap(({ body, size }) => decodeBody(body, size)).map(String)).toEqual(payloads)
  })

  it('bounds the bytes of a chunk, whatever its characters are', () => {
    const large = `"${'€'.repeat(CHUNK_BYTES_MAX / 9)}"`
    const drafts = callbackDrafts(Array<string>(7).fill(large), route())
    for (const { body } of drafts) expect(Buffer.byteLength(body)).toBeLessThanOrEqual(CHUNK_BYTES_MAX)
    expect(drafts.reduce((sum, { size }) => sum + size, 0)).toBe(7)
  })
})
