// The built-in command that does one verb to many commands. It is worked on in slices, so that a long one neither holds up the end of a
// process nor outlives its timeout.

import { type AnyCommand, type CommandContext, defineAnyCommand } from '../config/index.js'
import { type HandlerOutcome, ok, retry } from '../domain/index.js'
import {
  type CommandFilter,
  isOperationScope,
  OPERATION_TYPE,
  OperationRun,
  type OperationScope,
} from '../operations/index.js'
import type { Clock, Random, Store } from '../ports/index.js'
import { auditNote } from './audit-note.js'
import { OPERATION_QUEUE } from './built-ins.js'
import type { CommandVerbs } from './command-verbs.js'
import { storedPayload } from './stored-payload.js'

const SLICE_MS = 60_000
const TIMEOUT_MS = 5 * 60_000
/** Slices and failures together: most of a day of work. */
const ATTEMPTS_MAX = 1_000

export interface OperationPayload {
  readonly scope: OperationScope
  /** As it was asked for. */
  readonly filter: CommandFilter
  readonly actor: string
  readonly reason: string | null
}

export interface OperationCommandOptions {
  readonly store: Pick<Store, 'control' | 'reader' | 'shared'>
  readonly verbs: Pick<CommandVerbs, 'apply'>
  readonly clock: Clock
  readonly random: Random
}

export function operationCommand(options: OperationCommandOptions): AnyCommand {
  return defineAnyCommand({
    name: OPERATION_TYPE,
    queue: OPERATION_QUEUE,
    input: storedPayload(isOperationPayload),
    timeout: TIMEOUT_MS,
    retry: { attempts: ATTEMPTS_MAX, backoff: { delay: '1s', max: '1m' } },
    handle: (payload, context) => runSlice(options, payload, context),
  })
}

export function isOperationPayload(value: unknown): value is OperationPayload {
  if (typeof value !== 'object' || value === null) return false
  const { scope, filter, actor } = value as Partial<OperationPayload>
  return isOperationScope(scope) && typeof filter === 'object' && typeof actor === 'string'
}

async function runSlice(
  { store, verbs, clock, random }: OperationCommandOptions,
  { scope, actor, reason }: OperationPayload,
  { id, signal }: Pick<CommandContext, 'id' | 'signal'>,
): Promise<HandlerOutcome> {
  const { reader, shared } = store
  const apply = (ids: readonly string[]) => verbs.apply(scope.action, ids)
  const run = new OperationRun({ id, scope, apply, reader, shared, clock, random, sliceMs: SLICE_MS })
  const { next, page: _, ...counts } = await run.run(signal)
  if (next !== null) return retry('there is more to do', { afterMs: 0 })
  const why = reason === null ? {} : { reason }
  await store.control.audit(
    auditNote(`operation.${scope.action}.done`, id, { actor, ...why }),
    counts.changed,
  )
  return ok(counts)
}
