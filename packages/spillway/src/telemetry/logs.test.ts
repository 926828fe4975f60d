import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../errors/index.js'
import type { TelemetryEvent } from '../ports/index.js'
import { createLogs, type LogsOptions } from './logs.js'

function linesOf(events: readonly TelemetryEvent[], options: LogsOptions = {}): Record<string, unknown>[] {
  const lines: string[] = []
  const telemetry = createLogs({ ...options, destination: { write: (line) => lines.push(line) } })
  for (const event of events) telemetry.record(event)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

const exception = (state: string): TelemetryEvent => ({
  event: 'command.exception',
  queue: 'letters',
  type: 'letter.issue',
  commandId: 'abc-7',
  attempt: 3,
  state,
  errorCode: 'ECONNRESET',
  message: 'socket hang up',
})

describe('createLogs', () => {
  it('writes one line per command that did not simply succeed', () => {
    const [line, ...rest] = linesOf([exception('retrying')], { workerId: 'host-1' })
    expect(rest).toEqual([])
    expect(line).toEqual({
      level: 40,
      time: expect.any(Number),
      worker_id: 'host-1',
      event: 'command.exception',
      command_id: 'abc-7',
      command_type: 'letter.issue',
      queue: 'letters',
      attempt: 3,
      outcome: 'retrying',
      error_type: 'ECONNRESET',
      msg: 'socket hang up',
    })
  })

  it('calls a dead command an error', () => {
    expect(linesOf([exception('dead')])[0]).toMatchObject({ level: 50, outcome: 'dead' })
  })

  it.each(['expired', 'stale', 'hung'] as const)('says in words that a lease was lost: %s', (reason) => {
    const [line] = linesOf([{ event: 'lease.lost', queue: 'q', type: 't', chunkId: 'c1', reason }])
    expect(line).toMatchObject({
      level: 40,
      event: 'lease.lost',
      chunk_id: 'c1',
      command_type: 't',
      queue: 'q',
      outcome: reason,
    })
    expect(line?.msg).toMatch(/lease|handler/)
  })

  it.each([
    ['open', 40, /left alone/],
    ['half-open', 40, /tried again/],
    ['closed', 30, /succeeds again/],
  ] as const)('says what a breaker that is %s means', (state, level, words) => {
    const [line] = linesOf([{ event: 'breaker.changed', queue: 'q', type: 't', state }])
    expect(line).toMatchObject({
      level,
      event: 'breaker.changed',
      queue: 'q',
      command_type: 't',
      outcome: state,
    })
    expect(line?.msg).toMatch(words)
  })

  it('reports callbacks that do not get through, and no others', () => {
    const outcomes = ['delivered', 'retry', 'gone', 'blocked', 'failed'] as const
    const lines = linesOf(
      outcomes.map((outcome) => ({
        ...{ event: 'callback.delivery', outcome, durationMs: 1_500 },
        status: outcome === 'blocked' ? null : 500,
      })),
    )
    expect(lines).toMatchObject([
      { level: 40, outcome: 'gone', status: 500, duration_s: 1.5 },
      { level: 40, outcome: 'blocked', msg: expect.stringContaining('allowAddresses') },
      { level: 40, outcome: 'failed', status: 500 },
    ])
    expect(lines[1]).not.toHaveProperty('status')
  })

  it('names the types whose handlers ran while the event loop stood still', () => {
    expect(linesOf([{ event: 'event_loop.blocked', durationMs: 2_000, types: ['a', 'b'] }])).toMatchObject([
      { level: 50, duration_s: 2, command_types: ['a', 'b'] },
    ])
  })

  it('writes a fault with its causes and where it happened', () => {
    const cause = Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY', sql: 'insert 4711' })
    const [line] = linesOf([
      {
        event: 'fault',
        where: 'claim',
        error: new SpillwayError('store_unavailable', 'The store is locked.', { cause }),
      },
    ])
    expect(line).toMatchObject({
      level: 50,
      event: 'fault',
      where: 'claim',
      error_type: 'store_unavailable',
      msg: 'claim: The store is locked.',
      err: {
        type: 'SpillwayError',
        code: 'store_unavailable',
        cause: { code: 'SQLITE_BUSY', message: 'database is locked' },
      },
    })
    expect(JSON.stringify(line)).not.toContain('4711')
  })

  it('survives anything thrown', () => {
    const lines = linesOf(
      ['boom', undefined, 7, { payload: 'private' }].map((error) => ({ event: 'fault', where: 'x', error })),
    )
    expect(lines.map((line) => (line.err as { message: string }).message)).toEqual([
      'boom',
      'Something that is not an Error was thrown: undefined.',
      'Something that is not an Error was thrown: number.',
      'Something that is not an Error was thrown: object.',
    ])
  })

  it('follows a bounded number of causes', () => {
    const error = new Error('loop')
    error.cause = error
    const [line] = linesOf([{ event: 'fault', where: 'x', error }])
    expect(JSON.stringify(line).match(/"message":"loop"/g)).toHaveLength(4)
  })

  it('reports a late heartbeat and ignores a punctual one', () => {
    const lines = linesOf([
      { event: 'heartbeat.delay', delayMs: 999 },
      { event: 'heartbeat.delay', delayMs: 4_200 },
    ])
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ level: 40, event: 'heartbeat.delay', duration_s: 4.2 })
  })

  it('writes lifecycle steps with their details', () => {
    const [line] = linesOf([
      {
        event: 'lifecycle',
        what: 'listening',
        details: { event: 'other', port: 7077, store: 'postgres://me:hunter2@db/x' },
      },
    ])
    expect(line).toMatchObject({
      level: 30,
      event: 'lifecycle',
      msg: 'listening',
      port: 7077,
      store: 'postgres://***@db/x',
    })
  })

  it('stays silent about what goes well', () => {
    const lines = linesOf(
      [
        { event: 'command.received', queue: 'q', type: 't', outcome: 'accepted', count: 1 },
        { event: 'command.finished', queue: 'q', type: 't', outcome: 'succeeded', count: 1, completionMs: 5 },
        { event: 'attempt.finished', queue: 'q', type: 't', outcome: 'ok', count: 1 },
        { event: 'accept.duration', queue: 'q', durationMs: 1 },
        { event: 'chunk.committed', queue: 'q', type: 't', commands: 1, bytes: 1 },
        { event: 'batch.executed', queue: 'q', type: 't', commands: 1, durationMs: 1, waitMs: 1 },
        { event: 'pool.state', queue: 'q', active: 1, limit: 1, queued: 0 },
        { event: 'store.operation', operation: 'append', outcome: 'ok', durationMs: 1 },
        { event: 'limit.changed', queue: 'q', limit: 4, reason: 'recovered' },
        { event: 'command.deferred', queue: 'q', type: 't', reason: 'blocked', count: 1 },
        { event: 'admission.refused', queue: 'q', reason: 'age', count: 1 },
        { event: 'callback.delivery', outcome: 'retry', status: 503, durationMs: 1 },
      ],
      { level: 'trace' },
    )
    expect(lines).toEqual([])
  })

  it('writes nothing below its level', () => {
    const events = [exception('retrying'), exception('dead')]
    expect(linesOf(events, { level: 'error' })).toHaveLength(1)
    expect(linesOf(events, { level: 'silent' })).toHaveLength(0)
  })

  it.each([
    ['connect to mysql://root:hunter2@10.0.0.1:3306/app failed', 'hunter2'],
    ['401 for Authorization: Bearer abc.def-ghi', 'abc.def'],
    ['{"password":"hunter2","user":"a"}', 'hunter2'],
    ['bad option api_key=hunter2&x=1', 'hunter2'],
  ])('keeps credentials out of the text: %s', (message, secret) => {
    const error = new Error(message)
    const text = JSON.stringify(
      linesOf([{ event: 'fault', where: 'x', error }, { ...exception('dead'), message } as TelemetryEvent]),
    )
    expect(text).not.toContain(secret)
    expect(text).toContain('***')
  })

  it('bounds the text of a line', () => {
    const error = new Error('x'.repeat(100_000))
    const [line] = linesOf([{ event: 'fault', where: 'x', error }])
    expect(JSON.stringify(line).length).toBeLessThan(8_000)
  })
})
