// The handlers of one incarnation of a worker: they act as their payloads say, write their effects where their type's
// effects go, and may take the whole process down with them.

import { type AnyCommand, type BatchContext, defineCommand, type HandlerContext } from '../../config/index.js'
import { failed, type HandlerOutcome, ok, retry } from '../../domain/index.js'
import { into } from '../../sinks/index.js'
import type { MemoryTx } from '../../stores/memory/index.js'
import { type ActPayload, misbehaves } from './acts.js'
import type { TypeSpec } from './command-mix.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

export const EFFECTS_TABLE = 'effects'
export const ROWS_TABLE = 'rows'

export interface Stage {
  readonly life: Life
  readonly recording: Recording
}

/** One command as its handler sees it. */
interface Part {
  readonly id: string
  readonly attempt: number
  readonly payload: ActPayload
}

const SCHEMA = {
  '~standard': { version: 1, vendor: 'simulation', validate: (value: unknown) => ({ value }) },
} as const

export function commandOf(spec: TypeSpec, stage: Stage): AnyCommand {
  const { name, queue, attempts, timeoutMs, backoffMs, backoffMaxMs, windowMs, batchSize, batchWaitMs } = spec
  const ordered = queue === 'steps' ? { orderingKey: (payload: unknown) => (payload as ActPayload).line } : {}
  return defineCommand({
    ...{ name, queue, input: SCHEMA, timeout: timeoutMs, idempotencyWindow: windowMs, ...ordered },
    retry: { attempts, backoff: { delay: backoffMs, max: backoffMaxMs } },
    batch: { maxSize: batchSize, maxWait: batchWaitMs },
    ...handlerOf(spec, stage),
  }) as AnyCommand
}

function handlerOf({ shape }: TypeSpec, stage: Stage): object {
  switch (shape) {
    case 'one':
      return {
        handle: async (payload: ActPayload, context: HandlerContext) => {
          const [outcome] = await play(
            stage,
            [{ id: context.id, attempt: context.attempt, payload }],
            context.signal,
          )
          return outcome
        },
      }
    case 'batch':
      return {
        handleBatch: (payloads: ActPayload[], context: BatchContext) =>
          play(stage, partsOf(payloads, context), context.signal),
      }
    case 'one-in-transaction':
      return {
        settlement: 'transaction',
        handle(payload: ActPayload, context: HandlerContext) {
          return playWithin(stage, [{ id: context.id, attempt: context.attempt, payload }], context.tx)[0]
        },
      }
    case 'batch-in-transaction':
      return {
        settlement: 'transaction',
        handleBatch: (payloads: ActPayload[], context: BatchContext) =>
          playWithin(stage, partsOf(payloads, context), context.tx),
      }
    case 'sink':
      return { handleBatch: sinkOf(stage) }
  }
}

function partsOf(payloads: readonly ActPayload[], context: BatchContext): Part[] {
  return payloads.map((payload, at) => {
    const { id, attempt } = context.commands[at] as BatchContext['commands'][number]
    return { id, attempt, payload }
  })
}

/** Asynchronously, with effects in the sink outside. */
async function play(
  { life, recording }: Stage,
  parts: readonly Part[],
  signal: AbortSignal,
): Promise<HandlerOutcome[]> {
  if (someone(parts, 'crash') || someone(parts, 'crash-some')) return die(life, recording)
  if (someone(parts, 'hang')) {
    recording.incident(life.process, 'hangs')
    return new Promise(() => {})
  }
  if (someone(parts, 'stall')) {
    recording.incident(life.process, 'stalls')
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve())
    })
    throw signal.reason
  }
  throwFor(parts, { life, recording })
  const slow = parts.filter(({ payload }) => payload.act === 'slow').map(({ payload }) => payload.ms)
  await life.clock.sleep(Math.max(1, ...slow))
  const outcomes = outcomesOf(parts)
  for (const [at, { id, payload }] of parts.entries()) {
    if (outcomes[at]?.outcome === 'ok')
      recording.add({ kind: 'effect', id, payload: JSON.stringify(payload) })
  }
  return withoutOneIfShort(parts, outcomes, { life, recording })
}

/** Synchronously, with effects in the settlement's transaction. */
function playWithin({ life, recording }: Stage, parts: readonly Part[], tx: MemoryTx): HandlerOutcome[] {
  if (someone(parts, 'crash') || someone(parts, 'crash-some')) {
    void die(life, recording)
    throw new Error(`process ${life.process} died in its handler`)
  }
  throwFor(parts, { life, recording })
  const outcomes = outcomesOf(parts)
  const effects = tx.table(EFFECTS_TABLE)
  for (const [at, { id }] of parts.entries()) {
    // A key of its own for every effect: a second one must show, not overwrite the first.
    if (outcomes[at]?.outcome === 'ok') effects.set(`${id}/${recording.serial()}`, { id })
  }
  return withoutOneIfShort(parts, outcomes, { life, recording })
}

function sinkOf({ life, recording }: Stage) {
  const sink = into<ActPayload>(ROWS_TABLE, {
    key: ['n'],
    map: (payload) => ({ n: payload.n, payload: JSON.stringify(payload) }),
    onConflict: 'ignore',
  })
  return {
    ...sink,
    toBulkWrite(payloads: readonly ActPayload[]) {
      for (const payload of payloads) {
        if (payload.act === 'crash') {
          void die(life, recording)
          throw new Error(`process ${life.process} died in its sink`)
        }
        if (payload.act === 'poison') throw new RangeError('the row does not fit')
      }
      return sink.toBulkWrite(payloads)
    },
  }
}

function someone(parts: readonly Part[], act: ActPayload['act']): boolean {
  return parts.some(({ payload, attempt }) => payload.act === act && misbehaves(payload, attempt))
}

function die(life: Life, recording: Recording): Promise<never> {
  recording.incident(life.process, 'crash in a handler')
  return life.crash()
}

function throwFor(parts: readonly Part[], { life, recording }: Stage): void {
  if (someone(parts, 'broken'))
    throw Object.assign(new Error('nothing will change this'), { fault: 'permanent' })
  if (someone(parts, 'flaky'))
    throw Object.assign(new Error('the counterpart hung up'), { fault: 'transient' })
  if (!someone(parts, 'poison')) return
  if (parts.length > 1) recording.incident(life.process, 'bisects')
  throw new RangeError('the payload does not fit')
}

/** All outcomes, or one too few. */
function withoutOneIfShort(
  parts: readonly Part[],
  outcomes: HandlerOutcome[],
  { life, recording }: Stage,
): HandlerOutcome[] {
  if (!someone(parts, 'short')) return outcomes
  recording.incident(life.process, 'returns too few outcomes')
  return outcomes.slice(0, -1)
}

function outcomesOf(parts: readonly Part[]): HandlerOutcome[] {
  return parts.map(({ payload, attempt }) => {
    if (payload.act === 'refuse') return failed('not this one')
    if (payload.act === 'again' && misbehaves(payload, attempt)) return retry('not yet')
    return payload.act === 'value' ? ok({ n: payload.n }) : ok()
  })
}
