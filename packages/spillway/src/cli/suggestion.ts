// What to run next, ready to paste: with the flags that say which Spillway is meant.

import type { TargetFlags } from './target/open-target.js'
import type { Terminal } from './terminal.js'

export function suggest({ messages }: Terminal, flags: TargetFlags, next: string): void {
  messages.line(messages.paint('dim', `next: spillway ${next}${targetFlags(flags)}`))
}

/** The token is left out: it belongs into the environment. */
function targetFlags({ url, config }: TargetFlags): string {
  if (url !== undefined) return ` --url ${shellWord(url)}`
  return config === undefined ? '' : ` --config ${shellWord(config)}`
}

/** As one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
