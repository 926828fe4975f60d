import { describe, expect, it } from 'vitest'
import { sourceFile } from './tidy/source-file.mjs'
import { tidy } from './tidy.mjs'

const WORKER = 'packages/spillway/src/worker/run.ts'
const UNIT_TEST = 'packages/spillway/src/worker/run.test.ts'

const problemsOf = (path: string, text: string, folders: string[] = []): string[] =>
  tidy([sourceFile(path, text)], folders).problems

/** Spelled apart, so that this file does not break the rules it tests. */
const mark = (...parts: string[]): string => parts.join('')

const manyLines = (count: number): string => `${'const a = 1\n'.repeat(count)}`

describe('tidy accepts', () => {
  it('a clock that is handed in, and the same words in comments and strings', () => {
    const text = "// Date.now() is not used\nexport const f = (clock: Clock) => clock.now() + 'Date.now()'\n"
    expect(problemsOf(WORKER, text)).toEqual([])
  })

  it('members that share a name with a global', () => {
    expect(problemsOf(WORKER, 'export const f = (t: Timers) => t.setTimeout(1, { console: 2 })\n')).toEqual(
      [],
    )
  })

  it('a date made from a number', () => {
    expect(problemsOf(WORKER, 'export const at = (ms: number) => new Date(ms)\n')).toEqual([])
  })

  it('timers in the runtime and the terminal in the CLI', () => {
    const timers = 'export const wait = () => setTimeout(() => Date.now(), 1)\n'
    expect(problemsOf('packages/spillway/src/runtime/clock.ts', timers)).toEqual([])
    expect(problemsOf('packages/spillway/src/cli/environment.ts', 'read(process.env)\n')).toEqual([])
    expect(problemsOf('packages/spillway/src/cli/terminal.ts', 'write(process.stdout)\n')).toEqual([])
  })

  it('a skipped test that says why', () => {
    expect(problemsOf(UNIT_TEST, "// needs a real disk\nit.skip('a', () => {})\n")).toEqual([])
  })
})

describe('tidy finds', () => {
  const resources = [
    'Date.now()',
    'new Date()',
    'Date()',
    'globalThis.Date.now()',
    "Date['now']()",
    'performance.now()',
    'process.hrtime.bigint()',
    'Math.random()',
    'crypto.randomUUID()',
    'randomBytes(8)',
    'setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    'globalThis.setTimeout(f, 1)',
    'later(setImmediate)',
    'AbortSignal.timeout(5)',
    'process.env',
    "console.log('x')",
    'process.stdout',
  ]

  it.each(resources)('%s in a file that does not own it', (expression) => {
    expect(problemsOf(WORKER, `export const value = () => ${expression}\n`)).toEqual([
      expect.stringContaining('(owned resources)'),
    ])
  })

  it.each(['const { env } = process\n', 'const { now: time } = Date\n'])('%s', (text) => {
    expect(problemsOf(WORKER, text)).toEqual([expect.stringContaining('(owned resources)')])
  })

  it('a clock in the CLI, which owns only the terminal and the environment', () => {
    expect(problemsOf('packages/spillway/src/cli/main.ts', 'Date.now()\n')).toHaveLength(1)
  })

  it.each(['worker/RunChunk.ts', 'worker/run_chunk.ts', 'groupCommit/run.ts'])('the name %s', (name) => {
    expect(problemsOf(`packages/spillway/src/${name}`, '')).toEqual([
      expect.stringContaining('(kebab-case names)'),
    ])
  })

  it.each(['utils', 'helpers', 'types', 'common', 'manager', 'lease-manager', 'test-utils'])(
    'a file named %s',
    (name) => {
      expect(problemsOf(`packages/spillway/src/worker/${name}.ts`, '')).toEqual([
        expect.stringContaining('(telling names)'),
      ])
    },
  )

  it('a file of more than 400 lines, and counts those over 250', () => {
    const why = '// This paragraph says why the file exists at all.\n'
    expect(problemsOf(WORKER, why + manyLines(399))).toEqual([])
    expect(problemsOf(WORKER, why + manyLines(400))).toEqual([expect.stringContaining('(file length)')])
    expect(tidy([sourceFile(WORKER, why + manyLines(260))]).longFiles).toBe(1)
  })

  it('a function of more than 90 lines, but not a describe block', () => {
    const body = manyLines(95)
    expect(problemsOf(UNIT_TEST, `function f() {\n${body}}\n`)).toEqual([
      expect.stringContaining('(function length)'),
    ])
    expect(problemsOf(UNIT_TEST, `describe('f', () => {\n${body}})\n`)).toEqual([])
    const theme = `function theme(test) {\n  test('states a behaviour', () => {})\n${body}}\n`
    expect(problemsOf(UNIT_TEST, theme)).toEqual([])
  })

  it.each([
    mark('TO', 'DO later'),
    mark('FIX', 'ME'),
    mark('X', 'XX'),
    mark('HA', 'CK'),
    mark('Not', ' implemented'),
    mark('good enough for', ' now'),
  ])('the words %s', (words) => {
    expect(problemsOf(WORKER, `// ${words}\n`)).toEqual([expect.stringContaining('(finished work)')])
  })

  it.each(['tmp', 'root', 'home'])('a path below the folder %s', (name) => {
    const text = `See ${mark('/', name, '/x')}.\n`
    expect(problemsOf('README.md', text)).toEqual([expect.stringContaining('(no machine paths)')])
  })

  it('a folder of this machine, but not a relative path that looks like it', () => {
    const folder = '/builds/here'
    expect(problemsOf('README.md', `cd ${folder}/x\n`, [folder])).toHaveLength(1)
    expect(problemsOf('README.md', `packages${folder}/x\n`, [folder])).toEqual([])
  })

  it.each([
    "it.only('a', () => {})",
    "describe.only('a', () => {})",
    "it.skip('a', () => {})",
    "it.todo('a')",
    "it.skipIf(windows)('a', () => {})",
    'context.skip()',
    'await sleep(5)',
    'setTimeout(done, 5)',
    'await timers.setTimeout(5)',
  ])('%s in a test', (text) => {
    expect(problemsOf(UNIT_TEST, `${text}\n`)).toEqual([expect.stringContaining('(honest tests)')])
  })

  it('a port of more than 10 methods', () => {
    const port = (methods: number) =>
      `export interface Port {\n${Array.from({ length: methods }, (_, i) => (i % 2 ? `m${i}(): void` : `m${i}: () => void`)).join('\n')}\nname: string\n}\n`
    const why = '// This paragraph says why the port exists at all.\n'
    expect(problemsOf('packages/spillway/src/ports/port.ts', why + port(10))).toEqual([])
    expect(problemsOf('packages/spillway/src/ports/port.ts', why + port(11))).toEqual([
      expect.stringContaining('(small ports)'),
    ])
  })

  it('a file of more than 15 lines that does not say why it exists', () => {
    expect(problemsOf(WORKER, manyLines(15))).toEqual([])
    expect(problemsOf(WORKER, manyLines(16))).toEqual([expect.stringContaining('(says why it exists)')])
    expect(problemsOf('packages/spillway/src/index.ts', manyLines(16))).toEqual([])
  })

  it('a lock file that names a registry', () => {
    const entry = (source: string) => `"resolved": "${source}"\n`
    expect(problemsOf('package-lock.json', entry('packages/spillway'))).toEqual([])
    expect(problemsOf('package-lock.json', entry('https://mirror.example/pino-10.4.0.tgz'))).toHaveLength(1)
  })

  it('that it was given no files', () => {
    expect(tidy([]).problems).toEqual(['saw no files at all'])
  })
})
