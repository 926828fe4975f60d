// NDJSON in: read line by line, submitted slice by slice, answered in order. One slice is under way at a time, so memory is
// bounded and commands of one stream stay in order; meanwhile the socket is not read, which slows the client down to what the
// queue takes.

import type { FastifyReply, FastifyRequest } from 'fastify'
import { SpillwayError } from '../errors/index.js'
import { BodyChunks } from './body-chunks.js'
import { bodyLate } from './body-deadlines.js'
import type { BulkEntry } from './bulk-items.js'
import { type BulkVerdict, refusedBySystem, submitEntries } from './bulk-submit.js'
import type { HttpContext } from './context.js'
import { parseJson } from './json-body.js'
import { type Line, LineSplitter } from './line-splitter.js'

/** A slice is submitted once it has this many lines, or as many as have arrived. */
const SLICE_LINES = 1_000

export interface StreamSource {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Makes a command out of one line's value. */
  readonly read: (value: unknown) => BulkEntry
}

/** Verdicts of consecutive lines, or why no more lines are read. */
export type StreamStep =
  | { readonly lines: readonly Line[]; readonly verdicts: readonly BulkVerdict[] }
  | { readonly stopped: Error; readonly resumeAtLine: number }
  | { readonly gone: true }

export async function* submitLines(
  context: HttpContext,
  source: StreamSource,
): AsyncGenerator<StreamStep, void> {
  const { spillway, limits, deadlines, closing } = context
  const splitter = new LineSplitter(limits.lineBytesMax)
  const chunks = new BodyChunks(source.request, deadlines, closing)
  let lines: Line[] = []
  for (let ended = false; !ended; ) {
    const chunk = await chunks.next()
    if (chunk === 'gone') {
      yield { gone: true }
      return
    }
    if (chunk === 'closing' || chunk === 'late') {
      const stopped = chunk === 'late' ? bodyLate(deadlines.timeoutMs) : serverCloses()
      yield { stopped, resumeAtLine: lines[0]?.number ?? splitter.count + 1 }
      return
    }
    ended = chunk === 'end'
    if (chunk === 'end') splitter.end(lines)
    else splitter.push(chunk, lines)
    if (lines.length === 0) continue
    // A network chunk has a few hundred lines; larger slices need fewer commits.
    if (lines.length < SLICE_LINES && !ended && (await chunks.hasMore(spillway.clock))) continue
    const slice = lines
    lines = []
    const entries = slice.map((line) => entryOf(line, source.read, limits.jsonDepthMax))
    const verdicts = await submitEntries(spillway, entries, { paced: true })
    const down = refusedBySystem(verdicts)
    if (down !== null) {
      yield { stopped: down, resumeAtLine: (slice[0] as Line).number }
      return
    }
    yield { lines: slice, verdicts }
  }
}

function serverCloses(): SpillwayError {
  return new SpillwayError('closed', 'The server is closing; send the rest again later.')
}

function entryOf(line: Line, read: StreamSource['read'], depthMax: number): BulkEntry {
  if (typeof line.text !== 'string') return line.text
  try {
    return read(parseJson(line.text, depthMax))
  } catch (error) {
    return error as Error
  }
}
