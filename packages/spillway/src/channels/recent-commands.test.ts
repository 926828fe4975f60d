import { describe, expect, it } from 'vitest'
import { commandId } from '../domain/index.js'
import type { HeldCommand } from './held-command.js'
import {
  RECENT_OUTCOMES_MAX,
  RECENT_RESULT_BYTES_MAX,
  RecentCommands,
  STRAGGLERS_MAX,
} from './recent-commands.js'

const idOf = (index: number): string => commandId(index.toString(16).padStart(32, '0'), 0)

/** Accepts and ends commands by their number. */
function recently() {
  const recent = new RecentCommands()
  const held = new Map<number, HeldCommand>()
  return {
    accept(index: number): void {
      const command: HeldCommand = {
        ...{ id: idOf(index), type: 'job', queue: 'lane', bytes: 1, priority: 0, key: null, acceptedAt: 0 },
        ...{
          json: '1',
          state: 'accepted',
          attempts: 0,
          error: null,
          result: null,
          finishedAt: null,
          isStored: false,
        },
      }
      held.set(index, command)
      recent.add(command)
    },
    end(index: number, result: string | null = null): void {
      const command = held.get(index) as HeldCommand
      command.result = result
      command.finishedAt = 1
      recent.end(command)
    },
    finds: (index: number): boolean => recent.find(idOf(index))?.id === idOf(index),
  }
}

describe('RecentCommands', () => {
  it('finds what it holds and nothing else', () => {
    const commands = recently()
    for (let index = 0; index < 100; index += 2) commands.accept(index)
    for (let index = 0; index < 100; index += 1) expect(commands.finds(index)).toBe(index % 2 === 0)
    expect(commands.finds(1_000)).toBe(false)
  })

  it('forgets the oldest that ended when it keeps as many as it may', () => {
    const commands = recently()
    for (let index = 0; index < RECENT_OUTCOMES_MAX + 2; index += 1) {
      commands.accept(index)
      commands.end(index)
    }
    expect([0, 1, 2, RECENT_OUTCOMES_MAX + 1].map(commands.finds)).toEqual([false, false, true, true])
  })

  it('forgets the oldest when their results take as much memory as they may', () => {
    const commands = recently()
    const result = 'x'.repeat(RECENT_RESULT_BYTES_MAX / 8)
    for (let index = 0; index < 6; index += 1) {
      commands.accept(index)
      commands.end(index, result)
    }
    expect([0, 1, 2, 3, 4, 5].map(commands.finds)).toEqual([false, false, true, true, true, true])
  })

  it('never forgets what is alive, however much ended since, and keeps it a while after its end', () => {
    const commands = recently()
    for (let index = 0; index < STRAGGLERS_MAX + 1; index += 1) commands.accept(index)
    for (let index = STRAGGLERS_MAX + 1; index < RECENT_OUTCOMES_MAX * 2; index += 1) {
      commands.accept(index)
      commands.end(index)
    }
    expect(commands.finds(STRAGGLERS_MAX + 1)).toBe(false)
    expect([0, STRAGGLERS_MAX].map(commands.finds)).toEqual([true, true])
    for (let index = 0; index < STRAGGLERS_MAX; index += 1) commands.end(index)
    expect([0, STRAGGLERS_MAX].map(commands.finds)).toEqual([true, true])
    commands.end(STRAGGLERS_MAX)
    expect([0, 1, STRAGGLERS_MAX].map(commands.finds)).toEqual([false, true, true])
  })

  it('keeps many that wait without counting them as ended', () => {
    const commands = recently()
    for (let index = 0; index < RECENT_OUTCOMES_MAX * 3; index += 1) commands.accept(index)
    commands.end(RECENT_OUTCOMES_MAX * 3 - 1)
    expect([0, RECENT_OUTCOMES_MAX * 3 - 1].map(commands.finds)).toEqual([true, true])
  })
})
