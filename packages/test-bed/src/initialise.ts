// Runs the program that makes a server's empty data folder.

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
