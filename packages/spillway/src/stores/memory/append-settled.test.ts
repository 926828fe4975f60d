import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from '../../domain/index.js'
import type { BulkWrite } from '../../ports/index.js'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { memory, rowsOf } from './index.js'

const DRAFT: ChunkDraft = {
  id: '019b76da000070008000000000000001',
  ...{ queue: 'main', type: 'work', priority: 0, partition: null },
  codec: 'json',
  ...{ body: '[1]', size: 1, keys: null, parked: null },
}

const VIEWS: BulkWrite = {
  ...{ table: 'views', columns: ['id', 'n'], key: ['id'], onConflict: 'update', rows: [['x', 1]] },
}

describe('chunks stored as settled in memory', () => {
  it('are not there when a row cannot be kept, and neither are the rows before it', async () => {
    const store = memory({ clock: new VirtualClock() })
    const keys = [{ key: 'k', fingerprint: 'f', windowMs: 1_000 }]
    const rows = [['x', 1] as const, ['y', { call: () => 1 }] as const]
    await expect(store.appendSettled([{ ...DRAFT, keys }], { ...VIEWS, rows })).rejects.toThrow()
    expect(rowsOf(store, 'views')).toEqual([])
    expect(await store.reader.queues()).toEqual([])
    expect(await store.append([{ ...DRAFT, keys }])).toMatchObject([{ verdicts: null }])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 1, ready: 1 })
  })

  it('are not there when the rows name no usable key', async () => {
    const store = memory({ clock: new VirtualClock() })
    const refused = { code: 'invalid_argument' }
    await expect(store.appendSettled([DRAFT], { ...VIEWS, key: ['other'] })).rejects.toMatchObject(refused)
    expect(await store.reader.accounting()).toMatchObject({ accepted: 0 })
  })

  it('make their queue known, which has nothing to claim', async () => {
    const store = memory({ clock: new VirtualClock() })
    await store.appendSettled([DRAFT], VIEWS)
    expect(await store.reader.queues()).toMatchObject([{ queue: 'main', ready: 0, running: 0 }])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 1, succeeded: 1, ready: 0 })
    expect(rowsOf(store, 'views')).toEqual([{ id: 'x', n: 1 }])
  })
})
