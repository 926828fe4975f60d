// The handlers of one incarnation of a worker: they act as their payloads say, write their effects where their type's
// effects go, and may take the whole process down with them.

import { type AnyCommand, type BatchContext, defineCommand, type HandlerContext } from '../../config/index.js'
import { failed, type HandlerOutcome, ok, retry } from '../../domain/index.js'
import { into } from '../../sinks/index.js'
import type { TableShape } from '../store-contract/index.js'
import { type ActPayload, misbehaves } from './acts.js'
import type { TypeSpec } from './command-mix.js'
import type { Life } from './life.js'
import type { Recording } from './recording.js'

export const EFFECTS: TableShape = { name: 'effects', columns: { id: 'text' }, key: [] }
export const ROWS: TableShape = { name: 'rows', columns: { n: 'integer', payload: 'text' }, key: ['n'] }

export interface Stage {
  readonly life: Life
  readonly recording: Recording
  readonly transactions: Transactions
}

/** How handlers write in the settlement's transaction. */
export interface Transactions {
  /** Whether such a handler may wait in it, or has to be done before it returns. */
  readonly areAsync: boolean
  insert(tx: unknown, table: string, row: Readonly<Record<string, string>>): void | Promise<void>
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
          const outcomes = playWithin(stage, [{ id: context.id, attempt: context.attempt, payload }], context)
          return outcomes instanceof Promise ? outcomes.then(([outcome]) => outcome) : outcomes[0]
        },
      }
    case 'batch-in-transaction':
      return {
        settlement: 'transaction',
        handleBatch: (payloads: ActPayload[], context: BatchContext) =>
          playWithin(stage, partsOf(payloads, context), context),
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
  await misbehave(parts, { life, recording }, signal)
  await life.clock.sleep(slownessMs(parts))
  const outcomes = outcomesOf(parts)
  for (const [at, { id, payload }] of parts.entries()) {
    if (outcomes[at]?.outcome === 'ok')
      recording.add({ kind: 'effect', id, payload: JSON.stringify(payload) })
  }
  return withoutOneIfShort(parts, outcomes, { life, recording })
}

/** With effects in the settlement's transaction. */
function playWithin(
  stage: Stage,
  parts: readonly Part[],
  context: Pick<HandlerContext, 'tx' | 'signal'>,
): HandlerOutcome[] | Promise<HandlerOutcome[]> {
  return stage.transactions.areAsync
    ? playWithinAsync(stage, parts, context)
    : playWithinSync(stage, parts, context.tx)
}

function playWithinSync(
  { life, recording, transactions }: Stage,
  parts: readonly Part[],
  tx: unknown,
): HandlerOutcome[] {
  if (someone(parts, 'crash') || someone(parts, 'crash-some')) {
    void die(life, recording)
    throw new Error(`process ${life.process} died in its handler`)
  }
  throwFor(parts, { life, recording })
  const outcomes = outcomesOf(parts)
  for (const id of succeeded(parts, outcomes)) void transactions.insert(tx, EFFECTS.name, { id })
  return withoutOneIfShort(parts, outcomes, { life, recording })
}

/** Its rows are written before it waits, so that whatever ends it meanwhile has something to undo. */
async function playWithinAsync(
  { life, recording, transactions }: Stage,
  parts: readonly Part[],
  { tx, signal }: Pick<HandlerContext, 'tx' | 'signal'>,
): Promise<HandlerOutcome[]> {
  const outcomes = outcomesOf(parts)
  for (const id of succeeded(parts, outcomes)) await transactions.insert(tx, EFFECTS.name, { id })
  await misbehave(parts, { life, recording }, signal)
  const ms = slownessMs(parts)
  if (ms > 1) recording.incident(life.process, 'waits in its transaction')
  await life.clock.sleep(ms)
  return withoutOneIfShort(parts, outcomes, { life, recording })
}

function succeeded(parts: readonly Part[], outcomes: readonly HandlerOutcome[]): string[] {
  return parts.filter((_, at) => outcomes[at]?.outcome === 'ok').map(({ id }) => id)
}

function slownessMs(parts: readonly Part[]): number {
  const slow = parts.filter(({ payload }) => payload.act === 'slow').map(({ payload }) => payload.ms)
  return Math.max(1, ...slow)
}

type Scene = Pick<Stage, 'life' | 'recording'>

/** Dies, hangs, stalls or throws if a part's act says so. */
async function misbehave(
  parts: readonly Part[],
  { life, recording }: Scene,
  signal: AbortSignal,
): Promise<void> {
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
}

function sinkOf({ life, recording }: Scene) {
  const sink = into<ActPayload>(ROWS.name, {
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

function throwFor(parts: readonly Part[], { life, recording }: Scene): void {
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
  { life, recording }: Scene,
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
