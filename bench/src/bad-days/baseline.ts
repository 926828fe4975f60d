// Spillway and this benchmark as they were before bad days had more than retries, to be run in turns with what is here now. The
// code comes out of the repository's history into a temporary folder of its own; only the databases are on the project's disk.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

const COMMIT = 'a2bb4d9'
const FILES = [
  'tsconfig.base.json',
  'packages/spillway',
  'bench/src',
  'bench/package.json',
  'bench/tsconfig.json',
]
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const MODULES = join(ROOT, 'node_modules')

export interface Baseline {
  /** The compiled module of that name, as it was. */
  module(name: string): string
  remove(): void
}

/** Null where there is no history: in a packed copy of the sources. */
export async function buildBaseline(): Promise<Baseline | null> {
  if (!(await hasHistory())) return null
  const folder = mkdtempSync(join(tmpdir(), 'spillway-bench-baseline-'))
  try {
    const archive = join(folder, 'sources.tar')
    await run('git', ['-C', ROOT, 'archive', '--output', archive, COMMIT, '--', ...FILES])
    await run('tar', ['-xf', archive, '-C', folder])
    linkModules(join(folder, 'node_modules'), folder)
    await run(process.execPath, [join(MODULES, 'typescript/bin/tsc'), '-b', join(folder, 'bench')])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return {
    module: (name) => join(folder, 'bench/dist', name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function hasHistory(): Promise<boolean> {
  try {
    await run('git', ['-C', ROOT, 'cat-file', '-e', `${COMMIT}^{commit}`])
    return true
  } catch {
    return false
  }
}

/** Everything that is installed, but for Spillway, which is the old one. */
function linkModules(modules: string, folder: string): void {
  const names = readdirSync(MODULES).filter((name) => !name.startsWith('.') && name !== 'spillway')
  mkdirSync(modules)
  for (const name of names) symlinkSync(join(MODULES, name), join(modules, name))
  symlinkSync(join(folder, 'packages/spillway'), join(modules, 'spillway'))
}
