import { describe, expect, it } from 'vitest'
import { type Telemetry, type TelemetryEvent, tee } from './telemetry.js'

const EVENT: TelemetryEvent = { event: 'heartbeat.delay', delayMs: 5 }

function listening(): { sink: Telemetry; heard: TelemetryEvent[] } {
  const heard: TelemetryEvent[] = []
  return { heard, sink: { record: (event) => void heard.push(event) } }
}

const throwing: Telemetry = {
  record() {
    throw new Error('the sink is broken')
  },
}

describe('tee', () => {
  it('tells every sink', () => {
    const [a, b] = [listening(), listening()]
    tee(a.sink, b.sink).record(EVENT)
    expect([a.heard, b.heard]).toEqual([[EVENT], [EVENT]])
  })

  it('keeps the others and its caller safe from a sink that throws, also from a lone one', () => {
    const { sink, heard } = listening()
    tee(throwing, sink, throwing).record(EVENT)
    expect(heard).toEqual([EVENT])
    expect(() => tee(throwing).record(EVENT)).not.toThrow()
  })
})
