// Configurations as users write them, right and wrong, loaded by the real command line.

import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROCESSES_MS_MAX, run } from './program.js'
import { newProject, type Project } from './project.js'

vi.setConfig({ testTimeout: PROCESSES_MS_MAX })

let project: Project
afterEach(() => project.remove())

const spillway = (args: string) => run(args.split(' '), { cwd: project.folder })

describe('a configuration in TypeScript', () => {
  it('may use syntax that Node cannot erase, import by .js, and shares the package with the command line', async () => {
    project = newProject({
      'letters.ts': `
        import { defineCommand, SpillwayError } from 'spillway'
        import { z } from 'zod'
        import legacy from './legacy.cjs'
        enum Street { Main = 'main' }
        // The command line tells its errors by class too, so there must be one class.
        export const letter = defineCommand({
          name: 'letter.issue', queue: 'now', input: z.object({}),
          handle: () => ({ street: Street.Main, legacy: legacy.greet(), isOne: new SpillwayError('internal', '') instanceof Error }),
        })`,
      'legacy.cjs': `module.exports = { greet: () => 'hello' }`,
      'spillway.config.ts': `
        import { defineConfig } from 'spillway'
        import { sqlite } from 'spillway/sqlite'
        import { letter } from './letters.js'
        export default defineConfig({ store: sqlite('./letters.db'), commands: [letter], queues: { now: { channel: 'direct' } } })`,
    })
    expect((await spillway('migrate')).code).toBe(0)
    expect(await spillway('send letter.issue {} --wait 30s --json')).toMatchObject({
      code: 0,
      json: { state: 'succeeded', result: { street: 'main', legacy: 'hello' } },
    })
    const { json } = await spillway('doctor --json')
    expect(json.findings).toContainEqual(expect.objectContaining({ name: 'package', level: 'ok' }))
  })

  it('is what init writes, and it works as it is', async () => {
    project = newProject({})
    expect(await spillway('init')).toMatchObject({ code: 0, stderr: expect.stringContaining('spillway dev') })
    expect((await spillway('init')).code).toBe(5)
    expect((await spillway('migrate')).code).toBe(0)
    expect(await spillway('send greeting.send {"to":"you"}')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('accepted'),
    })
  })
})

describe('a configuration that is wrong', () => {
  it('is answered with file, path, expected and received', async () => {
    project = newProject({
      'spillway.config.mjs': `
        import { defineConfig } from 'spillway'
        import { memory } from 'spillway/memory'
        export default defineConfig({ store: memory(), commands: [], queues: { mails: { concurrency: 0 } } })`,
    })
    const [text, json] = await Promise.all([spillway('list'), spillway('list --json')])
    expect(text.code).toBe(3)
    expect(text.stdout).toBe('')
    expect(text.stderr).toMatch(
      /file +\S+spillway\.config\.mjs\n +path +queues\.mails\.concurrency\n +expected +a whole number.*\n +received +0/,
    )
    expect(JSON.parse(json.stderr).error).toMatchObject({
      code: 'invalid_config',
      details: { path: 'queues.mails.concurrency' },
    })
  })

  it('is named when it cannot be loaded, throws, or exports nothing', async () => {
    project = newProject({
      'syntax.mjs': 'const = 1',
      'throws.mjs': `throw new Error('cannot reach postgres://app:hunter2@db/app')`,
      'nothing.mjs': 'export const config = {}',
      'missing.ts': `import 'a-package-that-is-not-there'`,
    })
    const names = ['syntax.mjs', 'throws.mjs', 'nothing.mjs', 'missing.ts', 'absent.ts']
    const ends = await Promise.all(names.map((name) => spillway(`status --config ${name}`)))
    for (const [at, { code, stderr }] of ends.entries()) {
      expect(code).toBe(3)
      expect(stderr).toContain(names[at])
      expect(stderr).not.toContain('hunter2')
    }
  })

  it('is missed with advice', async () => {
    project = newProject({})
    const { code, stderr } = await spillway('list')
    expect(code).toBe(3)
    expect(stderr).toContain('spillway init')
  })
})
