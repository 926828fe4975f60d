// The callers in one incarnation of an intake process. They submit, ask again when they were not told, cancel, redrive
// and look, and put on record what they asked and what they were told.

import type { Completions } from '../../app/completions.js'
import type { CompletionOutcome } from '../../domain/index.js'
import { isSpillwayError } from '../../errors/index.js'
import type { Intake, SubmitOptions } from '../../intake/index.js'
import type { Store } from '../../ports/index.js'
import type { ActPayload } from './acts.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

/** A command as a caller means it: asking again asks for the same. */
export interface Request {
  readonly type: string
  readonly payload: ActPayload
  readonly key: string | null
  readonly windowMs: number
  readonly priority: number
  readonly runAt: number | null
}

export interface ClientOptions {
  readonly life: Life
  readonly intake: Intake
  readonly completions: Completions
  readonly store: Store
  readonly recording: Recording
  /** A caller holds a receipt. */
  readonly accepted: (id: string, request: Request) => void
  /** A caller was not told. */
  readonly leftOpen: (request: Request) => void
}

export class Client {
  readonly #options: ClientOptions
  readonly #open = new Map<number, Request>()

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Whether its process would answer a call now. */
  get reachable(): boolean {
    return !this.#options.life.paused
  }

  async submit(request: Request): Promise<void> {
    const op = this.#ask(request)
    try {
      const receipt = await this.#options.intake.submit(request.type, request.payload, optionsOf(request))
      this.#told(op, request, receipt.status, receipt.id)
    } catch (error) {
      this.#refused(op, request, error)
    }
  }

  async submitMany(requests: readonly Request[], atomic: boolean): Promise<void> {
    const ops = requests.map((request) => this.#ask(request))
    const type = (requests[0] as Request).type
    const verdicts = await this.#options.intake.submitMany(
      type,
      requests.map(({ payload }) => payload),
      { atomic, each: (index) => optionsOf(requests[index] as Request) },
    )
    for (const [index, verdict] of verdicts.entries()) {
      const [op, request] = [ops[index] as number, requests[index] as Request]
      if (verdict.ok) this.#told(op, request, verdict.receipt.status, verdict.receipt.id)
      else this.#refused(op, request, verdict.error)
    }
  }

  async cancel(ids: readonly string[]): Promise<void> {
    await this.#attempt('cancel', () => this.#options.store.control.cancel(ids))
  }

  /** `payloads`: what takes the place of theirs; null leaves it. */
  async redrive(ids: readonly string[], payloads: readonly (ActPayload | null)[]): Promise<void> {
    const texts = payloads.map((payload) => (payload === null ? null : JSON.stringify(payload)))
    await this.#attempt('redrive', () => this.#options.store.control.redrive(ids, { payloads: texts }))
  }

  async discard(ids: readonly string[]): Promise<void> {
    await this.#attempt('discard', () => this.#options.store.control.discard(ids))
  }

  /** A counterpart calls. Resolves to whether it was heard, whatever it was told. */
  async complete(token: string, outcome: CompletionOutcome): Promise<boolean> {
    try {
      await this.#options.completions.complete(token, outcome)
      return true
    } catch (error) {
      return isSpillwayError(error) && error.code === 'token_unknown'
    }
  }

  async setPaused(queue: string, paused: boolean): Promise<void> {
    await this.#attempt('pause', () => this.#options.store.control.configureQueue(queue, { paused }))
  }

  async look(ids: readonly string[]): Promise<void> {
    await this.#attempt('look', () => this.#options.store.reader.get(ids))
  }

  /** The process died: whoever was waiting will never be told. */
  died(): void {
    for (const [op, request] of this.#open) this.#leaveOpen(op, request)
  }

  #ask(request: Request): number {
    const { type, payload, key, windowMs, runAt } = request
    const op = this.#options.recording.serial()
    this.#open.set(op, request)
    const text = JSON.stringify(payload)
    this.#options.recording.add({ kind: 'submitted', op, type, payload: text, key, windowMs, runAt })
    return op
  }

  #told(op: number, request: Request, answer: 'accepted' | 'duplicate', id: string): void {
    this.#open.delete(op)
    this.#options.recording.add({ kind: 'answered', op, answer, id, code: null })
    this.#options.accepted(id, request)
  }

  #refused(op: number, request: Request, error: unknown): void {
    if (!isSpillwayError(error) || error.details.outcome === 'unknown') {
      this.#leaveOpen(op, request)
      return
    }
    this.#open.delete(op)
    const id = typeof error.details.id === 'string' ? error.details.id : null
    this.#options.recording.add({ kind: 'answered', op, answer: 'rejected', id, code: error.code })
  }

  #leaveOpen(op: number, request: Request): void {
    this.#open.delete(op)
    this.#options.recording.add({ kind: 'answered', op, answer: 'unknown', id: null, code: null })
    this.#options.leftOpen(request)
  }

  /** Operators see errors and try again later, or not. */
  async #attempt(what: string, run: () => Promise<unknown>): Promise<void> {
    try {
      await run()
    } catch {
      this.#options.recording.incident(this.#options.life.process, `${what} failed`)
    }
  }
}

function optionsOf({ key, priority, runAt }: Request): SubmitOptions {
  return { priority, ...(key === null ? {} : { key }), ...(runAt === null ? {} : { runAt }) }
}
