// The disk of a spool is full (I20): nothing more is acknowledged, the agent still ships what was, although a frame that nobody takes is in
// front of it and has to be kept on that very disk, and then there is room again.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onSmallDisk, requireSmallDisk } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished } from 'vitest'

const BUILT = fileURLToPath(new URL('../../dist/agent/index.js', import.meta.url))
const PROGRAM = fileURLToPath(new URL('processes/full-disk.mjs', import.meta.url))
const DISK_BYTES = 8 * 1024 * 1024
/** More than the process waits for anything. */
const TIMEOUT_MS = 60_000
const ROOT = { uid: 0, gid: 0 }

requireSmallDisk(describe)('a full disk under a spool', () => {
  it('takes nothing, loses nothing, and has room again once the agent has shipped it', {
    timeout: TIMEOUT_MS,
  }, async () => {
    if (!existsSync(BUILT))
      throw new Error('The package is not built: run npm test, or npm run build before.')
    const folder = mkdtempSync(join(tmpdir(), 'spillway-full-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const disk = { path: join(folder, 'disk'), bytes: DISK_BYTES }
    const { code, stdout, stderr } = await run(
      onSmallDisk(disk, ROOT, [process.execPath, PROGRAM, join(disk.path, 'spool')]),
    )
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout)
    expect(report).toEqual({
      acked: expect.any(Number),
      refusal: 'journal_full',
      again: null,
      // The one that was put aside.
      lost: 1,
      refused: ['nobody takes it'],
    })
    expect(report.acked).toBeGreaterThan(100)
  })
})

function run([program = '', ...args]: readonly string[]) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
