// From a claimed lease to commands that can be executed: decodes the body, leaves out what is not to run, counts the tries, and
// gives up on what crashed its workers. The rules of crash isolation are here; they hold for every stage, each with its own tries.

import type { AnyCommand } from '../config/index.js'
import {
  type ChunkMember,
  CRASHES_BEFORE_ISOLATION,
  commandId,
  decodeBody,
  type Exception,
  formatMemo,
  type Lease,
  orderingKeyHash,
  parseMemo,
} from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import type { ClaimedLease } from './claims/claim-source.js'
import type { Pace } from './held-chunk.js'

/** A command that ends, or is left to another stage, without being tried again. */
export interface Dead {
  readonly command: ExecutableCommand
  readonly exception: Exception
}

export interface OpenedLease {
  readonly commands: readonly ExecutableCommand[]
  readonly dead: readonly Dead[]
  readonly pace: Pace
}

/** What holds for every command of the lease. */
interface Rules {
  readonly definition: AnyCommand
  /** Tries that each command has in this stage. */
  readonly triesMax: number
  /** Crashes that count as a try of every command of the chunk. Later ones happen while a single command is running, and count for that. */
  readonly crashes: number
  readonly pace: Pace
}

export function openLease(lease: ClaimedLease, definition: AnyCommand): OpenedLease {
  const rules = rulesOf(lease, definition)
  const payloads = payloadsOf(lease)
  const skip = lease.skip.length === 0 ? null : new Set(lease.skip)
  const commands: ExecutableCommand[] = []
  const dead: Dead[] = []
  for (let index = 0; index < lease.size; index += 1) {
    if (skip?.has(index)) continue
    const used = triesUsed(lease, index) + rules.crashes
    const command = commandAt(lease, rules, index, payloads?.[index], used)
    const exception = fatal(lease, rules, index, payloads !== null, used)
    if (exception === null) commands.push(command)
    else dead.push({ command: lastTried(lease, rules, command), exception })
  }
  return { commands, dead, pace: rules.pace }
}

function rulesOf(lease: Lease, definition: AnyCommand): Rules {
  const triesMax = triesOf(lease, definition)
  const isolatesAfter = Math.min(CRASHES_BEFORE_ISOLATION, triesMax - 1)
  const isGuarded = lease.expiries > 0 && lease.expiries >= isolatesAfter
  return {
    definition,
    triesMax,
    crashes: Math.min(lease.expiries, Math.max(1, isolatesAfter)),
    pace: isGuarded ? 'guarded' : 'together',
  }
}

function triesOf({ stage }: Lease, { policy }: AnyCommand): number {
  switch (stage) {
    case 'execute':
      return policy.retry.attempts
    case 'reconcile':
      return policy.reconciliation?.attempts ?? 1
    case 'compensate':
      return policy.compensation.attempts
    case 'poll':
      // Bounded by the deadline; what kills its worker while it is alone ends all the same.
      return Number.POSITIVE_INFINITY
  }
}

function triesUsed({ stage, members }: Lease, index: number): number {
  const member = members?.[index]
  if (member === undefined) return 0
  if (stage === 'execute') return member.attempts
  const { reconciliations = 0, compensations = 0 } = parseMemo(member.memo)
  return stage === 'reconcile' ? reconciliations : stage === 'compensate' ? compensations : 0
}

function commandAt(
  lease: Lease,
  rules: Rules,
  index: number,
  payload: unknown,
  used: number,
): ExecutableCommand {
  const member = lease.members?.[index]
  const { chunkId, createdAt, expiries, partition, stage } = lease
  if (member === undefined) {
    const plain = { id: commandId(chunkId, index), index, payload, attempt: used + 1, acceptedAt: createdAt }
    if (expiries === 0 && partition === null) return plain
    const orderingKey = keyOf(rules.definition, payload, partition)
    return { ...plain, orderingKey, resumed: expiries > 0, doubtful: isDoubtful(lease, rules) }
  }
  return {
    ...{ id: member.id, index, payload, acceptedAt: member.acceptedAt, resumed: true },
    attempt: stage === 'execute' ? used + 1 : member.attempts,
    memo: memoOf(lease, member, used),
    orderingKey: member.orderingKey ?? keyOf(rules.definition, payload, partition),
    doubtful: isDoubtful(lease, rules),
  }
}

/** A worker died or stalled under it, and nothing has undone what it may have done. */
function isDoubtful({ stage, expiries }: Lease, { definition }: Rules): boolean {
  const { reconciler, settlement } = definition
  return stage === 'execute' && expiries > 0 && reconciler !== null && settlement === 'batched'
}

/** Crashes count as tries of the stage they happened in. */
function memoOf({ stage, expiries }: Lease, { memo }: ChunkMember, used: number): string | null {
  if (expiries === 0 || stage === 'execute' || stage === 'poll') return memo
  const counted = stage === 'reconcile' ? { reconciliations: used } : { compensations: used }
  return formatMemo({ ...parseMemo(memo), ...counted })
}

/** The key's function is the user's; a payload that it throws for stands in nobody's way. */
function keyOf({ orderingKey }: AnyCommand, payload: unknown, partition: number | null): string | null {
  if (partition === null || orderingKey === null) return null
  try {
    return orderingKeyHash(orderingKey(payload))
  } catch {
    return null
  }
}

function fatal(lease: Lease, rules: Rules, index: number, decoded: boolean, used: number): Exception | null {
  if (!decoded) return permanent('internal', 'the body of its chunk cannot be decoded')
  if (index === lease.cursor)
    return permanent('worker_crash', 'the worker died or stalled while this command was running alone')
  if (used < rules.triesMax) return null
  if (rules.crashes > 0)
    return permanent(
      'worker_crash',
      'workers died or stalled while running it as often as its attempts allow',
    )
  // Its type allows fewer attempts than when it was left to wait. Other stages find that out by themselves.
  return lease.stage === 'execute'
    ? permanent('attempts_used_up', 'its type allows no further attempt')
    : null
}

function permanent(code: string, message: string): Exception {
  return { outcome: 'exception', fault: 'permanent', error: { code, message } }
}

/**
 * With the number of its last execution. That of a command under the cursor had the number that its next one would have, because that
 * crash is not among those that count for all.
 */
function lastTried(
  lease: Lease,
  { triesMax, crashes }: Rules,
  command: ExecutableCommand,
): ExecutableCommand {
  if (lease.stage !== 'execute') return command
  const crashedAlone = command.index === lease.cursor && lease.expiries > crashes
  return { ...command, attempt: Math.min(crashedAlone ? command.attempt : command.attempt - 1, triesMax) }
}

/** Null when the body is not what it should be. The parser's message would quote the payloads and is dropped. */
function payloadsOf({ body, size, payloads }: ClaimedLease): readonly unknown[] | null {
  try {
    return payloads ?? decodeBody(body, size)
  } catch {
    return null
  }
}
