// One handler call of a worker and the slot it occupies. The slot is free when the handler has returned, or when the handler
// ignores its timeout and none of its chunks is ours any more, so that whatever it still does is fenced off.

import type { AnyCommand } from '../config/index.js'
import type { Stage } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { EndedCall, ExecutableCommand, ExecuteOptions, ExecutionReport } from '../ports/index.js'
import type { Parts } from './assembler.js'
import type { HeldChunk } from './held-chunk.js'

export interface HandlerRunListener {
  /** Null when nobody wants to know of its calls. */
  readonly onCall: ((call: EndedCall) => void) | null
  /** The handler ignores its timeout. */
  onHung(): void
  /** The slot is free; called once. */
  onOver(): void
}

export class HandlerRun {
  readonly definition: AnyCommand
  readonly parts: Parts
  readonly commands: readonly ExecutableCommand[]
  readonly #listener: HandlerRunListener
  readonly #controller: AbortController
  #hung = false
  #over = false
  #abandoned = false
  #abandon: (() => void) | null = null

  constructor(parts: Parts, listener: HandlerRunListener) {
    const [first] = parts
    this.#listener = listener
    this.parts = parts
    this.definition = first.chunk.definition
    this.commands = parts.length === 1 ? first.commands : parts.flatMap((part) => part.commands)
    // One per chunk where that is enough: single commands would otherwise cost two controllers each.
    this.#controller = parts.length === 1 ? first.chunk.controller : new AbortController()
    for (const { chunk } of parts) chunk.calls.push(this)
  }

  /** All of its chunks are in the same. */
  get stage(): Stage {
    return this.parts[0].chunk.stage
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** For the executor. */
  get options(): ExecuteOptions {
    const { onCall } = this.#listener
    const options = { signal: this.signal, onHung: () => this.hang(), rejectSchemaFaults: true } as const
    return onCall === null ? options : { ...options, onCall }
  }

  /** Whether its slot was given up; what the handler returns from then on is of no interest. */
  get over(): boolean {
    return this.#over
  }

  /** Whether its transaction was given up: nothing may be started in it any more. */
  get abandoned(): boolean {
    return this.#abandoned
  }

  get chunks(): readonly HeldChunk[] {
    return this.parts.map((part) => part.chunk)
  }

  /** Distributes what the handler came to. Chunks that were lost meanwhile do not take it. */
  note(report: ExecutionReport): void {
    let from = 0
    if (this.#over) return
    for (const { chunk, commands } of this.parts) {
      if (!chunk.ended) chunk.note(commands, report, from)
      from += commands.length
    }
  }

  /** Asks the handler to stop. */
  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  /** Rejects when nobody waits for the handler's transaction any more. */
  abandonment(): Promise<never> {
    return new Promise((_, reject) => {
      this.#abandon = () =>
        reject(new SpillwayError('handler_timeout', 'the handler did not leave its transaction in time'))
      if (this.#abandoned) this.#abandon()
    })
  }

  /** Gives its transaction up, if it has one: it is undone, and what the handler still does with it fails. */
  abandon(): void {
    this.#abandoned = true
    this.#abandon?.()
  }

  hang(): void {
    this.#hung = true
    const { commands, definition } = this
    this.#listener.onCall?.({
      commands: commands.length,
      durationMs: definition.timeoutMs,
      outcome: 'timeout',
    })
    this.#listener.onHung()
    this.abandon()
    this.#giveUpWhenFenced()
  }

  /** Others of its chunks may still be ours: they must not pay with an attempt for the one that was lost. */
  chunkLost(): void {
    if (this.#isHeld()) return
    this.#controller.abort()
    this.#giveUpWhenFenced()
  }

  finish(): void {
    if (this.#over) return
    this.#over = true
    for (const { chunk } of this.parts) chunk.calls.splice(chunk.calls.indexOf(this), 1)
    this.#listener.onOver()
  }

  #giveUpWhenFenced(): void {
    if (this.#hung && !this.#isHeld()) this.finish()
  }

  #isHeld(): boolean {
    return this.parts.some((part) => !part.chunk.ended)
  }
}
