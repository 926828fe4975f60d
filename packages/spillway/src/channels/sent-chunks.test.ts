import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from '../domain/index.js'
import { SENT_CHUNKS_MAX, SentChunks } from './sent-chunks.js'

const idOf = (number: number): string => number.toString(16).padStart(32, '0')

function draft(number: number): ChunkDraft {
  return {
    ...{ id: idOf(number), queue: 'lane', type: 'click', priority: 0, partition: null, codec: 'json' },
    ...{ body: '[1,2]', size: 2, keys: null, parked: null },
  }
}

describe('SentChunks', () => {
  it('finds the commands of a chunk by their index, and no others', () => {
    const sent = new SentChunks()
    sent.add(draft(1), 5)
    expect(sent.find(`${idOf(1)}-1`)).toMatchObject({ id: `${idOf(1)}-1`, state: 'accepted', acceptedAt: 5 })
    for (const id of [`${idOf(1)}-2`, `${idOf(2)}-0`, 'nonsense']) expect(sent.find(id)).toBeNull()
  })

  it('forgets the oldest chunk when it has as many as it may', () => {
    const sent = new SentChunks()
    for (let number = 0; number <= SENT_CHUNKS_MAX; number += 1) sent.add(draft(number), 0)
    expect(sent.find(`${idOf(0)}-0`)).toBeNull()
    expect(sent.find(`${idOf(1)}-0`)).not.toBeNull()
    expect(sent.find(`${idOf(SENT_CHUNKS_MAX)}-0`)).not.toBeNull()
  })
})
