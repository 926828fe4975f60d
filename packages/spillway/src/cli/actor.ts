// Who sits at this command line, for the audit.

import { userInfo } from 'node:os'

const NAME_LENGTH_MAX = 60

/** 'cli:' and the name of the user, where there is one. Only characters that an HTTP header may have. */
export function cliActor(): string {
  const name = userName().replaceAll(/[^\x21-\x7e]/g, '?')
  return name === '' ? 'cli' : `cli:${name.slice(0, NAME_LENGTH_MAX)}`
}

/** A container may run under a number that no name belongs to. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}
