// One writer's part of a journal, in memory: frames are numbered, and a place is the number of the frame that comes next.

import type { FrameTail, TailFrame, TailRead } from '../../src/agent/frame-tail.js'
import { encodeEnvelope } from '../../src/domain/index.js'

export interface FrameOptions {
  readonly queue?: string
  readonly partition?: number
  readonly size?: number
}

export const chunkIdOf = (n: number): string => `018f${n.toString(16).padStart(28, '0')}`

export function envelopeOf(
  n: number,
  { queue = 'main', partition, size = 1 }: FrameOptions = {},
): Uint8Array {
  const body = JSON.stringify(Array.from({ length: size }, (_, index) => ({ n, index })))
  return Buffer.from(
    encodeEnvelope({
      id: chunkIdOf(n),
      queue,
      type: 'click.record',
      priority: 0,
      partition: partition ?? null,
      codec: 'json',
      body,
      size,
      keys: null,
      parked: null,
    }),
  )
}

export class ModelTail implements FrameTail<number> {
  readonly payloads: Uint8Array[] = []
  /** Whether the writer is gone. */
  hasEnded = false
  /** Thrown by the next calls, one each. */
  readonly faults: Error[] = []
  readonly advanceFaults: Error[] = []
  readonly advances: number[] = []
  isRemoved = false
  isClosed = false
  reads = 0
  #at = 0

  write(...payloads: readonly Uint8Array[]): void {
    this.payloads.push(...payloads)
  }

  get position(): number {
    return this.advances.at(-1) ?? 0
  }

  async next(bytesMax: number): Promise<TailRead<number>> {
    this.reads += 1
    const fault = this.faults.shift()
    if (fault !== undefined) throw fault
    const frames: TailFrame<number>[] = []
    let bytes = 0
    for (let next = this.payloads[this.#at]; next !== undefined; next = this.payloads[this.#at]) {
      bytes += next.byteLength
      if (frames.length > 0 && bytes > bytesMax) break
      this.#at += 1
      frames.push({ payload: next, count: 1, at: 0, end: this.#at })
    }
    const rest = this.hasEnded ? 'ended' : 'waiting'
    return { frames, state: this.#at < this.payloads.length ? 'more' : rest }
  }

  async advance(to: number): Promise<void> {
    const fault = this.advanceFaults.shift()
    if (fault !== undefined) throw fault
    this.advances.push(to)
  }

  backlog() {
    return { bytes: 0, oldestAt: null }
  }

  async remove(): Promise<void> {
    this.isRemoved = true
  }

  async close(): Promise<void> {
    this.isClosed = true
  }
}
