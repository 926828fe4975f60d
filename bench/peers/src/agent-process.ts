// `spillway agent` as its users start it, as a process of its own, that can be made to stand still while a backlog is written.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AgentJob } from './agent-config.js'
import { processOf, type SideProcess } from './side-process-handle.js'

export interface AgentProcess extends SideProcess {
  pause(): void
  resume(): void
  /** Asks it to finish; rejects unless it ends with 0. */
  stop(): Promise<void>
}

const CLI = join(dirname(createRequire(import.meta.url).resolve('spillway/package.json')), 'dist/cli/main.js')
const CONFIG = fileURLToPath(new URL('agent-config.js', import.meta.url))

export function startAgentProcess(name: string, job: AgentJob): AgentProcess {
  const executes = job.route.broker === null ? ['--execute'] : []
  const child = fork(CLI, ['agent', ...executes, '--config', CONFIG, '--log-level', 'warn'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, SPILLWAY_BENCH_JOB: JSON.stringify(job) },
  })
  return {
    ...processOf(child, `${name}, agent`),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const [code] = await ended
      if (code !== 0) throw new Error(`the agent of ${name} ended with ${code}`)
    },
  }
}
