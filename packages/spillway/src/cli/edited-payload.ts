// The payload that takes the place of a command's own when it is run again: from a file, or from standard input.

import { readPayload } from './payload.js'
import { usageError } from './usage-error.js'

export const editArg = {
  type: 'string',
  valueHint: 'file|-',
  description: 'Run the one command with the payload of this file, or of standard input',
} as const

/** Undefined when nothing is edited. */
export async function editedPayload(
  edit: string | undefined,
  ids: readonly string[],
  cwd: string,
): Promise<unknown> {
  if (edit === undefined) return undefined
  if (ids.length !== 1) throw usageError('--edit is about one command: give its id.')
  return await readPayload(edit === '-' || edit.startsWith('@') ? edit : `@${edit}`, cwd)
}
