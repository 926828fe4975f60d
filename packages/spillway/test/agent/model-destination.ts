// A destination that answers when and as a test says.

import type { AddressedFrame, Destination, ShipVerdict } from '../../src/agent/destination.js'
import { SHIPPED } from '../../src/agent/destination.js'

export interface Call {
  readonly ids: readonly string[]
  /** One verdict for all of them, or one each. */
  answer(verdict?: ShipVerdict | readonly ShipVerdict[]): void
}

export const DOUBT: ShipVerdict = { status: 'unknown', error: new Error('no answer') }

export class ModelDestination implements Destination {
  readonly name = 'model'
  readonly batchFramesMax: number
  readonly batchBytesMax: number
  readonly batchesMax: number
  readonly orderKeptBy: Destination['orderKeptBy']
  /** Under way, oldest first. */
  readonly calls: Call[] = []
  /** Of every call there was. */
  readonly shipped: string[][] = []
  /** Answers at once where set. */
  answerWith: ((frame: AddressedFrame) => ShipVerdict) | null = null

  constructor(limits: Partial<Destination> = {}) {
    this.batchFramesMax = limits.batchFramesMax ?? 2
    this.batchBytesMax = limits.batchBytesMax ?? 1_000_000
    this.batchesMax = limits.batchesMax ?? 2
    this.orderKeptBy = limits.orderKeptBy ?? 'calls'
  }

  ship(frames: readonly AddressedFrame[]): Promise<readonly ShipVerdict[]> {
    const ids = frames.map(({ address }) => address.id)
    this.shipped.push(ids)
    const { answerWith } = this
    if (answerWith !== null) return Promise.resolve(frames.map((frame) => answerWith(frame)))
    return new Promise((resolve) => {
      const call: Call = {
        ids,
        answer: (verdict = SHIPPED) => {
          this.calls.splice(this.calls.indexOf(call), 1)
          resolve('status' in verdict ? ids.map(() => verdict) : verdict)
        },
      }
      this.calls.push(call)
    })
  }
}
