// Takes a claimed lease into this worker's hands. What crashed its workers too often ends, or goes to another stage, there and then.

import type { ExecutableCommand, ReportedUpdate } from '../ports/index.js'
import type { ClaimedLease } from './claims/claim-source.js'
import { HeldChunk, type HeldChunkInit } from './held-chunk.js'
import { KeyOrder } from './key-order.js'
import { overRateUpdate } from './limits/over-rate.js'
import { openLease } from './open-lease.js'
import type { WorkerContext } from './worker-context.js'

export type HoldContext = Pick<WorkerContext, 'executor' | 'aftermath' | 'callbackRoute'>

export function holdLease(
  { executor, aftermath, callbackRoute }: HoldContext,
  init: Pick<HeldChunkInit, 'definition' | 'deadline' | 'onEnd'> & { readonly lease: ClaimedLease },
): HeldChunk {
  const { lease, definition } = init
  const { commands: opened, dead, pace } = openLease(lease, definition)
  const { commands, limited } = byRate(opened, lease.overRate)
  const route = callbackRoute === undefined ? {} : { callbackRoute }
  // In another stage than execute a command has begun already, and holds up others itself.
  const order = lease.partition === null || lease.stage !== 'execute' ? {} : { order: new KeyOrder(lease) }
  const chunk = new HeldChunk({ ...init, ...route, ...order, aftermath, commands, pace })
  // Before anything else is noted: what waits for its rate may hold up others of its ordering key.
  if (limited.length > 0)
    chunk.noteUntried(
      limited.map(([command]) => command),
      limited.map(([, update]) => update),
    )
  if (dead.length === 0) return chunk
  const ended = dead.map(({ command }) => command)
  const report = executor.conclude(
    definition.name,
    ended,
    dead.map(({ exception }) => exception),
    { stage: lease.stage, crashed: true },
  )
  chunk.noteUntried(ended, report)
  return chunk
}

type Limited = readonly [ExecutableCommand, ReportedUpdate]

function byRate(opened: readonly ExecutableCommand[], overRate: ClaimedLease['overRate']) {
  if (overRate === undefined) return { commands: opened, limited: [] }
  const limited = opened.flatMap((command): Limited[] => {
    const waitMs = overRate.get(command.index)
    return waitMs === undefined ? [] : [[command, overRateUpdate(command, waitMs)]]
  })
  return { commands: opened.filter(({ index }) => !overRate.has(index)), limited }
}
