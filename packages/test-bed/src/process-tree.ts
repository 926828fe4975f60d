// Signals to a server and the processes it forked. PostgreSQL's processes are each in a session of their own, so that no
// process group reaches them all; the kernel's list of parents does.

import { readdirSync, readFileSync } from 'node:fs'

/** A look takes some tenths of a millisecond; a thread that waits for a disk may need many. */
const STOP_LOOKS_MAX = 5_000
const STOPPED_STATES = /^[TtZX]$/

/** SIGKILL to all; returns their ids. The server is stopped first so that it forks nothing while its children are listed. */
export function killTree(server: number): readonly number[] {
  signal(server, 'SIGSTOP')
  const all = [server, ...childrenOf(server)]
  for (const pid of all) signal(pid, 'SIGKILL')
  return all
}

/** None of them says anything any more when this returns: a thread in the middle of a call of the system would still finish that. */
export function stopTree(server: number): void {
  signal(server, 'SIGSTOP')
  const all = [server, ...childrenOf(server)]
  for (const pid of all) signal(pid, 'SIGSTOP')
  for (let looks = 0; looks < STOP_LOOKS_MAX && !all.every(isStopped); looks += 1);
}

export function continueTree(server: number): void {
  for (const pid of childrenOf(server)) signal(pid, 'SIGCONT')
  signal(server, 'SIGCONT')
}

/** Whether the process still runs; one that only waits to be collected by its parent does not. */
export function isRunning(pid: number): boolean {
  const state = /^State:\s*(\w)/m.exec(statusOf(pid))?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

function isStopped(pid: number): boolean {
  return threadsOf(pid).every((thread) => {
    const state = /^State:\s*(\w)/m.exec(textOf(`/proc/${pid}/task/${thread}/status`))?.[1]
    return state === undefined || STOPPED_STATES.test(state)
  })
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

export function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => Number(/^PPid:\s*(\d+)/m.exec(statusOf(pid))?.[1]) === parent)
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function statusOf(pid: number): string {
  return textOf(`/proc/${pid}/status`)
}

/** Empty for what is not there any more. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
