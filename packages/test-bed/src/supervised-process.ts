// A server process that cannot outlive the process that started it. A shell stands between the two: it holds a pipe from
// us, and when that pipe ends (because we closed it, or were killed) it kills the server with all its children and removes
// its folder. The word `keep` before the end says that the folder is still needed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import type { RunAs } from './run-as.js'

// The server counts as ours only while it is the shell's child: its number may have been given to somebody else since.
const SUPERVISOR = `
folder=$1 log=$2
shift 2
exec 3<&0
"$@" </dev/null >>"$log" 2>&1 3<&- &
server=$!
echo "$server"
{
  word=
  read -r word <&3
  if grep -qsx "PPid:[[:space:]]*$$" "/proc/$server/status"; then
    kill -STOP "$server"
    children=$(grep -lsx "PPid:[[:space:]]*$server" /proc/[0-9]*/status | tr -cd '0-9\\n')
    kill -KILL "$server" $children
  fi
  [ "$word" = keep ] || rm -rf "$folder"
} >/dev/null 2>&1 &
wait "$server"
echo ended
wait
`

export interface SupervisedCommand {
  readonly command: readonly string[]
  readonly user: RunAs | null
  /** Removed when this process ends. */
  readonly folder: string
  readonly logPath: string
}

export class SupervisedProcess {
  readonly pid: number
  /** Resolves when the server has ended, whatever ended it. */
  readonly ended: Promise<void>
  #isRunning = true
  readonly #supervisor: ChildProcess

  static start({ command, user, folder, logPath }: SupervisedCommand): Promise<SupervisedProcess> {
    const supervisor = spawn(
      '/bin/sh',
      ['-c', SUPERVISOR, 'spillway-test-bed', folder, logPath, ...command],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
        cwd: folder,
        // Ctrl-C in a terminal is for us; the server ends after us.
        detached: true,
        ...(user ?? {}),
      },
    )
    return new Promise((resolve, reject) => {
      supervisor.once('error', reject)
      const lines = createInterface({ input: supervisor.stdout })
      lines.once('line', (line) => resolve(new SupervisedProcess(supervisor, lines, Number(line))))
      lines.once('close', () => reject(new Error(`the supervisor of ${command[0]} did not start it`)))
    })
  }

  private constructor(supervisor: ChildProcess, lines: Interface, pid: number) {
    this.#supervisor = supervisor
    this.pid = pid
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#isRunning = false
        resolve()
      }
      lines.once('line', end)
      lines.once('close', end)
    })
    supervisor.stdin?.on('error', () => undefined)
    letExit(supervisor)
  }

  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Ends the server, if it still runs, and its supervision. */
  async release(fate: 'keep folder' | 'remove folder'): Promise<void> {
    const supervisor = this.#supervisor
    if (supervisor.exitCode !== null || supervisor.signalCode !== null) return
    const exited = once(supervisor, 'exit')
    supervisor.ref()
    supervisor.stdin?.end(fate === 'keep folder' ? 'keep\n' : '')
    await exited
  }
}

/** A server that somebody forgot to stop does not keep this process alive. */
function letExit(supervisor: ChildProcess): void {
  supervisor.unref()
  for (const stream of [supervisor.stdin, supervisor.stdout]) {
    if (stream !== null && 'unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
}
