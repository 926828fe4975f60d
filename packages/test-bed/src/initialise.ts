// Runs a program that a server brings along or needs: the one that makes its empty data folder, one that asks it to change, or openssl.

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
