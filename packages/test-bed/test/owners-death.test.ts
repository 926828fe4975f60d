import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { requireServer } from '../src/index.js'
import { childrenOf, isRunning } from '../src/process-tree.js'

const OWNER = fileURLToPath(new URL('./owner-process.ts', import.meta.url))
const JITI = fileURLToPath(import.meta.resolve('jiti/package.json')).replace(
  'package.json',
  'lib/jiti-cli.mjs',
)
/** Far longer than anything takes but a hang. */
const GONE_WITHIN_MS = 60_000
const TIMEOUT_MS = 120_000

for (const kind of ['postgres', 'mariadb'] as const) {
  requireServer(describe, kind, { isPrivate: true })(`a ${kind} server whose owner is killed`, () => {
    for (const state of ['running', 'paused']) {
      it.concurrent(`is gone with all its processes and files when it was ${state}`, {
        timeout: TIMEOUT_MS,
      }, async () => {
        const owner = spawn(process.execPath, [JITI, OWNER, kind, state], {
          stdio: ['pipe', 'pipe', 'inherit'],
        })
        const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
        const { pid, folder } = JSON.parse(line) as { pid: number; folder: string }
        const all = [pid, ...childrenOf(pid)].filter(isRunning)
        expect({ running: all.includes(pid), files: existsSync(folder) }).toEqual({
          ...{ running: true, files: true },
        })
        owner.kill('SIGKILL')
        await vi.waitFor(
          () =>
            expect({ running: all.filter(isRunning), files: existsSync(folder) }).toEqual({
              ...{ running: [], files: false },
            }),
          GONE_WITHIN_MS,
        )
      })
    }
  })
}
