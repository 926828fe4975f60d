import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from './chunk.js'
import { chunkIdTime } from './ids.js'
import { lateConflictId, lateConflicts } from './late-conflicts.js'

const DRAFT: ChunkDraft = {
  ...{ id: '0190a1b2c3d47e5f8899aabbccddeeff', queue: 'main', type: 't', priority: 3, partition: 7 },
  ...{ codec: 'json', size: 3, body: '[{"a":1},"b",3]', parked: null },
  keys: [null, { key: 'k', fingerprint: 'f', windowMs: 1 }, { key: 'l', fingerprint: 'f', windowMs: 1 }],
}
const FIRST = '0190a1b2c3d47e5f8899aabbccdd0000-4'

describe('late conflicts', () => {
  it('are none when every command was stored or repeats one', () => {
    expect(lateConflicts(DRAFT, null)).toBeNull()
    const accepted = { status: 'accepted' } as const
    expect(lateConflicts(DRAFT, [accepted, { status: 'duplicate', id: FIRST }, accepted])).toBeNull()
  })

  it('become failed commands that nobody executes and nothing waits for', () => {
    const conflict = { status: 'conflict', id: FIRST } as const
    const chunk = lateConflicts(DRAFT, [{ status: 'accepted' }, conflict, conflict])
    expect(chunk).toMatchObject({
      ...{ queue: 'main', type: 't', priority: 3, partition: null, keys: null, size: 3 },
      body: DRAFT.body,
      parked: [
        null,
        { state: 'failed', nextAt: null, error: { code: 'idempotency_conflict' } },
        { state: 'failed', nextAt: null, error: { code: 'idempotency_conflict' } },
      ],
    })
    expect(chunk?.parked?.[1]?.error?.message).toContain(`${DRAFT.id}-1`)
  })

  it('are found by what follows from the id that was acknowledged', () => {
    const chunk = lateConflicts(DRAFT, [{ status: 'accepted' }, { status: 'conflict', id: FIRST }])
    expect(lateConflictId(`${DRAFT.id}-1`)).toBe(`${chunk?.id}-1`)
    expect(lateConflictId('nonsense')).toBeNull()
  })

  it('have the same id each time, of the time of the first chunk', () => {
    const verdicts = [{ status: 'conflict', id: FIRST } as const]
    const id = lateConflicts(DRAFT, verdicts)?.id ?? ''
    expect(id).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}8[0-9a-f]{15}$/)
    expect(chunkIdTime(id)).toBe(chunkIdTime(DRAFT.id))
    expect(lateConflicts(DRAFT, verdicts)?.id).toBe(id)
    expect(lateConflicts({ ...DRAFT, id: FIRST.slice(0, 32) }, verdicts)?.id).not.toBe(id)
  })
})
