// The bodies of verbs: small JSON objects that are checked as a whole before anything is done. A member that is not known is
// refused, since one that is ignored was meant to do something.

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { ActionOptions } from '../app/operator-api.js'
import { AUDIT_TEXT_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { actionOf } from './actor.js'
import type { HttpContext } from './context.js'
import { parseJsonBody } from './json-body.js'
import { RequestError } from './problem.js'

export const reason = z.string().max(AUDIT_TEXT_MAX).optional().describe('Why, for the audit.')

/** Of verbs that need to be told nothing else. */
export const ReasonBody = z.strictObject({ reason })

/** Who asks for it and why, where a reason is all that the body may say. */
export function readAction(context: HttpContext, request: FastifyRequest): ActionOptions {
  return actionOf(request, readBody(context, request, ReasonBody, {}).reason)
}

/** `absent` stands for no body at all; without it there must be one. */
export function readBody<Body>(
  { limits }: HttpContext,
  { body }: FastifyRequest,
  schema: z.ZodType<Body>,
  absent?: Body,
): Body {
  if (isAbsent(body) && absent !== undefined) return absent
  if (!Buffer.isBuffer(body))
    throw new RequestError('unsupported_media_type', 'Send the body as application/json.')
  const result = schema.safeParse(parseJsonBody(body, limits.jsonDepthMax))
  if (result.success) return result.data
  const [issue] = result.error.issues
  const place = issue === undefined || issue.path.length === 0 ? 'The body' : issue.path.join('.')
  throw new SpillwayError('invalid_argument', `${place}: ${issue?.message ?? 'not what was expected'}`)
}

function isAbsent(body: unknown): boolean {
  return body === undefined || (Buffer.isBuffer(body) && body.length === 0)
}
