// Whether an agent can do its work: it has its spools, and they can be emptied to where they go. What waits, and what was put aside, is
// shown with it.

import type { Agent, SpoolState, Way } from '../../agent/index.js'
import type { Health, HealthCheck } from '../../app/api.js'
import { ERROR_MESSAGE_MAX } from '../../domain/index.js'
import { safeText } from '../../telemetry/error-fields.js'

export async function agentHealth(agent: Agent, ways: readonly Way[]): Promise<Health> {
  const checks = [...agent.spools.map(spoolCheck), ...(await Promise.all(ways.map(wayCheck)))]
  return { ready: checks.every(({ ok }) => ok), checks }
}

export function spoolCheck(state: SpoolState): HealthCheck {
  const { spool, isHeld, writers, backlogBytes, oldestAgeMs, quarantinedBytes, refusedFrames } = state
  const facts = [
    isHeld ? `${writers} ${writers === 1 ? 'writer' : 'writers'}` : 'another agent ships it',
    `${backlogBytes} bytes behind`,
    `${Math.round(oldestAgeMs / 1_000)} s`,
    ...(quarantinedBytes > 0 ? [`${quarantinedBytes} bytes in quarantine`] : []),
    ...(refusedFrames > 0 ? [`${refusedFrames} frames put aside`] : []),
  ]
  return { name: `spool ${spool}`, ok: isHeld, detail: facts.join(', ') }
}

async function wayCheck(way: Way): Promise<HealthCheck> {
  try {
    await way.probe()
    return { name: way.name, ok: true, detail: 'takes frames' }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'failed'
    return { name: way.name, ok: false, detail: safeText(message, ERROR_MESSAGE_MAX) }
  }
}
