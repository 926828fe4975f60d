import { describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode, SpillwayError } from '../errors/index.js'
import {
  problemHeaders,
  problemOf,
  REQUEST_PROBLEMS,
  RequestError,
  type RequestProblemCode,
  STATUS_OF_CODE,
} from './problem.js'
import { SCHEMAS } from './schemas.js'

const codes = Object.keys(ERROR_CODES) as ErrorCode[]
const requestCodes = Object.keys(REQUEST_PROBLEMS) as RequestProblemCode[]

describe('problemOf', () => {
  it('has a status for every code of the error table and for nothing else', () => {
    expect(Object.keys(STATUS_OF_CODE).sort()).toEqual([...codes].sort())
  })

  it.each(codes)('makes a valid document of %s', (code) => {
    const problem = problemOf(new SpillwayError(code, 'What to do.'))
    expect(SCHEMAS.Problem.parse(problem)).toEqual(problem)
    expect(problem).toMatchObject({
      code,
      type: `urn:spillway:problem:${code}`,
      title: ERROR_CODES[code].summary,
    })
  })

  it.each(requestCodes)('makes a valid document of %s', (code) => {
    const problem = problemOf(new RequestError(code, 'What to do.'))
    expect(SCHEMAS.Problem.parse(problem)).toEqual(problem)
    expect(problem).toMatchObject({ code, detail: 'What to do.' })
  })

  it('answers a fault of this side with 5xx, but a share that is used up with 429', () => {
    const ofThisSide = codes.filter((each) => ERROR_CODES[each].category !== 'usage')
    const below500 = ofThisSide.filter((code) => STATUS_OF_CODE[code] < 500)
    expect(below500.map((code) => [code, STATUS_OF_CODE[code]])).toEqual([['quota_exceeded', 429]])
  })

  it('says where a payload is wrong, as JSON pointers in fragment form', () => {
    const issues = [
      { path: ['clicks'], pointer: '/clicks', message: 'must be a number' },
      { path: ['a b', 'x#y'], pointer: '/a b/x#y', message: 'unknown' },
      { path: ['\ud800'], pointer: '/\ud800', message: 'lone surrogate' },
      { path: [], pointer: '', message: 'must be an object' },
    ]
    const problem = problemOf(
      new SpillwayError('invalid_payload', 'Not valid.', { details: { type: 't', issues } }),
    )
    expect(problem.status).toBe(422)
    expect(problem.errors).toEqual([
      { detail: 'must be a number', pointer: '#/clicks' },
      { detail: 'unknown', pointer: '#/a%20b/x%23y' },
      { detail: 'lone surrogate', pointer: '#/%EF%BF%BD' },
      { detail: 'must be an object', pointer: '#' },
    ])
    expect(problem.details).toEqual({ type: 't' })
  })

  it('tells when to come back after what may pass', () => {
    expect(problemHeaders(new SpillwayError('queue_full', 'Full.'))).toEqual({ 'retry-after': '1' })
    expect(problemHeaders(new SpillwayError('store_unavailable', 'Locked.'))).toEqual({ 'retry-after': '1' })
    expect(problemHeaders(new SpillwayError('quota_exceeded', 'Slower.'))).toEqual({ 'retry-after': '1' })
    expect(problemHeaders(new SpillwayError('state_conflict', 'No.'))).toEqual({})
    expect(problemHeaders(new SpillwayError('store_incompatible', 'Migrate.'))).toEqual({})
    expect(problemHeaders(new SpillwayError('invalid_payload', 'No.'))).toEqual({})
    expect(problemHeaders(new RequestError('method_not_allowed', 'No.', { allow: 'GET' }))).toEqual({
      allow: 'GET',
    })
  })

  it.each([
    ['queue_full', { retryAfterMs: 12_001 }, 13],
    ['queue_full', { retryAfterMs: 0 }, 1],
    ['quota_exceeded', { retryAfterMs: Number.POSITIVE_INFINITY }, 86_400],
    ['quota_exceeded', { retryAfterMs: Number.NaN }, 1],
    ['state_conflict', { retry: true }, 1],
  ] as const)('says of %s with %o to come back in %i s', (code, details, seconds) => {
    const error = new SpillwayError(code, 'Later.', { details })
    expect(problemOf(error)).toMatchObject({ retryable: true, retryAfter: seconds })
    expect(problemHeaders(error)).toEqual({ 'retry-after': String(seconds) })
  })

  it.each([
    new Error('connect to mysql://root:hunter2@db failed'),
    new SpillwayError('internal', 'hunter2', { details: { dsn: 'hunter2' } }),
    new SpillwayError('handler_result', 'hunter2'),
    'hunter2',
    undefined,
  ])('shows nothing of what failed inside: %s', (error) => {
    const problem = problemOf(error)
    expect(problem.status).toBe(500)
    expect(JSON.stringify(problem)).not.toContain('hunter2')
  })
})
