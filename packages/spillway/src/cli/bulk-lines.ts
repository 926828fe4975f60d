// Payloads from lines of JSON, gathered into batches that are worth a round trip. Memory stays bounded: the source is read no
// faster than its batches are taken, and a line that is too long is dropped and reported.

import { COMMAND_BYTES_MAX } from '../domain/index.js'
import { type Line, LineSplitter } from '../http/line-splitter.js'

/** Commands and bytes of JSON of one batch; a batch is closed once it has either. */
const BATCH_COMMANDS_MAX = 1_000
const BATCH_BYTES_MAX = 2 * 1024 * 1024

export interface LineFault {
  /** From 1. */
  readonly line: number
  readonly message: string
}

export interface LineBatch {
  readonly payloads: readonly unknown[]
  /** The line of each payload. */
  readonly lines: readonly number[]
  readonly faults: readonly LineFault[]
}

interface OpenBatch {
  readonly payloads: unknown[]
  readonly lines: number[]
  readonly faults: LineFault[]
  characters: number
}

export async function* lineBatches(source: AsyncIterable<Buffer>): AsyncGenerator<LineBatch> {
  const splitter = new LineSplitter(COMMAND_BYTES_MAX)
  let batch = newBatch()
  for await (const chunk of source) {
    const lines: Line[] = []
    splitter.push(chunk, lines)
    for (const line of lines) {
      add(batch, line)
      if (!isFull(batch)) continue
      yield batch
      batch = newBatch()
    }
  }
  const last: Line[] = []
  splitter.end(last)
  for (const line of last) add(batch, line)
  if (batch.lines.length + batch.faults.length > 0) yield batch
}

function newBatch(): OpenBatch {
  return { payloads: [], lines: [], faults: [], characters: 0 }
}

function isFull({ lines, faults, characters }: OpenBatch): boolean {
  return lines.length + faults.length >= BATCH_COMMANDS_MAX || characters >= BATCH_BYTES_MAX
}

function add(batch: OpenBatch, { number, text }: Line): void {
  if (typeof text !== 'string') {
    batch.faults.push({ line: number, message: text.message })
    return
  }
  try {
    batch.payloads.push(JSON.parse(text))
    batch.lines.push(number)
    batch.characters += text.length
  } catch {
    // The parser's message would quote the payload.
    batch.faults.push({ line: number, message: 'This is not valid JSON.' })
  }
}
