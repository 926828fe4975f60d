import { describe, expect, it } from 'vitest'
import { writeQueues } from './queue-rows.js'
import type { QueueRecord } from './target/records.js'
import type { Output } from './terminal.js'

function queue(facts: Partial<QueueRecord>): QueueRecord {
  return {
    ...{ queue: 'q', channel: 'store', concurrency: 1, broker: null, oldestReadyAt: null, readyBytes: 0 },
    ...{ paused: false, pauseReason: null, leasesMax: null, ready: 0, running: 0, scheduled: 0, retrying: 0 },
    ...{
      reconciling: 0,
      pending: 0,
      blocked: 0,
      compensating: 0,
      failed: 0,
      dead: 0,
      cancelled: 0,
      compensated: 0,
    },
    ...facts,
  }
}

function written(queues: readonly QueueRecord[]): string[] {
  const lines: string[] = []
  const out: Output = { isTty: false, paint: (_, text) => text, line: (text = '') => void lines.push(text) }
  writeQueues(out, queues, false)
  return lines.map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '))
}

describe('queues as rows', () => {
  it('say nothing of brokers where there are none', () => {
    expect(written([queue({})])[0]).not.toMatch(/broker/)
  })

  it('show by which broker a queue travels, and what waits on it', () => {
    const [heading, ...rows] = written([
      queue({
        queue: 'a',
        channel: 'broker',
        broker: { name: 'nats', waiting: 7, delivered: 1, refused: 2 },
      }),
      queue({
        queue: 'b',
        channel: 'journal',
        broker: { name: 'nats', waiting: null, delivered: null, refused: 0 },
      }),
      queue({ queue: 'c' }),
    ])
    expect(heading).toMatch(/^queue \| channel \| work \| on broker \| unreadable/i)
    expect(rows[0]).toMatch(/^a \| nats \| on \| 7 \| 2 \| 0/)
    expect(rows[1]).toMatch(/^b \| journal, nats \| on \| 0/)
    expect(rows[2]).toMatch(/^c \| store \| on \| 0/)
  })
})
