// The events of an agent, which has metrics and lines of its own.

import type { TelemetryEvent } from '../ports/index.js'

export type AgentEvent = Extract<TelemetryEvent, { event: `agent.${string}` }>

export function isAgentEvent(event: TelemetryEvent): event is AgentEvent {
  return event.event.startsWith('agent.')
}
