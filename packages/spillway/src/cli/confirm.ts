// Asking before something is done to many commands at once. A script cannot answer, so there `--yes` is required.

import { createInterface } from 'node:readline/promises'
import type { Session } from './command.js'
import { Interrupted } from './interruption.js'
import { usageError } from './usage-error.js'

/** Whether to do it; `deed` is a sentence without its full stop. Throws a usage error where nobody could be asked. */
export async function confirm({ interruption }: Session, deed: string): Promise<boolean> {
  const { stdin, stderr } = process
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw usageError(`${deed}. Confirm with --yes, or look first with --dry-run. Nothing was done.`)
  }
  const lines = createInterface({ input: stdin, output: stderr })
  // On a terminal in raw mode Ctrl-C arrives here, and not as a signal.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const answer = await lines.question(`${deed}. Go on? [y/N] `, { signal: interruption.signal })
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    throw interruption.signal.aborted ? new Interrupted() : error
  } finally {
    lines.close()
  }
}
