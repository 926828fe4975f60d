// Processes of this example that are started to be measured, or killed. Its own speak JSON over the channel that fork makes; the
// agent is Spillway's command.

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Site, siteVariables } from './site.js'

export interface Victim {
  /** SIGKILL: no handler runs, nothing is flushed. Resolves when the process is gone. */
  kill(): Promise<void>
  /** Asks the process to end by itself. Rejects when it fails. */
  stop(): Promise<void>
  readonly alive: boolean
}

export interface Child<Message, Job = never> extends Victim {
  /** Resolves with the next message; rejects when the process ends without one, with what it said on stderr. */
  message(): Promise<Message>
  /** Sends a job and resolves with the next message. */
  ask(job: Job): Promise<Message>
  /** Resolves when the process has ended by itself; rejects when it failed. */
  finished(): Promise<void>
}

const STDERR_MAX = 4_000
const running = new Set<ChildProcess>()

/** `module` is a compiled file beside this one. */
export function startChild<Message, Job = never>(
  module: string,
  site: Site,
  args: readonly string[],
): Child<Message, Job> {
  const path = fileURLToPath(new URL(module, import.meta.url))
  const process = fork(path, [...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: withSite(site) })
  const { finished, died, ended, ...victim } = watched(process, module)
  const message = async (): Promise<Message> => {
    const received = once(process, 'message').then(([message]) => ({ message: message as Message }))
    const first = await Promise.race([received, ended.then(() => null)])
    if (first === null) throw died()
    return first.message
  }
  return {
    ...victim,
    get alive() {
      return isAlive(process)
    },
    message,
    finished,
    ask(job) {
      const answer = message()
      process.send(job as object)
      return answer
    },
    async stop() {
      process.disconnect()
      await finished()
    },
  }
}

/** The agent as its user starts it: `spillway agent --execute` on the configuration of this example. */
export function startAgent(site: Site): Victim {
  const command = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('spillway')))
  const config = fileURLToPath(new URL('./agent.config.js', import.meta.url))
  const args = [command, 'agent', '--execute', '--config', config, '--log-level', 'fatal']
  const agent = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env: withSite(site) })
  const { ended, finished, kill } = watched(agent, 'spillway agent')
  return {
    kill,
    get alive() {
      return isAlive(agent)
    },
    async stop() {
      // At the end of the program it has been killed before.
      if (agent.killed) return void (await ended)
      agent.kill('SIGTERM')
      await finished()
    },
  }
}

function withSite(site: Site): NodeJS.ProcessEnv {
  return { ...process.env, ...siteVariables(site) }
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function watched(child: ChildProcess, name: string) {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_MAX)
  })
  running.add(child)
  // Not 'close': it never comes for a process from which this one has disconnected.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr as Readable, 'end')]).then(() =>
    running.delete(child),
  )
  const died = () => new Error(`${name} ended with ${child.signalCode ?? child.exitCode}\n${stderr}`.trim())
  return {
    ended,
    died,
    async finished() {
      await ended
      if (child.exitCode !== 0) throw died()
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** For the end of the program, whatever the reason. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL')
}
