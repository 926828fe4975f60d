// What a streaming client hears: by default one summary at the end, which names the first lines that were refused; with
// `items=all` one verdict per line while the stream is read, and the summary as the last line. A client that asks for the
// latter must read while it sends: when it does not, it is not read either.

import { Readable } from 'node:stream'
import { addVerdict, noTotals, type Totals, totalsJson, verdictJson } from './bulk-answer.js'
import type { HttpContext } from './context.js'
import { JSON_MEDIA_TYPE, NDJSON_MEDIA_TYPE, PROBLEM_MEDIA_TYPE } from './media-type.js'
import { type Problem, problemHeaders, problemOf, RequestError } from './problem.js'
import { type StreamSource, type StreamStep, submitLines } from './stream.js'

/** Answers the request; resolves with the body, or with nothing when there is nobody to answer. */
export async function answerStream(
  context: HttpContext,
  source: StreamSource,
  all: boolean,
): Promise<unknown> {
  if (!(source.request.body instanceof Readable)) {
    throw new RequestError('unsupported_media_type', `Send application/json or ${NDJSON_MEDIA_TYPE}.`)
  }
  const steps = submitLines(context, source)
  if (!all) return answerAtEnd(context, source, steps)
  // The last line may be sent before the last line of the request came: such a connection cannot be used again.
  source.reply.code(200).headers({ 'content-type': NDJSON_MEDIA_TYPE, connection: 'close' })
  return Readable.from(verdictLines(steps), { objectMode: false })
}

async function answerAtEnd(
  context: HttpContext,
  { reply }: StreamSource,
  steps: AsyncIterable<StreamStep>,
): Promise<unknown> {
  const summary = new Summary(context.limits.failuresShownMax)
  for await (const step of steps) {
    if ('gone' in step) return reply.hijack()
    if ('stopped' in step) {
      const problem = summary.problem(step.stopped, step.resumeAtLine)
      reply
        .code(problem.status)
        .headers({ ...problemHeaders(step.stopped), 'content-type': PROBLEM_MEDIA_TYPE, connection: 'close' })
      return JSON.stringify(problem)
    }
    summary.add(step)
  }
  reply.code(summary.totals.rejected === 0 ? 202 : 207).header('content-type', JSON_MEDIA_TYPE)
  return `{${summary.members()},"items":[${summary.failures.join(',')}]}`
}

async function* verdictLines(steps: AsyncIterable<StreamStep>): AsyncGenerator<string> {
  const summary = new Summary(0)
  for await (const step of steps) {
    if ('gone' in step) return
    if ('stopped' in step) {
      yield `{${summary.members()},"done":true,"stopped":${JSON.stringify(summary.problem(step.stopped, step.resumeAtLine))}}\n`
      return
    }
    const from = summary.commands
    summary.add(step)
    yield `${step.verdicts.map((verdict, offset) => verdictJson(from + offset, verdict, step.lines[offset]?.number)).join('\n')}\n`
  }
  yield `{${summary.members()},"done":true}\n`
}

class Summary {
  readonly totals: Totals = noTotals()
  /** JSON of the first refused lines. */
  readonly failures: string[] = []
  readonly #failuresMax: number
  /** Commands so far; the index of the next one. */
  commands = 0
  #lines = 0

  constructor(failuresMax: number) {
    this.#failuresMax = failuresMax
  }

  add({ lines, verdicts }: Extract<StreamStep, { lines: unknown }>): void {
    for (const [offset, verdict] of verdicts.entries()) {
      addVerdict(this.totals, verdict)
      if (!verdict.ok && this.failures.length < this.#failuresMax) {
        this.failures.push(verdictJson(this.commands + offset, verdict, lines[offset]?.number))
      }
    }
    this.commands += verdicts.length
    this.#lines = lines.at(-1)?.number ?? this.#lines
  }

  members(): string {
    return `${totalsJson(this.totals)},"lines":${this.#lines}`
  }

  problem(error: Error, resumeAtLine: number): Problem {
    const problem = problemOf(error)
    return { ...problem, details: { ...problem.details, ...this.totals, resumeAtLine } }
  }
}
