import { describe, expect, it } from 'vitest'
import type { BrokerQueueState } from '../ports/index.js'
import { createMetrics } from './prometheus.js'

const metricsOf = () =>
  createMetrics({ clock: { now: () => 0 }, version: '1', queues: ['clicks'], labelValuesMax: 1 })
const state = (queue: string, parts: Partial<BrokerQueueState> = {}): BrokerQueueState => ({
  ...{ queue, waiting: null, delivered: null, refused: null },
  ...parts,
})

describe('gauges of what is on its way', () => {
  it('show the messages that a broker counts, and nothing for those it does not', async () => {
    const metrics = metricsOf()
    metrics.observeBrokers(async () => [state('clicks', { waiting: 3, refused: 0 })])
    const text = await metrics.render()
    expect(text).toContain('spillway_broker_messages{queue="clicks",state="waiting"} 3\n')
    expect(text).toContain('spillway_broker_messages{queue="clicks",state="refused"} 0\n')
    expect(text).not.toContain('state="delivered"')
  })

  it('have no value while the broker does not answer, and disturb no other', async () => {
    const metrics = metricsOf()
    let states = [state('clicks', { waiting: 3 })]
    metrics.observeBrokers(async () => states)
    metrics.observeJournals(async () => {
      throw new Error('the disk')
    })
    expect(await metrics.render()).toContain('spillway_broker_messages{')
    states = []
    const text = await metrics.render()
    expect(text).not.toMatch(/spillway_(broker_messages|journal_bytes)\{/)
    expect(text).toContain('spillway_build_info{')
  })

  it('count queues beyond the cap together', async () => {
    const metrics = metricsOf()
    metrics.observeBrokers(async () => ['clicks', 'a', 'b', 'c'].map((queue) => state(queue, { waiting: 1 })))
    const lines = (await metrics.render())
      .split('\n')
      .filter((line) => line.includes('spillway_broker_messages{'))
    expect(lines).toEqual([
      'spillway_broker_messages{queue="clicks",state="waiting"} 1',
      'spillway_broker_messages{queue="a",state="waiting"} 1',
      'spillway_broker_messages{queue="_other",state="waiting"} 2',
    ])
  })

  it("show a journal's size, its bound, the disk, and whether it takes anything", async () => {
    const metrics = metricsOf()
    const journal = { spool: '/spool', bytes: 70, bytesMax: 100, isRefusing: true }
    metrics.observeJournals(async () => [{ ...journal, freeBytes: 5 }])
    const text = await metrics.render()
    expect(text).toContain('spillway_journal_bytes{spool="/spool"} 70\n')
    expect(text).toContain('spillway_journal_bytes_max{spool="/spool"} 100\n')
    expect(text).toContain('spillway_journal_disk_free_bytes{spool="/spool"} 5\n')
    expect(text).toContain('spillway_journal_refusing{spool="/spool"} 1\n')
    metrics.observeJournals(async () => [{ ...journal, isRefusing: false, freeBytes: null }])
    const later = await metrics.render()
    expect(later).toContain('spillway_journal_refusing{spool="/spool"} 0\n')
    expect(later).not.toContain('spillway_journal_disk_free_bytes{')
  })
})
