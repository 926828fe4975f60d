// The order of one chunk's commands on an ordered queue: of one key, a command starts only when all earlier ones are over. In the
// chunk they go in waves, each with at most one command of a key; what an earlier command holds up, here or elsewhere, is not run but
// left to wait for it.

import type { Blocker, CommandUpdate, Lease, Place } from '../domain/index.js'
import type { ExecutableCommand, ExecutionReport } from '../ports/index.js'
import { doubtUpdate } from './crash-doubt.js'

export class KeyOrder {
  readonly #members: Lease['members']
  readonly #blockers: ReadonlyMap<string, Place>
  /** Keys of which a command of this chunk came to something else than its end, and the first such command. */
  readonly #heldUp = new Map<string, Place>()
  readonly #waves = new Map<ExecutableCommand, number>()

  constructor({ members, blockers }: Pick<Lease, 'members' | 'blockers'>) {
    this.#members = members
    this.#blockers = new Map((blockers ?? []).map(({ orderingKey, place }: Blocker) => [orderingKey, place]))
  }

  /** By waves; of one key in the order of their places. Of commands without a key none waits for another. */
  arrange(commands: readonly ExecutableCommand[]): ExecutableCommand[] {
    const inPlace = this.#inPlace(commands)
    const seen = new Map<string, number>()
    for (const command of inPlace) {
      const { orderingKey: key } = command
      if (key == null) continue
      const wave = seen.get(key) ?? 0
      seen.set(key, wave + 1)
      if (wave > 0) this.#waves.set(command, wave)
    }
    if (this.#waves.size === 0) return inPlace
    return inPlace.sort((a, b) => this.#waveOf(a) - this.#waveOf(b))
  }

  /** How many of the commands from this place on may be taken together. */
  inWave(commands: readonly ExecutableCommand[], from: number): number {
    const first = commands[from]
    if (first === undefined) return 0
    if (this.#waves.size === 0) return commands.length - from
    const wave = this.#waveOf(first)
    let end = from + 1
    for (let next = commands[end]; next !== undefined && this.#waveOf(next) === wave; next = commands[end])
      end += 1
    return end - from
  }

  /** Takes note of what commands came to; whether that holds up any key. An update names its key exactly when it does. */
  note(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): boolean {
    let isNews = false
    for (const [at, command] of commands.entries()) {
      const key = report[from + at]?.orderingKey
      if (key == null) continue
      const [place, first] = [this.#placeOf(command), this.#heldUp.get(key)]
      if (first !== undefined && !isBefore(place, first)) continue
      this.#heldUp.set(key, place)
      isNews = true
    }
    return isNews
  }

  isBlocked(command: ExecutableCommand): boolean {
    const { orderingKey: key } = command
    if (key == null) return false
    const place = this.#placeOf(command)
    const heldUp = this.#heldUp.get(key)
    if (heldUp !== undefined && isBefore(heldUp, place)) return true
    const blocker = this.#blockers.get(key)
    // What stands in the way of a chunk as it was submitted is older than the chunk.
    return blocker !== undefined && (this.#members === null || isBefore(blocker, place))
  }

  /** A promoted chunk goes by when its commands were due, which may be another order than that of their places. */
  #inPlace(commands: readonly ExecutableCommand[]): ExecutableCommand[] {
    if (this.#members === null) return [...commands]
    return [...commands].sort((a, b) => (isBefore(this.#placeOf(a), this.#placeOf(b)) ? -1 : 1))
  }

  /** In a chunk as it was submitted its index says it all. */
  #placeOf({ index }: ExecutableCommand): Place {
    return this.#members?.[index]?.place ?? [0, index]
  }

  #waveOf(command: ExecutableCommand): number {
    return this.#waves.get(command) ?? 0
  }
}

/** It was not its turn: nothing was tried. */
export function blockedUpdate(command: ExecutableCommand): CommandUpdate {
  if (command.doubtful === true) return doubtUpdate(command)
  const { index, attempt, orderingKey = null } = command
  const untried = { index, attempts: attempt - 1, delayMs: 0, orderingKey }
  return { ...untried, state: 'blocked', error: null, deferred: true }
}

function isBefore([seq, index]: Place, [otherSeq, otherIndex]: Place): boolean {
  return seq < otherSeq || (seq === otherSeq && index < otherIndex)
}
