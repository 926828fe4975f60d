// Runs a program that a server brings along: the one that makes its empty data folder, or one that asks it to change.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RunAs } from './run-as.js'

export async function initialise(
  program: string,
  options: readonly string[],
  user: RunAs | null,
): Promise<void> {
  // The working directory must be one that the user may enter.
  await promisify(execFile)(program, options, { ...(user ?? {}), cwd: '/' })
}
