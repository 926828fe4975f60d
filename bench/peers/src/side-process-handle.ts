// The parent's end of a side's process: ask, and get the answer or the error.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ActionName, Question, Reply, SideActions, SideJob } from './side-actions.js'

export interface SideProcess {
  ask<Name extends ActionName>(
    action: Name,
    input: SideActions[Name]['input'],
  ): Promise<SideActions[Name]['answer']>
  /** Ends it, whatever it does. */
  end(): Promise<void>
}

const MODULE = fileURLToPath(new URL('side-process.js', import.meta.url))
const STDERR_MAX = 4_000

export function startSideProcess(job: SideJob): SideProcess {
  return processOf(
    fork(MODULE, [JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
    job.side,
  )
}

/** A process that answers questions over its IPC channel. */
export function processOf(child: ChildProcess, name: string): SideProcess {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_MAX)
  })
  const ended = once(child, 'exit')
  const gone = ended.then((): never => {
    throw new Error(
      `the process of ${name} ended with ${child.signalCode ?? child.exitCode}\n${stderr}`.trim(),
    )
  })
  gone.catch(() => {})
  return {
    async ask(action, input) {
      const replied = once(child, 'message')
      replied.catch(() => {})
      child.send({ action, input } satisfies Question)
      const [reply] = (await Promise.race([replied, gone])) as [Reply]
      if ('error' in reply) throw new Error(`${name}, ${action}: ${reply.error}\n${stderr}`.trim())
      return reply.answer as never
    },
    async end() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
