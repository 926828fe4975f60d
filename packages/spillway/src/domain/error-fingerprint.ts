// Groups errors that are the same but for the particulars: a thousand dead letters become three lines, each with a count. What
// varies from command to command is taken out of the message (ids, numbers, quoted text, paths, addresses); what stays is the
// code, the words, and who called whom. Line numbers and files are left out, so that a group outlives a deployment.

import { hash } from 'node:crypto'
import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX } from './limits.js'
import type { ErrorRecord } from './outcome.js'

/** Hex digits of a fingerprint. */
export const ERROR_FINGERPRINT_LENGTH = 16
/** Functions at the top of the stack that tell errors apart. */
const FINGERPRINT_FRAMES_MAX = 3

/**
 * In order. Every pattern is linear in the text, which is bounded besides. A quote within a word is an apostrophe; one that is never closed
 * lasts to the end, since messages are cut.
 */
const PARTICULARS: readonly (readonly [RegExp, string])[] = [
  [/(?<!\w)(["'`])(?:(?!\1(?!\w)).)*(?:\1|$)/gs, '<text>'],
  [/\b[a-z][a-z0-9+.-]{0,19}:\/\/[^\s<>]+/gi, '<url>'],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, '<email>'],
  [/\b[a-z]:\\[^\s<>:,;)]+/gi, '<path>'],
  [/(?<![\w.<])(?:~|\.{1,2})?(?:\/[^\s<>/:,;()]+)+\/?/g, '<path>'],
  [/(?<![\w.-])[\w.-]+(?:\/[\w.-]+){2,}/g, '<path>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '#'],
  // Numbers, hexadecimal digests and every kind of id have a digit; words have none.
  [/[^\W_]*\d\w*/g, '#'],
  [/#(?:[-.,:+]{1,2}#)+/g, '#'],
  [/(?<![\w#])[-+]#/g, '#'],
  [/\s+/g, ' '],
]

/** 16 hexadecimal digits, stable over processes and releases of the handler. */
export function fingerprintOf(error: ErrorRecord): string {
  const message = error.message.slice(0, ERROR_MESSAGE_MAX)
  const parts = [error.code, withoutParticulars(message), ...topFunctions(error)]
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, ERROR_FINGERPRINT_LENGTH)
}

/** The message as all errors of its group have it. */
export function withoutParticulars(message: string): string {
  return PARTICULARS.reduce((text, [pattern, word]) => text.replace(pattern, word), message).trim()
}

const FRAME = /^\s+at (?:async )?(?:new )?([^\s(]+)(?: \[as [^\]]*\])? \((?!node:)/

/** Names of the functions that were running; Node's own and nameless ones say nothing about the error. */
function topFunctions({ message, stack }: ErrorRecord): string[] {
  if (stack === undefined) return []
  // A stack begins with the message, which may itself look like one.
  const text = stack.slice(0, ERROR_STACK_MAX)
  const messageAt = text.indexOf(message)
  const frames = messageAt < 0 ? text : text.slice(messageAt + message.length)
  const names = frames.split('\n').map((line) => FRAME.exec(line)?.[1])
  return names
    .filter((name) => name !== undefined && !name.includes('<anonymous>'))
    .slice(0, FINGERPRINT_FRAMES_MAX) as string[]
}
