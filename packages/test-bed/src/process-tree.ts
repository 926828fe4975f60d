// Signals to a server and the processes it forked. PostgreSQL's processes are each in a session of their own, so that no
// process group reaches them all; the kernel's list of parents does.

import { readdirSync, readFileSync } from 'node:fs'

/** SIGKILL to all; returns their ids. The server is stopped first so that it forks nothing while its children are listed. */
export function killTree(server: number): readonly number[] {
  signal(server, 'SIGSTOP')
  const all = [server, ...childrenOf(server)]
  for (const pid of all) signal(pid, 'SIGKILL')
  return all
}

export function stopTree(server: number): void {
  signal(server, 'SIGSTOP')
  for (const pid of childrenOf(server)) signal(pid, 'SIGSTOP')
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
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
