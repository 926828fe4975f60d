// Names on the server: a queue's name may hold what means something in subjects, or in the paths the server makes of the names of consumers.

import { createHash } from 'node:crypto'

/** What stands for itself. */
const PLAIN = /^[A-Za-z0-9_-]+$/
const NOT_PLAIN = /[^A-Za-z0-9_-]/g
/** The server makes folders of the names of consumers. */
const TOKEN_LENGTH_MAX = 150
const KEPT_LENGTH = 100

export function isPlainToken(text: string): boolean {
  return PLAIN.test(text)
}

/** One token of a subject; different for different names. `=` begins what was replaced, and no name has one. */
function tokenOf(name: string): string {
  const token = name.replace(NOT_PLAIN, bytesOf)
  if (token.length <= TOKEN_LENGTH_MAX) return token
  return `${token.slice(0, KEPT_LENGTH)}==${createHash('sha256').update(name).digest('hex').slice(0, 32)}`
}

function bytesOf(character: string): string {
  return [...Buffer.from(character)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('')
}

export interface Names {
  /** Streams: of messages, of refused messages, and of turns. */
  readonly messages: string
  readonly refused: string
  readonly turns: string
  subject(queue: string): string
  refusedSubject(queue: string): string
  turnSubject(queue: string): string
  /** The consumer of a queue, in the stream of messages and in the stream of turns. */
  consumer(queue: string): string
}

export function namesOf(prefix: string): Names {
  const [refused, turns] = [`${prefix}-refused`, `${prefix}-turns`]
  return {
    ...{ messages: prefix, refused, turns },
    subject: (queue) => `${prefix}.${tokenOf(queue)}`,
    refusedSubject: (queue) => `${refused}.${tokenOf(queue)}`,
    turnSubject: (queue) => `${turns}.${tokenOf(queue)}`,
    consumer: tokenOf,
  }
}
