import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'

const SERVICES = fileURLToPath(new URL('./services', import.meta.url))

/** Runs the script where `apt-get` only notes that it was called. */
function services(...parameters: string[]): {
  status: number | null
  stdout: string
  stderr: string
  apt: string
} {
  const folder = mkdtempSync(join(tmpdir(), 'spillway-services-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const called = join(folder, 'called')
  writeFileSync(called, '')
  const apt = join(folder, 'apt-get')
  writeFileSync(apt, `#!/bin/sh\necho "$@" >>'${called}'\n`)
  chmodSync(apt, 0o755)
  const { status, stdout, stderr } = spawnSync(SERVICES, parameters, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  })
  return { status, stdout, stderr, apt: readFileSync(called, 'utf8') }
}

describe('scripts/services', () => {
  it.each([[], ['remove'], ['install', 'oracle']])('refuses %j and says how it is used', (...parameters) => {
    const { status, stderr, apt } = services(...parameters)
    expect({ status, apt }).toEqual({ status: 2, apt: '' })
    expect(stderr).toContain('usage: scripts/services install [postgres mariadb pgbouncer redis ')
  })
})

requireServer(describe, 'redis', { isPrivate: true })('scripts/services where the server is there', () => {
  it('changes nothing', () => {
    expect(services('install', 'redis')).toEqual({
      ...{ status: 0, stdout: 'redis: there already\n', stderr: '', apt: '' },
    })
  })
})
