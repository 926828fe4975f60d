// Database servers refuse to run as root. Root hands them to the user Debian's package made for them, or to nobody;
// everybody else runs them as themselves.

import { chownSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RunAs {
  readonly uid: number
  readonly gid: number
}

/** The first of the users that exists, or null when this process need not change its user. */
export function runAs(users: readonly string[]): RunAs | null {
  if (process.getuid?.() !== 0) return null
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const user of [...users, 'nobody']) {
    const account = accounts.find(([name]) => name === user)
    if (account !== undefined) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new Error('root needs an unprivileged user to run the server as: add the user nobody')
}

/** A new temporary folder that the user may write to. */
export function makeScratchFolder(name: string, user: RunAs | null): string {
  const folder = mkdtempSync(join(tmpdir(), `spillway-${name}-`))
  if (user !== null) chownSync(folder, user.uid, user.gid)
  return folder
}

export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}
