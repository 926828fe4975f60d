// Every measurement runs in a fresh process: no side inherits the other's heap, caches or compiled code.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { isAbsolute } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const STDERR_MAX = 4_000

export interface Child<Message> {
  /** The next message; rejects when the process ends without one. */
  message(): Promise<Message>
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>
}

/** `module` is a compiled file, by its absolute path or beside this one; it reads its job as JSON from its first argument. */
export function startChild<Message>(module: string, job: object): Child<Message> {
  const path = isAbsolute(module) ? module : fileURLToPath(new URL(module, import.meta.url))
  const child = fork(path, [JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_MAX)
  })
  // Not 'close': it never comes for a process from which this one has disconnected.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr as Readable, 'end')])
  const failure = () =>
    new Error(`${module} ended with ${child.signalCode ?? child.exitCode}\n${stderr}`.trim())
  return {
    async message() {
      const received = once(child, 'message').then(([message]) => ({ message: message as Message }))
      const first = await Promise.race([received, ended.then(() => null)])
      if (first === null) throw failure()
      return first.message
    },
    async stop() {
      if (child.connected) child.disconnect()
      await ended
      if (child.exitCode !== 0) throw failure()
    },
  }
}

export async function runChild<Message>(module: string, job: object): Promise<Message> {
  const child = startChild<Message>(module, job)
  const message = await child.message()
  await child.stop()
  return message
}

/** In the child. */
export function readJob<Job>(): Job {
  return JSON.parse(process.argv[2] ?? 'null') as Job
}

/** In the child: answers, and leaves the parent to end it. */
export function answer(message: object): void {
  process.send?.(message)
}
