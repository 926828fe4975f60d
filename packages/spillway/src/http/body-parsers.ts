// How bodies are read: JSON as a whole and unparsed, because each route knows best what to make of it; NDJSON not at all,
// because it is streamed. Nothing else is accepted.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { HttpContext } from './context.js'
import { NDJSON_MEDIA_TYPE } from './media-type.js'
import { RequestError } from './problem.js'

export function addBodyParsers(fastify: FastifyInstance, { limits }: HttpContext): void {
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: limits.bodyBytesMax },
    (request, body, done) => {
      done(encodingFault(request), body)
    },
  )
  fastify.addContentTypeParser(NDJSON_MEDIA_TYPE, (request, stream, done) => {
    done(encodingFault(request), stream)
  })
}

function encodingFault({ headers }: FastifyRequest): RequestError | null {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return null
  return new RequestError('unsupported_media_type', 'Send the body without Content-Encoding.', {
    'accept-encoding': 'identity',
  })
}
