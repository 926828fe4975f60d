// From a claimed lease to commands that can be executed: decodes the body, leaves out what is not to run, numbers the
// attempts, and gives up on what crashed its workers. The rules of crash isolation are here.

import type { AnyCommand } from '../config/index.js'
import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  commandId,
  decodeBody,
  type ErrorRecord,
  type Lease,
} from '../domain/index.js'
import type { ErrorCode } from '../errors/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import type { Pace } from './held-chunk.js'

/** A command that ends without being executed. */
export interface Dead {
  readonly command: ExecutableCommand
  readonly update: CommandUpdate
}

export interface OpenedLease {
  readonly commands: readonly ExecutableCommand[]
  readonly dead: readonly Dead[]
  readonly pace: Pace
}

export function openLease(lease: Lease, definition: AnyCommand): OpenedLease {
  const { attempts } = definition.retry
  const payloads = payloadsOf(lease)
  const skip = lease.skip.length === 0 ? null : new Set(lease.skip)
  const commands: ExecutableCommand[] = []
  const dead: Dead[] = []
  for (let index = 0; index < lease.size; index += 1) {
    if (skip?.has(index)) continue
    const command = commandAt(lease, index, payloads?.[index], attempts)
    const error = fatal(lease, command, payloads !== null, attempts)
    if (error === null) commands.push(command)
    else dead.push({ command, update: deadUpdate(lease, command, error, attempts) })
  }
  return { commands, dead, pace: paceOf(lease, attempts) }
}

function commandAt(lease: Lease, index: number, payload: unknown, attempts: number): ExecutableCommand {
  const member = lease.members?.[index]
  const crashes = Math.min(lease.expiries, Math.max(1, isolatesAfter(attempts)))
  if (member === undefined) {
    const id = commandId(lease.chunkId, index)
    return { id, index, payload, attempt: crashes + 1, acceptedAt: lease.createdAt }
  }
  return {
    id: member.id,
    index,
    payload,
    attempt: member.attempts + crashes + 1,
    acceptedAt: member.acceptedAt,
  }
}

/** Crashes that count for every command of the chunk. Later ones happen while a single command is running, and count for that. */
function isolatesAfter(attempts: number): number {
  return Math.min(CRASHES_BEFORE_ISOLATION, attempts - 1)
}

function fatal(
  lease: Lease,
  command: ExecutableCommand,
  decoded: boolean,
  attempts: number,
): ErrorRecord | null {
  if (!decoded) return record('internal', 'the body of its chunk cannot be decoded')
  if (command.index === lease.cursor) {
    return record('worker_crash', 'the worker died or stalled while this command was running alone')
  }
  if (command.attempt > attempts) {
    return record('worker_crash', 'workers died or stalled while running it as often as its attempts allow')
  }
  return null
}

function record(code: ErrorCode, message: string): ErrorRecord {
  return { code, message }
}

function deadUpdate(
  lease: Lease,
  command: ExecutableCommand,
  error: ErrorRecord,
  max: number,
): CommandUpdate {
  const { index, attempt } = command
  // The last execution of the command under the cursor had the number that its next one would have, because that crash is
  // not among those that count for all.
  const crashedAlone = index === lease.cursor && lease.expiries > isolatesAfter(max)
  const attempts = Math.min(crashedAlone ? attempt : attempt - 1, max)
  return { index, state: 'dead', attempts, delayMs: 0, error }
}

function paceOf({ expiries }: Lease, attempts: number): Pace {
  return expiries > 0 && expiries >= isolatesAfter(attempts) ? 'guarded' : 'together'
}

/** Null when the body is not what it should be. The parser's message would quote the payloads and is dropped. */
function payloadsOf({ body, size }: Lease): readonly unknown[] | null {
  try {
    return decodeBody(body, size)
  } catch {
    return null
  }
}
