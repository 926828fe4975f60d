// Waiting for a command's outcome on behalf of a client that may hang up, on a server that may close.

import type { FastifyReply } from 'fastify'
import { isTerminal } from '../domain/index.js'
import { isSpillwayError } from '../errors/index.js'
import type { CommandView } from '../ports/index.js'
import type { HttpContext } from './context.js'

export interface WaitRequest {
  readonly id: string
  readonly seconds: number
  readonly payload?: boolean
}

/** The command when it is terminal, or as it is once the time is over, the client is gone or the server closes. */
export async function outcomeWithin(
  context: HttpContext,
  reply: FastifyReply,
  request: WaitRequest,
): Promise<CommandView> {
  const { spillway, closing } = context
  const reading = request.payload === true ? { payload: true } : {}
  if (request.seconds === 0 || closing.aborted) return spillway.outcome(request.id, reading)
  const over = new AbortController()
  const abort = (): void => over.abort()
  reply.raw.once('close', abort)
  closing.addEventListener('abort', abort)
  try {
    return await spillway.outcome(request.id, {
      ...reading,
      wait: request.seconds * 1_000,
      signal: over.signal,
    })
  } catch (error) {
    if (!isSpillwayError(error, 'wait_timeout') && !over.signal.aborted) throw error
    return await spillway.outcome(request.id, reading)
  } finally {
    closing.removeEventListener('abort', abort)
    reply.raw.removeListener('close', abort)
  }
}

/** The command when it became terminal in time, else null. */
export async function terminalWithin(
  context: HttpContext,
  reply: FastifyReply,
  request: WaitRequest,
): Promise<CommandView | null> {
  const view = await outcomeWithin(context, reply, request)
  return isTerminal(view.state) ? view : null
}
