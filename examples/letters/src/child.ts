// The processes of this example that are started beside it. They speak JSON over the channel that fork makes; what is secret,
// and what a URL may hide a password in, goes by the environment.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface Child<Message> {
  /** The next message; rejects when the process ends without one, with what it said on stderr. */
  message(): Promise<Message>
  /** Asks for its last word, which is its last message. */
  finish(): Promise<Message>
  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Asks the process to end by itself, by closing the channel to it. */
  stop(): Promise<void>
}

const DATABASE = 'LETTERS_DATABASE'
const SECRET = 'LETTERS_SECRET'
const STDERR_MAX = 4_000
const running = new Set<ChildProcess>()

export interface ChildSecrets {
  readonly database: string
  readonly secret: string
}

/** In a child: the database it was started for. */
export function ownDatabase(): string {
  return process.env[DATABASE] ?? ''
}

/** In a child: what callbacks are signed with. */
export function ownSecret(): string {
  return process.env[SECRET] ?? ''
}

/** In a child: resolves when whoever started it asks for its last word, or has died. */
export async function askedToFinish(): Promise<void> {
  await Promise.race([once(process, 'message'), once(process, 'disconnect')])
}

/** In a child: says it and ends, whatever idle connections it still has. */
export function finishWith(lastWord: object): void {
  if (process.connected) process.send?.(lastWord, () => process.exit())
  else process.exit()
}

/** `module` is a compiled file beside this one. */
export function startChild<Message>(
  module: string,
  { database, secret }: ChildSecrets,
  args: readonly string[],
): Child<Message> {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, [DATABASE]: database, [SECRET]: secret },
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
  const message = async (): Promise<Message> => {
    const received = once(child, 'message').then(([value]) => ({ value: value as Message }))
    const first = await Promise.race([received, ended.then(() => null)])
    if (first === null) throw died()
    return first.value
  }
  return {
    message,
    async finish() {
      const last = message()
      child.send('finish')
      const word = await last
      await ended
      return word
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.disconnect()
      await ended
      if (child.exitCode !== 0) throw died()
    },
  }
}

/** For the end of the program, whatever the reason. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}
