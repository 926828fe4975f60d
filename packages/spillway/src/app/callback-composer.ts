// Writes down, once, what upstream is to be told about the end of a command: the payload of a callback's own command. It is stored in the
// commit that ends the command, so that an end which is stored is told, and one which is not is never told.

import {
  type AddressGuard,
  type CallbackPayload,
  callbackBody,
  createAddressGuard,
} from '../callbacks/index.js'
import type { AnyCommand, CallbackState, ResolvedCallbacks } from '../config/index.js'
import { type ChunkDraft, callbackDrafts, type ErrorRecord, type TerminalState } from '../domain/index.js'
import type {
  CallbackRoute,
  Clock,
  ExecutableCommand,
  NewChunkId,
  ReportedUpdate,
  Telemetry,
} from '../ports/index.js'
import { CALLBACK_QUEUE, CALLBACK_TYPE } from './built-ins.js'

export interface CallbackComposerOptions {
  readonly callbacks: ResolvedCallbacks
  readonly clock: Pick<Clock, 'now'>
  readonly newChunkId: NewChunkId
  readonly telemetry: Telemetry
}

/** A command at its end, whoever brought it there. */
export interface EndedCommand {
  readonly id: string
  readonly state: TerminalState
  readonly attempts: number
  readonly acceptedAt: number
  readonly error: ErrorRecord | null
  readonly result: string | null
  readonly payload: unknown
}

export class CallbackComposer {
  readonly route: CallbackRoute
  readonly #options: CallbackComposerOptions
  readonly #guard: AddressGuard

  constructor(options: CallbackComposerOptions) {
    const { callbacks, newChunkId } = options
    this.#options = options
    this.#guard = createAddressGuard(callbacks)
    this.route = { queue: CALLBACK_QUEUE, type: CALLBACK_TYPE, newChunkId }
  }

  tells(state: CallbackState): boolean {
    return this.#options.callbacks.on.has(state)
  }

  /** JSON text of the callback command's payload; null when nobody is to be told. Throws what the type's `callback` throws. */
  compose(definition: AnyCommand, ended: EndedCommand): string | null {
    if (definition.callback === null || !this.tells(ended.state)) return null
    const url = this.#callable(definition.callback(ended.payload))
    if (url === null) return null
    const { payload: _, ...facts } = ended
    const { name: type, queue } = definition
    const body = callbackBody({ ...facts, type, queue, finishedAt: this.#options.clock.now() })
    // An end has an id of its own: a command that is redriven ends again, and its receiver must not take that for a repeat.
    const payload: CallbackPayload = { url, id: this.#options.newChunkId(), body }
    return JSON.stringify(payload)
  }

  /** The same for what an executor reports. */
  composeReported(
    definition: AnyCommand,
    { id, acceptedAt, payload }: ExecutableCommand,
    { state, attempts, error, result }: ReportedUpdate,
  ): string | null {
    return this.compose(definition, {
      ...{ id, acceptedAt, payload, attempts, error, result: result ?? null },
      state: state as TerminalState,
    })
  }

  draft(payload: string): ChunkDraft {
    return callbackDrafts([payload], this.route)[0] as ChunkDraft
  }

  /** A url that may not be called is not worth a command that could never succeed. */
  #callable(url: string | null | undefined): string | null {
    if (url === null || url === undefined) return null
    const judged = this.#guard.judgeUrl(String(url))
    if (judged.ok) return judged.url.href
    const refusal = { event: 'callback.delivery', outcome: 'blocked', status: null, durationMs: 0 } as const
    this.#options.telemetry.record(refusal)
    return null
  }
}
