// Processes that live and die when a script says so.

import type { Processes, ProcessMark } from '../../ports/index.js'

export type ProcessState = 'alive' | 'dead' | 'unknown'

export class FakeProcesses {
  readonly #states = new Map<number, ProcessState>()
  #last = 0

  /** Alive until something else is said. */
  start(): number {
    this.#last += 1
    this.#states.set(this.#last, 'alive')
    return this.#last
  }

  set(pid: number, state: ProcessState): void {
    this.#states.set(pid, state)
  }

  seenFrom(pid: number): Processes {
    return {
      self: () => Promise.resolve(markOf(pid)),
      state: (mark) => Promise.resolve(this.#states.get(mark.pid) ?? 'unknown'),
    }
  }
}

export const ALL_DEAD: Processes = {
  self: () => Promise.resolve(markOf(0)),
  state: () => Promise.resolve('dead'),
}

function markOf(pid: number): ProcessMark {
  return { pid, startedTick: String(pid), bootId: 'boot', pidNamespace: 'pids' }
}
