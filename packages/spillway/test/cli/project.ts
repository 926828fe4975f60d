// A project as a user has it: a folder with a configuration and its packages.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

export interface Project {
  readonly folder: string
  readonly database: string
  write(name: string, text: string): void
  remove(): void
}

export function newProject(
  files: Readonly<Record<string, string>> = { 'spillway.config.mjs': lettersConfig('zod') },
): Project {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-cli-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(PACKAGE, join(folder, 'node_modules', 'spillway'), 'dir')
  symlinkSync(join(MODULES, 'zod'), join(folder, 'node_modules', 'zod'), 'dir')
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries(files)) write(name, text)
  return {
    folder,
    database: join(folder, 'letters.db'),
    write,
    remove: () => rmSync(folder, { recursive: true }),
  }
}

/** A project in which spillway was installed as npm does it: with its dependencies, and without its optional peers. */
export function newBareProject(files: Readonly<Record<string, string>>): Project & { readonly main: string } {
  const project = newProject(files)
  const installed = join(project.folder, 'node_modules', 'spillway')
  rmSync(installed)
  for (const name of ['package.json', 'dist']) {
    cpSync(join(PACKAGE, name), join(installed, name), { recursive: true, filter: runsSomething })
  }
  const { dependencies } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    const link = join(project.folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    if (name !== 'zod') symlinkSync(join(MODULES, name), link, 'dir')
  }
  return { ...project, main: join(installed, 'dist', 'cli', 'main.js') }
}

function runsSomething(path: string): boolean {
  return !path.endsWith('.d.ts')
}

/** Commands that end as their payload says. `zod`: any version of it; the third loads in a sixth of the time. */
export const lettersConfig = (zod: 'zod' | 'zod/v3'): string => `
import { defineCommand, defineConfig, failed } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { z } from '${zod}'

const letter = defineCommand({
  name: 'letter.issue',
  input: z.strictObject({ to: z.string(), end: z.enum(['ok', 'failed', 'thrown', 'never']).default('ok') }),
  retry: { attempts: 1 },
  handle({ to, end }) {
    if (end === 'never') return new Promise(() => {})
    if (end === 'thrown') throw new Error('no such street \\u001b[31m' + to)
    return end === 'failed' ? failed('refused') : { issued: to }
  },
})
const click = defineCommand({
  name: 'click.record',
  queue: 'clicks',
  input: z.object({ id: z.string() }),
  idempotencyKey: ({ id }) => id,
  handleBatch() {},
})
export default defineConfig({
  store: sqlite('./letters.db', { busyTimeout: 20_000 }),
  commands: [letter, click],
  worker: { closeTimeout: '20s' },
})
`
