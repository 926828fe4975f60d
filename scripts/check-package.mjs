#!/usr/bin/env node
// Checks the package as a user receives it: packs the tarball, then lets publint and "are the types
// wrong" look inside. Also refuses build output without a source, which would be published by accident.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const packageDir = join(root, 'packages', 'spillway')

/** @returns {string[]} Output files whose source is gone, relative to `dist`. */
function staleOutput() {
  const outputs = readdirSync(join(packageDir, 'dist'), { recursive: true, encoding: 'utf8' })
  return outputs
    .filter((path) => path.endsWith('.js'))
    .filter((path) => !existsSync(join(packageDir, 'src', path.replace(/\.js$/, '.ts'))))
}

/**
 * Runs a tool and shows what it said only when it objects.
 * @param {string} tool
 * @param {string[]} args
 */
function run(tool, args) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', tool), args, {
    encoding: 'utf8',
  })
  if (status === 0) return
  console.error(stdout, stderr)
  throw new Error(`${tool} found problems`)
}

const stale = staleOutput()
if (stale.length > 0) {
  console.error(
    `build output without a source; delete packages/spillway/dist and build again: ${stale.join(', ')}`,
  )
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'spillway-pack-'))
try {
  const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: packageDir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [{ filename, entryCount }] = JSON.parse(packed)
  const tarball = join(folder, filename)
  run('publint', ['run', tarball, '--strict'])
  run('attw', [tarball, '--profile', 'esm-only', '--format', 'ascii'])
  console.log(`package: ${filename}, ${entryCount} files`)
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
