// The door. One promise per submit, and nothing else per command that could be shared: a channel answers through a callback,
// telemetry is summed up, and a refused command costs the others nothing.

import type { Receipt } from '../domain/index.js'
import type { OfferVerdict } from '../ports/index.js'
import {
  type CommandLike,
  type IntakeOptions,
  Reception,
  receiptOf,
  type SubmitVerdict,
} from './reception.js'
import { type ManyOptions, submitMany } from './submit-many.js'
import { type EachOptions, NO_OPTIONS, type SubmitOptions } from './submit-options.js'
import { type PayloadSource, type StreamOptions, type StreamReport, submitStream } from './submit-stream.js'
import { submitWithin } from './submit-within.js'

export class Intake {
  readonly #reception: Reception

  constructor(options: IntakeOptions) {
    this.#reception = new Reception(options)
  }

  /**
   * Resolves with the receipt as soon as the command is as safe as its channel makes it, or written in the caller's transaction;
   * rejects with a SpillwayError.
   */
  submit(command: CommandLike, payload: unknown, options: SubmitOptions = NO_OPTIONS): Promise<Receipt> {
    if (!hasTx(options)) return this.#submit(command, payload, options)
    const { tx, ...own } = options
    return tx === undefined
      ? this.#submit(command, payload, own)
      : submitWithin(this.#reception, command, payload, own, tx)
  }

  /** One verdict per command, in order; a bad one is refused alone. With `atomic`, all are stored or none. */
  submitMany(
    command: CommandLike,
    payloads: readonly unknown[],
    options: ManyOptions = {},
  ): Promise<SubmitVerdict[]> {
    return submitMany(this.#reception, command, payloads, options)
  }

  /** Reads no faster than the queue takes. Rejects when the source does, once what was offered is answered. */
  submitStream(
    command: CommandLike,
    payloads: PayloadSource,
    options: StreamOptions = {},
  ): Promise<StreamReport> {
    return submitStream(this.#reception, command, payloads, options)
  }

  #submit(command: CommandLike, payload: unknown, options: EachOptions): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const reception = this.#reception
      const startedAt = reception.clock.monotonic()
      const lane = reception.laneOf(command)
      const answer = (verdict: OfferVerdict): void => {
        if (verdict.status === 'rejected') reject(verdict.error)
        else resolve(receiptOf(lane, verdict))
      }
      const prepared = reception.prepare(lane, payload, () => options)
      if (prepared instanceof Promise)
        void prepared.then((late) => reception.offer(lane, late, startedAt, answer))
      else reception.offer(lane, prepared, startedAt, answer)
    })
  }
}

function hasTx(options: SubmitOptions): boolean {
  return options !== NO_OPTIONS && typeof options === 'object' && options !== null && 'tx' in options
}
