import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../testing/virtual-clock.js'
import { createLogs, createMetrics } from './index.js'

describe('what comes over a broker', () => {
  it('is counted by what the store found', async () => {
    const { telemetry, render } = createMetrics({ clock: new VirtualClock(), version: '1', queues: ['q'] })
    const landed = { event: 'command.landed', queue: 'q', type: 'a' } as const
    telemetry.record({ ...landed, outcome: 'accepted', count: 3 })
    telemetry.record({ ...landed, outcome: 'conflict', count: 1 })
    telemetry.record({ event: 'delivery.refused', queue: 'q', id: 'm', reason: 'r' })
    const text = await render()
    expect(text).toContain('spillway_command_landed_total{queue="q",command="a",outcome="accepted"} 3')
    expect(text).toContain('spillway_command_landed_total{queue="q",command="a",outcome="conflict"} 1')
    expect(text).toContain('spillway_delivery_refused_total{queue="q"} 1')
  })

  it('is a line of the log when it was refused, and only then', () => {
    const lines: string[] = []
    const logs = createLogs({ destination: { write: (line) => void lines.push(line) } })
    logs.record({ event: 'command.landed', queue: 'q', type: 'a', outcome: 'duplicate', count: 1 })
    logs.record({ event: 'delivery.refused', queue: 'q', id: 'm1', reason: 'the message is not JSON text' })
    logs.record({ event: 'delivery.refused', queue: 'q', id: null, reason: 'x' })
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 50,
        event: 'delivery.refused',
        queue: 'q',
        message_id: 'm1',
        msg: expect.stringContaining('not JSON'),
      },
      { level: 50, event: 'delivery.refused', queue: 'q' },
    ])
    expect(lines[1]).not.toContain('message_id')
  })
})
