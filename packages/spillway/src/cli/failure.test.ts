import { describe, expect, it } from 'vitest'
import { recordingOutput } from '../../test/cli/recording-terminal.js'
import { configError } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { notUsable } from './config-module.js'
import { EXIT } from './exit-codes.js'
import { writeFailure } from './failure.js'
import { Interrupted } from './interruption.js'

function shown(error: unknown, json = false) {
  const output = recordingOutput()
  return { exitCode: writeFailure(output, error, json), text: output.text }
}

describe('a failure', () => {
  it('tells the kinds of trouble apart by exit code', () => {
    const codeOf = (code: ConstructorParameters<typeof SpillwayError>[0]) =>
      shown(new SpillwayError(code, 'x')).exitCode
    expect(codeOf('invalid_argument')).toBe(EXIT.usage)
    expect(codeOf('invalid_payload')).toBe(EXIT.usage)
    expect(codeOf('invalid_config')).toBe(EXIT.config)
    expect(codeOf('store_incompatible')).toBe(EXIT.config)
    expect(codeOf('store_unavailable')).toBe(EXIT.unreachable)
    expect(codeOf('not_found')).toBe(EXIT.notFoundOrConflict)
    expect(codeOf('idempotency_conflict')).toBe(EXIT.notFoundOrConflict)
    expect(codeOf('wait_timeout')).toBe(EXIT.waitTimedOut)
    expect(codeOf('queue_full')).toBe(EXIT.failed)
    expect(shown(new TypeError('x')).exitCode).toBe(EXIT.failed)
    expect(shown(new Interrupted()).exitCode).toBe(EXIT.interrupted)
  })

  it('is recognised when it comes from another copy of the package', () => {
    const foreign = Object.assign(new Error('gone'), {
      name: 'SpillwayError',
      code: 'not_found',
      details: {},
    })
    expect(shown(foreign)).toEqual({ exitCode: EXIT.notFoundOrConflict, text: 'error: gone' })
  })

  it('of a configuration names file, path, expected and received', () => {
    const { text, exitCode } = shown(
      notUsable('/app/spillway.config.ts', configError('queues.a.lease', 'a duration', 'soon')),
    )
    expect(exitCode).toBe(EXIT.config)
    expect(text.split('\n').slice(1)).toEqual([
      '  file      /app/spillway.config.ts',
      '  path      queues.a.lease',
      '  expected  a duration',
      '  received  "soon"',
    ])
  })

  it('shows no credentials and no control characters', () => {
    const error = new Error('connect postgres://app:hunter2@db/x failed\u001b[2J')
    for (const json of [false, true]) {
      const { text } = shown(notUsable('/app/spillway.config.ts', error), json)
      expect(text).not.toContain('hunter2')
      expect(text).not.toContain('\u001b')
      expect(text).toContain('postgres://')
    }
  })

  it('shows no credentials that are in the wrong place, or not encoded', () => {
    const mistake = configError('store', 'a store', 'postgres://app:hunt/er2@db/x')
    for (const json of [false, true]) {
      expect(shown(notUsable('/app/spillway.config.ts', mistake), json).text).not.toContain('er2')
      expect(shown(new Error('cannot reach postgres://app:hu@nt/er2@db/x'), json).text).not.toContain('er2')
    }
    expect(shown(new Error('at file:///app/node_modules/@scope/a.js')).text).toContain(
      '/app/node_modules/@scope/',
    )
  })

  it('of a call in a configuration is a mistake of the configuration', () => {
    const wrong = new SpillwayError('invalid_argument', 'postgres(): expected a url.')
    expect(shown(notUsable('/app/spillway.config.ts', wrong))).toEqual({
      exitCode: EXIT.config,
      text: 'error: /app/spillway.config.ts: postgres(): expected a url.',
    })
  })

  it('of a missing package says what to install', () => {
    const advised = (message: string) => shown(notUsable('/app/spillway.config.ts', new Error(message))).text
    expect(advised("Cannot find package 'pg' imported from /app/x.js")).toContain('npm install pg')
    expect(advised("Cannot find package '@scope/a/b' imported from /app/x.js")).toMatch(
      /npm install @scope\/a$/,
    )
    expect(advised("Cannot find module '/app/y.js' imported from /app/x.js")).not.toContain('npm install')
  })

  it('names every fault of a payload', () => {
    const issues = [
      { pointer: '/id', message: 'expected string' },
      { pointer: '', message: 'unknown member' },
    ]
    const { text } = shown(new SpillwayError('invalid_payload', 'Not valid.', { details: { issues } }))
    expect(text.split('\n')).toEqual([
      'error: Not valid.',
      '  /id: expected string',
      '  payload: unknown member',
    ])
  })

  it('is one line of JSON when JSON is wanted', () => {
    const { text } = shown(new SpillwayError('not_found', 'No.', { details: { id: 'x' } }), true)
    expect(JSON.parse(text)).toEqual({ error: { code: 'not_found', message: 'No.', details: { id: 'x' } } })
  })
})
