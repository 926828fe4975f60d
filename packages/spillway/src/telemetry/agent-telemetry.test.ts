import { describe, expect, it } from 'vitest'
import type { TelemetryEvent } from '../ports/index.js'
import { createLogs } from './logs.js'
import { createMetrics } from './prometheus.js'

const NOW = 1_700_000_100_000
const spool = '/var/spool/app'

const MEASURED: TelemetryEvent = {
  ...{ event: 'agent.measured', spool, isHeld: true, writers: 3, backlogBytes: 4_096, oldestAgeMs: 2_500 },
  ...{ quarantinedBytes: 17, refusedFrames: 2 },
}
const FRAMES: TelemetryEvent = { event: 'agent.frames', spool, outcome: 'shipped', frames: 2, commands: 900 }
const REFUSED: TelemetryEvent = {
  ...{ event: 'agent.refused', spool, commands: 5, reason: 'too large', path: `${spool}/refused/x.frame` },
}
const damaged = (kind: 'corrupt' | 'torn'): TelemetryEvent => ({
  ...{ event: 'agent.damaged', spool, kind, writer: 'w', segment: 4, bytes: 100, commands: null },
})

describe('the metrics of an agent', () => {
  it('say what it shipped, what waits and since when, and that it is there', async () => {
    const metrics = createMetrics({ clock: { now: () => NOW }, version: '1.0.0' })
    for (const event of [FRAMES, FRAMES, MEASURED]) metrics.telemetry.record(event)
    const lines = (await metrics.render()).split('\n')
    const label = `spool="${spool}"`
    for (const line of [
      `spillway_agent_frames_total{${label},outcome="shipped"} 4`,
      `spillway_agent_commands_total{${label},outcome="shipped"} 1800`,
      `spillway_agent_backlog_bytes{${label}} 4096`,
      `spillway_agent_oldest_age_seconds{${label}} 2.5`,
      `spillway_agent_writers{${label}} 3`,
      `spillway_agent_quarantined_bytes{${label}} 17`,
      `spillway_agent_refused_frames{${label}} 2`,
      `spillway_agent_holds_spool{${label}} 1`,
      `spillway_agent_last_seen_timestamp_seconds{${label}} 1700000100`,
    ])
      expect(lines).toContain(line)
  })
})

describe('the log of an agent', () => {
  const linesOf = (...events: readonly TelemetryEvent[]) => {
    const lines: string[] = []
    const telemetry = createLogs({ destination: { write: (line) => lines.push(line) } })
    for (const event of events) telemetry.record(event)
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('has a line for what is lost or kept aside, and none for what is shipped', () => {
    expect(linesOf(FRAMES, MEASURED, REFUSED, damaged('corrupt'))).toMatchObject([
      { level: 50, event: 'agent.refused', commands: 5, path: `${spool}/refused/x.frame` },
      { level: 50, event: 'agent.damaged', outcome: 'corrupt', writer: 'w', segment: 4, bytes: 100 },
    ])
  })

  it('does not cry over the last write of a writer that died', () => {
    expect(linesOf(damaged('torn'))).toMatchObject([{ level: 30, outcome: 'torn' }])
  })
})
