// Turning whatever was thrown into the one form of error answer there is.

import type { FastifyError, FastifyReply } from 'fastify'
import { isSpillwayError } from '../errors/index.js'
import type { Telemetry } from '../ports/index.js'
import { PROBLEM_MEDIA_TYPE } from './media-type.js'
import { problemHeaders, problemOf, RequestError } from './problem.js'

export function sendProblem(reply: FastifyReply, error: unknown): void {
  const problem = problemOf(error)
  reply
    .code(problem.status)
    .headers(problemHeaders(error))
    .header('content-type', PROBLEM_MEDIA_TYPE)
    .send(JSON.stringify(problem))
}

/** Faults of this side leave a line in the log; what a caller did wrong does not, or strangers could fill the disk. */
export function reportFault(telemetry: Telemetry, where: string, error: unknown): void {
  if (problemOf(error).status !== 500) return
  telemetry.record({ event: 'fault', where, error })
}

/** Fastify's own errors in our words. */
export function fromFastify(error: unknown): unknown {
  if (error instanceof RequestError || isSpillwayError(error)) return error
  const { code, statusCode } = error as Partial<FastifyError>
  const requestCode = REQUEST_CODE_OF[code ?? '']
  if (requestCode !== undefined) return new RequestError(requestCode, DETAIL_OF[requestCode])
  // The client went away or sent something that does not add up; there is nothing of ours to report.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new RequestError('malformed_request', 'The request could not be read.')
  }
  return error
}

const REQUEST_CODE_OF: Readonly<
  Record<string, 'body_too_large' | 'unsupported_media_type' | 'malformed_request'>
> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_request',
  FST_ERR_BAD_URL: 'malformed_request',
}

const DETAIL_OF = {
  body_too_large:
    'The body is larger than this server accepts. Send less at once, or stream it as application/x-ndjson to a :bulk path.',
  unsupported_media_type: 'Send application/json; :bulk paths take application/x-ndjson too.',
  malformed_request: 'The URL or the content length of this request is not valid.',
} as const
