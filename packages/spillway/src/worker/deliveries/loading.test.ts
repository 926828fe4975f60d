import { describe, expect, it } from 'vitest'
import { CHUNK_BYTES_MAX, type ChunkDraft } from '../../domain/index.js'
import type { PreparedCommand } from '../../ports/index.js'
import { load } from './loading.js'
import { Message } from './message.js'

let made = 0
const newChunkId = (): string => {
  made += 1
  return `id ${made}`
}
const options = { queue: 'q', commandsMax: 3, newChunkId }

function single(json: string, over: Partial<PreparedCommand> = {}): Message {
  const command: PreparedCommand = {
    ...{ type: 'a', queue: 'q', json, bytes: json.length, key: null, priority: 0, partition: null },
    ...{ tenant: null, runAt: null },
    ...over,
  }
  return new Message({ kind: 'command', command }, null)
}

function chunk(body: string, partition: number | null = null): Message {
  const draft: ChunkDraft = {
    ...{ id: body, queue: 'q', type: 'a', priority: 0, partition, codec: 'json', body, size: 1 },
    ...{ keys: null, parked: null },
  }
  return new Message({ kind: 'chunk', draft }, body)
}

const bodies = (messages: readonly Message[]): string[] =>
  load(messages, options).map(({ draft }) => draft.body)

describe('load', () => {
  it('puts single commands of one type, priority and tenant into one chunk, whatever comes between', () => {
    const messages = [
      single('1'),
      single('2', { priority: 5 }),
      single('3'),
      single('4', { type: 'b' }),
      single('5', { tenant: 't' }),
      single('6', { priority: 5 }),
      single('7', { tenant: 't' }),
    ]
    expect(bodies(messages)).toEqual(['[1,3]', '[2,6]', '[4]', '[5,7]'])
    expect(load(messages, options).map(({ draft }) => [draft.type, draft.priority, draft.tenant])).toEqual([
      ['a', 0, null],
      ['a', 5, null],
      ['b', 0, null],
      ['a', 0, 't'],
    ])
  })

  it('begins another chunk when one has as many commands or bytes as it may', () => {
    expect(bodies(['1', '2', '3', '4'].map((json) => single(json)))).toEqual(['[1,2,3]', '[4]'])
    const large = { bytes: CHUNK_BYTES_MAX / 2 }
    expect(bodies([single('1', large), single('2', large), single('3')])).toEqual(['[1]', '[2,3]'])
  })

  it('gives each chunk an id of its own and the keys of its commands', () => {
    const key = { key: 'k', fingerprint: 'f', windowMs: 1 }
    const loads = load([single('1'), single('2', { key }), single('3', { type: 'b' })], options)
    expect(new Set(loads.map(({ draft }) => draft.id)).size).toBe(2)
    expect(loads.map(({ draft }) => draft.keys)).toEqual([[null, key], null])
  })

  it('leaves chunks as they are', () => {
    expect(bodies([single('1'), chunk('[2]'), single('3')])).toEqual(['[1,3]', '[2]'])
  })

  it('overtakes nothing within a partition', () => {
    const of = (partition: number, type = 'a') => ({ partition, type })
    expect(
      bodies([
        single('1', of(1)),
        single('2', of(2)),
        single('3', of(1, 'b')),
        single('4', of(1)),
        single('5', of(2)),
      ]),
    ).toEqual(['[1]', '[2,5]', '[3]', '[4]'])
    expect(bodies([single('1', of(1)), chunk('[2]', 1), single('3', of(1))])).toEqual(['[1]', '[2]', '[3]'])
  })
})
