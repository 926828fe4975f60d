// What went wrong, in Spillway's words. Some errors of the server show what it was given; that part is left out.

import { failuresOf, messageOf } from '../driver/index.js'

const SHOWN_ARGUMENTS = /,? with args beginning with.*/s

export const { unavailable, incompatible, closed, notOpened, tooLarge, asked } = failuresOf('redis', {
  smaller: 'send less at once',
  authority: 'connection: { tls: { ca } }',
  textOf: (cause) => messageOf(cause).replace(SHOWN_ARGUMENTS, ''),
})

/** The first word of an error of the server: `READONLY`, `NOGROUP`, `OOM`. */
export function replyCode(error: unknown): string | null {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return null
  return /^[A-Z]+/.exec(error.message)?.[0] ?? null
}
