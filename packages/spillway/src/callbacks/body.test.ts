import { describe, expect, it } from 'vitest'
import { CALLBACK_STATES } from '../config/index.js'
import { callbackBody, type FinishedCommand } from './body.js'

const COMMAND: FinishedCommand = {
  id: '0197-3',
  type: 'letter.issue',
  queue: 'letters',
  state: 'succeeded',
  attempts: 2,
  acceptedAt: Date.parse('2026-01-01T00:00:00Z'),
  finishedAt: Date.parse('2026-01-01T00:00:05.250Z'),
  error: null,
  result: null,
}

describe('callbackBody', () => {
  it('has the structure of Standard Webhooks', () => {
    expect(callbackBody({ ...COMMAND, result: '{"letter":[1,null]}' })).toBe(
      '{"type":"command.succeeded","timestamp":"2026-01-01T00:00:05.250Z","data":{"id":"0197-3","type":"letter.issue",' +
        '"queue":"letters","state":"succeeded","attempts":2,"acceptedAt":"2026-01-01T00:00:00.000Z",' +
        '"finishedAt":"2026-01-01T00:00:05.250Z","result":{"letter":[1,null]}}}',
    )
  })

  it('tells the error without its stack, and nothing of what is not there', () => {
    const error = { code: 'refused', message: 'no such address', stack: 'at secret.ts:1' }
    const body = JSON.parse(callbackBody({ ...COMMAND, state: 'failed', error })) as { data: object }
    expect(body.data).toMatchObject({ error: { code: 'refused', message: 'no such address' } })
    expect(JSON.stringify(body)).not.toContain('secret.ts')
    expect(body.data).not.toHaveProperty('result')
    expect(JSON.parse(callbackBody(COMMAND)).data).not.toHaveProperty('error')
  })

  it('names every end that is called back', () => {
    const types = CALLBACK_STATES.map((state) => JSON.parse(callbackBody({ ...COMMAND, state })).type)
    expect(types).toEqual([
      'command.succeeded',
      'command.failed',
      'command.dead',
      'command.compensated',
      'command.cancelled',
    ])
  })

  it('tells a result of null apart from no result', () => {
    expect(JSON.parse(callbackBody({ ...COMMAND, result: 'null' })).data).toHaveProperty('result', null)
  })
})
