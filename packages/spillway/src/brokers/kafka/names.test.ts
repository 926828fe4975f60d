import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { namesWith } from './names.js'

const names = namesWith('spillway.')
const queueName = fc.stringMatching(/^[a-b0][a-b0._-]{0,7}$/)
/** What Kafka takes for the same name. */
const asKafka = (topic: string): string => topic.replaceAll('_', '.')

describe('the names of topics', () => {
  it('are the queues own after the prefix, where that is plain', () => {
    expect([names.topic('issue-letter'), names.topic('a.b')]).toEqual([
      'spillway.issue-letter',
      'spillway.a.b',
    ])
    expect(names.refused('issue-letter')).toBe('spillway.issue-letter--refused')
  })

  it('are different for different queues, to Kafka as well, and from those of refused messages', () => {
    fc.assert(
      fc.property(queueName, queueName, (one, other) => {
        if (one !== other) expect(asKafka(names.topic(one))).not.toBe(asKafka(names.topic(other)))
        if (one !== other) expect(asKafka(names.refused(one))).not.toBe(asKafka(names.refused(other)))
        expect(asKafka(names.topic(one))).not.toBe(asKafka(names.refused(other)))
      }),
      { numRuns: 20_000 },
    )
  })

  it('are names that Kafka takes', () => {
    for (const queue of ['n'.repeat(100), '_'.repeat(100), `a${'-'.repeat(99)}`])
      expect(names.refused(queue)).toMatch(/^[A-Za-z0-9._-]{1,249}$/)
  })
})
