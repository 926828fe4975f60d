// The handlers of one incarnation of a worker: they act as their payloads say, write their effects where their type's
// effects go, and may take the whole process down with them.

import { type AnyCommand, type BatchContext, defineCommand, type HandlerContext } from '../../config/index.js'
import type { HandlerOutcome } from '../../domain/index.js'
import { into } from '../../sinks/index.js'
import type { TableShape } from '../store-contract/index.js'
import type { ActPayload } from './acts.js'
import { badDaysOf, takeSteps, toldOf } from './bad-days.js'
import { isOutside, type TypeSpec } from './command-mix.js'
import {
  misbehave,
  mustDie,
  outcomesOf,
  type Part,
  slownessMs,
  throwFor,
  withoutOneIfShort,
} from './misbehaviour.js'
import { play } from './playing.js'
import { die, type Scene } from './scene.js'

export const EFFECTS: TableShape = { name: 'effects', columns: { id: 'text' }, key: [] }
export const ROWS: TableShape = { name: 'rows', columns: { n: 'integer', payload: 'text' }, key: ['n'] }

const SCHEMA = {
  '~standard': { version: 1, vendor: 'simulation', validate: (value: unknown) => ({ value }) },
} as const

const IN_LINE = { orderingKey: (payload: unknown) => (payload as ActPayload).line }

export function commandOf(spec: TypeSpec, scene: Scene): AnyCommand {
  const { name, queue, attempts, timeoutMs, backoffMs, backoffMaxMs, windowMs, batchSize, batchWaitMs } = spec
  return defineCommand({
    name,
    queue,
    input: SCHEMA,
    timeout: timeoutMs,
    idempotencyWindow: windowMs,
    retry: { attempts, backoff: { delay: backoffMs, max: backoffMaxMs } },
    batch: { maxSize: batchSize, maxWait: batchWaitMs },
    ...(queue === 'steps' ? IN_LINE : {}),
    ...(isOutside(spec.shape) ? badDaysOf(spec, scene) : toldOf(spec)),
    ...handlerOf(spec, scene),
  }) as AnyCommand
}

function handlerOf({ shape, abilities }: TypeSpec, scene: Scene): object {
  switch (shape) {
    case 'one':
      return {
        handle: async (payload: ActPayload, context: HandlerContext) => {
          const { id, attempt, signal } = context
          const begin = (call: number): Promise<void> => takeSteps(scene, abilities.steps, context, call)
          const parts = [{ id, attempt, payload }]
          const [outcome] = await play(scene, { parts, signal, polls: abilities.poll, begin })
          return outcome
        },
      }
    case 'batch':
      return {
        handleBatch: (payloads: ActPayload[], context: BatchContext) =>
          play(scene, {
            ...{ parts: partsOf(payloads, context), signal: context.signal, polls: abilities.poll },
          }),
      }
    case 'one-in-transaction':
      return {
        settlement: 'transaction',
        handle(payload: ActPayload, context: HandlerContext) {
          const outcomes = playWithin(scene, [{ id: context.id, attempt: context.attempt, payload }], context)
          return outcomes instanceof Promise ? outcomes.then(([outcome]) => outcome) : outcomes[0]
        },
      }
    case 'batch-in-transaction':
      return {
        settlement: 'transaction',
        handleBatch: (payloads: ActPayload[], context: BatchContext) =>
          playWithin(scene, partsOf(payloads, context), context),
      }
    case 'sink':
      return { handleBatch: sinkOf(scene) }
  }
}

function partsOf(payloads: readonly ActPayload[], context: BatchContext): Part[] {
  return payloads.map((payload, at) => {
    const { id, attempt } = context.commands[at] as BatchContext['commands'][number]
    return { id, attempt, payload }
  })
}

/** With effects in the settlement's transaction. */
function playWithin(
  scene: Scene,
  parts: readonly Part[],
  context: Pick<HandlerContext, 'tx' | 'signal'>,
): HandlerOutcome[] | Promise<HandlerOutcome[]> {
  return scene.transactions.areAsync
    ? playWithinAsync(scene, parts, context)
    : playWithinSync(scene, parts, context.tx)
}

function playWithinSync(scene: Scene, parts: readonly Part[], tx: unknown): HandlerOutcome[] {
  const { life, transactions } = scene
  if (mustDie(parts)) {
    void die(scene)
    throw new Error(`process ${life.process} died in its handler`)
  }
  throwFor(parts, scene)
  const outcomes = outcomesOf(parts)
  for (const id of succeeded(parts, outcomes)) void transactions.insert(tx, EFFECTS.name, { id })
  return withoutOneIfShort(parts, outcomes, scene)
}

/** Its rows are written before it waits, so that whatever ends it meanwhile has something to undo. */
async function playWithinAsync(
  scene: Scene,
  parts: readonly Part[],
  { tx, signal }: Pick<HandlerContext, 'tx' | 'signal'>,
): Promise<HandlerOutcome[]> {
  const { life, recording, transactions } = scene
  const outcomes = outcomesOf(parts)
  for (const id of succeeded(parts, outcomes)) await transactions.insert(tx, EFFECTS.name, { id })
  await misbehave(parts, scene, signal)
  const ms = slownessMs(parts)
  if (ms > 1) recording.incident(life.process, 'waits in its transaction')
  await life.clock.sleep(ms)
  return withoutOneIfShort(parts, outcomes, scene)
}

function succeeded(parts: readonly Part[], outcomes: readonly HandlerOutcome[]): string[] {
  return parts.filter((_, at) => outcomes[at]?.outcome === 'ok').map(({ id }) => id)
}

function sinkOf(scene: Scene) {
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
          void die(scene)
          throw new Error(`process ${scene.life.process} died in its sink`)
        }
        if (payload.act === 'poison') throw new RangeError('the row does not fit')
      }
      return sink.toBulkWrite(payloads)
    },
  }
}
