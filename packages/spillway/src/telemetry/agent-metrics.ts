// What an agent does, as series. The label `spool` is the folder as configured: there are few.

import type { AgentEvent } from './agent-events.js'
import type { LabelValues } from './label-values.js'
import type { MetricFamilies } from './metric-families.js'

export function recordAgent(
  families: MetricFamilies,
  spools: LabelValues,
  nowMs: number,
  event: AgentEvent,
): void {
  const spool = spools.cap(event.spool)
  if (event.event === 'agent.frames') {
    const { outcome } = event
    families.agentFrames.inc({ spool, outcome }, event.frames)
    families.agentCommands.inc({ spool, outcome }, event.commands)
  } else if (event.event === 'agent.measured') recordSpool(families, spool, nowMs, event)
}

function recordSpool(
  families: MetricFamilies,
  spool: string,
  nowMs: number,
  event: Extract<AgentEvent, { event: 'agent.measured' }>,
): void {
  families.agentBacklogBytes.set({ spool }, event.backlogBytes)
  families.agentOldestAge.set({ spool }, event.oldestAgeMs / 1_000)
  families.agentWriters.set({ spool }, event.writers)
  families.agentQuarantinedBytes.set({ spool }, event.quarantinedBytes)
  families.agentRefusedFrames.set({ spool }, event.refusedFrames)
  families.agentHolds.set({ spool }, event.isHeld ? 1 : 0)
  families.agentLastSeen.set({ spool }, nowMs / 1_000)
}
