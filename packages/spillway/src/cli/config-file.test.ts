import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordingTerminal } from '../../test/cli/recording-terminal.js'
import type { Session } from './command.js'
import { locateConfig } from './config-file.js'
import { readEnvironment } from './environment.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-config-'))
  mkdirSync(join(folder, 'a', 'b'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

const session = (cwd: string, variables: Record<string, string> = {}): Session => ({
  cwd,
  environment: readEnvironment(variables),
  terminal: recordingTerminal(),
  interruption: { signal: new AbortController().signal, by: null },
})

describe('the configuration', () => {
  it('is the nearest one upward', () => {
    writeFileSync(join(folder, 'spillway.config.mjs'), '')
    expect(locateConfig(session(join(folder, 'a', 'b')), undefined)).toBe(join(folder, 'spillway.config.mjs'))
    writeFileSync(join(folder, 'a', 'spillway.config.js'), '')
    expect(locateConfig(session(join(folder, 'a', 'b')), undefined)).toBe(
      join(folder, 'a', 'spillway.config.js'),
    )
    writeFileSync(join(folder, 'a', 'spillway.config.ts'), '')
    expect(locateConfig(session(join(folder, 'a')), undefined)).toBe(join(folder, 'a', 'spillway.config.ts'))
  })

  it('is the one that is named, by flag before environment', () => {
    for (const name of ['one.ts', 'two.ts']) writeFileSync(join(folder, name), '')
    const named = session(folder, { SPILLWAY_CONFIG: 'one.ts' })
    expect(locateConfig(named, undefined)).toBe(join(folder, 'one.ts'))
    expect(locateConfig(named, 'two.ts')).toBe(join(folder, 'two.ts'))
  })

  it('is missed with words that help', () => {
    expect(() => locateConfig(session(folder), undefined)).toThrow('spillway init')
    expect(() => locateConfig(session(folder), 'no.ts')).toThrow(/--config names .*no\.ts/)
    expect(() => locateConfig(session(folder, { SPILLWAY_CONFIG: 'no.ts' }), undefined)).toThrow(
      /^SPILLWAY_CONFIG names/,
    )
  })
})
