import { describe, expect, it } from 'vitest'
import { type ChunkMember, parseMemo } from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import { blockedUpdate, KeyOrder } from './key-order.js'
import { overRateUpdate } from './limits/over-rate.js'

const command = (index: number, extra: Partial<ExecutableCommand> = {}): ExecutableCommand => ({
  ...{ id: `c-${index}`, index, payload: null, attempt: 1, acceptedAt: 0, orderingKey: 'k' },
  ...extra,
})

/** A promoted chunk whose commands have these places in the order. */
const members = (...indexes: readonly number[]): readonly ChunkMember[] =>
  indexes.map((index) => ({
    ...{ id: `c-${index}`, attempts: 0, acceptedAt: 0, memo: null, orderingKey: null },
    place: [1, index] as const,
  }))

describe('the order of a promoted chunk', () => {
  it('is that of the places of its commands, whatever was due first', () => {
    const order = new KeyOrder({ members: members(7, 3), blockers: [] })
    expect(order.arrange([command(0), command(1)]).map(({ index }) => index)).toEqual([1, 0])
  })

  it('lets what has an earlier place hold up what comes later, and not the other way round', () => {
    const order = new KeyOrder({ members: members(7, 3, 1), blockers: [] })
    const row = { attempts: 1, delayMs: 5, error: null, orderingKey: 'k' }
    const retried = { index: 1, state: 'retrying', ...row } as const
    expect(order.note([command(1)], [retried], 0)).toBe(true)
    expect([command(0), command(2)].map((other) => order.isBlocked(other))).toEqual([true, false])
  })
})

describe('a command whose turn has not come', () => {
  it('is blocked untried', () => {
    expect(blockedUpdate(command(2, { attempt: 3 }))).toEqual({
      ...{ index: 2, state: 'blocked', attempts: 2, delayMs: 0, error: null },
      ...{ orderingKey: 'k', deferred: true },
    })
  })

  it('is asked about instead when a worker died under it, so that the doubt is not forgotten', () => {
    const doubtful = command(2, { attempt: 2, doubtful: true })
    const update = blockedUpdate(doubtful)
    expect(overRateUpdate(doubtful, 1_000)).toEqual(update)
    expect(update).toMatchObject({ state: 'reconciling', stage: 'reconcile', attempts: 1, orderingKey: 'k' })
    expect(parseMemo(update.memo ?? null).failure?.state).toBe('unknown')
  })
})
