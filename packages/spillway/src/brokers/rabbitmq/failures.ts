// What goes wrong with RabbitMQ, said in Spillway's words. Nothing here shows a url: it carries a password.

import { SpillwayError } from '../../errors/index.js'
import { tlsFailure } from '../driver/index.js'

/** Reply codes of AMQP 0-9-1. */
const ACCESS_REFUSED = 403
const PRECONDITION_FAILED = 406
const NOT_ALLOWED = 530
/** Where it names an authority for the server's certificate. */
const AUTHORITY = 'connection: { ca }'

export function unavailable(what: string, cause?: unknown): SpillwayError {
  const said = cause === undefined ? '' : ` (${messageOf(cause)})`
  return (
    tlsFailure('RabbitMQ', AUTHORITY, cause) ??
    new SpillwayError('broker_unavailable', `RabbitMQ: ${what}${said}.`, { cause })
  )
}

export function incompatible(what: string, cause?: unknown): SpillwayError {
  return new SpillwayError('broker_incompatible', `RabbitMQ: ${what}.`, { cause })
}

export function closed(): SpillwayError {
  return new SpillwayError('closed', 'RabbitMQ: this broker was closed.')
}

export function notOpened(queue: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `RabbitMQ: the broker was not opened with the queue ${queue}: name it in the configuration.`,
    { details: { queue } },
  )
}

export function tooLarge(bytes: number, bytesMax: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `RabbitMQ: a message of ${bytes} bytes is larger than the ${bytesMax} that are sent at most.`,
    { details: { bytes, bytesMax } },
  )
}

/** The properties of a message do not fit into the protocol's table. */
export function badProperties(cause: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `RabbitMQ: the message's id, content type or headers cannot be sent (${messageOf(cause)}).`,
    { cause },
  )
}

/** Why a connection could not be had. */
export function connectFailure(error: unknown): SpillwayError {
  if (error instanceof SpillwayError) return error
  const code = codeOf(error)
  // Without a vhost of that name the client only says that it was something else it expected.
  const refused = code === NOT_ALLOWED || /\b(403|530)\b|got <ConnectionClose/.test(messageOf(error))
  return unavailable(
    refused
      ? 'the server refused the connection: check user, password and vhost, and what the user may do'
      : 'the server cannot be reached',
    error,
  )
}

/** Why a queue is not there as it should be. */
export function declareFailure(queue: string, error: unknown): SpillwayError {
  if (error instanceof SpillwayError) return error
  const code = codeOf(error)
  if (code === PRECONDITION_FAILED)
    return incompatible(
      `the queue ${queue} exists with other settings (${messageOf(error)}): drain and delete it, or give rabbitmq() another prefix`,
      error,
    )
  if (code === ACCESS_REFUSED)
    return incompatible(
      `the user may not declare the queue ${queue}: grant it configure, write and read on names that begin like this one`,
      error,
    )
  return unavailable(`the queue ${queue} could not be declared`, error)
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
