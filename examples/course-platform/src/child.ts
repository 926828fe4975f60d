// Processes of this example that are started to be measured, or killed. They speak JSON over the channel that fork makes.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface Child<Message> {
  /** Resolves with the next message; rejects when the process ends without one, with what it said on stderr. */
  message(): Promise<Message>
  /** Resolves when the process has ended by itself; rejects when it failed. */
  finished(): Promise<void>
  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Asks the process to end by itself, by closing the channel to it. */
  stop(): Promise<void>
  readonly alive: boolean
}

const STDERR_MAX = 4_000
const running = new Set<ChildProcess>()

const LOCATION = 'COURSE_PLATFORM_DATABASE'

/** In a child: the database it was started for. */
export function ownLocation(): string {
  return process.env[LOCATION] ?? ''
}

/** `module` is a compiled file beside this one. The database goes by the environment: a URL may hold a password. */
export function startChild<Message>(
  module: string,
  location: string,
  args: readonly string[],
): Child<Message> {
  const path = fileURLToPath(new URL(module, import.meta.url))
  const child = fork(path, [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, [LOCATION]: location },
  })
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_MAX)
  })
  running.add(child)
  // Not 'close': it never comes for a process from which this one has disconnected.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr as Readable, 'end')]).then(() =>
    running.delete(child),
  )
  const died = () => new Error(`${module} ended with ${child.signalCode ?? child.exitCode}\n${stderr}`.trim())
  const finished = async () => {
    await ended
    if (child.exitCode !== 0) throw died()
  }
  return {
    finished,
    async message() {
      const received = once(child, 'message').then(([message]) => ({ message: message as Message }))
      const first = await Promise.race([received, ended.then(() => null)])
      if (first === null) throw died()
      return first.message
    },
    async stop() {
      child.disconnect()
      await finished()
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
  }
}

/** For the end of the program, whatever the reason. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}
