import { describe, expect, it } from 'vitest'
import { checkArguments } from './check-arguments.js'
import { command } from './command.js'
import { COMMANDS } from './command-table.js'
import { findCommand } from './find-command.js'

const example = command({
  args: {
    id: { type: 'positional', required: true },
    state: { type: 'enum', options: ['dead', 'failed'] },
    limit: { type: 'string' },
    'dry-run': { type: 'boolean' },
    color: { type: 'boolean', negativeDescription: 'No colours' },
  },
  examples: [],
  run: async () => {},
})
const check =
  (...rawArgs: string[]) =>
  () =>
    checkArguments(example, rawArgs)

describe('arguments', () => {
  it('pass when they are known', () => {
    expect(check('1', '--state', 'dead', '--limit=5', '--dry-run', '--no-color')).not.toThrow()
    expect(check('--', '--not-a-flag')).not.toThrow()
  })

  it('are refused when they are not, with what may have been meant', () => {
    expect(check('1', '--dry-rnu')).toThrow('There is no flag --dry-rnu here. Did you mean --dry-run?')
    expect(check('1', '--frobnicate')).toThrow(/^There is no flag --frobnicate here\.$/)
    expect(check('1', '-x')).toThrow('There is no flag -x here.')
    expect(check('1', '--no-state')).toThrow('There is no flag --no-state here.')
    expect(check('1', '--__proto__')).toThrow('There is no flag --__proto__ here.')
  })

  it('are refused when a value is missing, too much or none of the allowed ones', () => {
    expect(check('1', '--limit')).toThrow(/--limit/)
    expect(check('1', '--limit=')).toThrow('The flag --limit needs a value.')
    expect(check('1', '--dry-run=yes')).toThrow(/--dry-run/)
    expect(check('1', '--state', 'ded')).toThrow("--state takes one of dead, failed; received 'ded'.")
  })

  it('are counted', () => {
    expect(check()).toThrow('The argument <id> is missing.')
    expect(check('1', '2')).toThrow("The argument '2' is one too many.")
    const variadic = { ...example, variadic: true }
    expect(() => checkArguments(variadic, ['1', '2', '3'])).not.toThrow()
  })
})

describe('a command', () => {
  const program = { summary: '', commands: COMMANDS }

  it('is found by its words, with flags before, between and behind them', () => {
    const found = findCommand(program, [
      '--config',
      'a.ts',
      'queue',
      '--json',
      'pause',
      'mails',
      '--url',
      'u',
    ])
    expect(found.path).toEqual(['queue', 'pause'])
    expect(found.rawArgs).toEqual(['--config', 'a.ts', '--json', 'mails', '--url', 'u'])
  })

  it('is not guessed', () => {
    expect(() => findCommand(program, ['sned'])).toThrow("There is no command 'sned'. Did you mean send?")
    expect(() => findCommand(program, ['queue', 'stop'])).toThrow('spillway queue --help')
    for (const name of ['constructor', 'toString', '__proto__']) {
      expect(() => findCommand(program, [name])).toThrow(`There is no command '${name}'.`)
    }
  })

  it('is a group when its last word is missing', () => {
    expect(findCommand(program, ['dlq']).target).toHaveProperty('commands')
  })

  it('has a summary, examples and a loadable module for every entry of the table', async () => {
    const entries = [...COMMANDS.values()].flatMap((entry) =>
      'commands' in entry ? [...entry.commands.values()] : [entry],
    )
    for (const entry of entries) {
      const loaded = await ('load' in entry ? entry.load() : Promise.reject(new Error('a group in a group')))
      expect(entry.summary).not.toBe('')
      expect(loaded.examples.length).toBeGreaterThan(0)
      expect(loaded.args).toHaveProperty('json')
    }
  })
})
