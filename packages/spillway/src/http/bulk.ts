// POST /v1/commands:bulk and POST /v1/commands/{type}:bulk: many commands in one request, as a JSON array that is read as a
// whole, or as NDJSON that is streamed (stream.ts).

import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { SpillwayError } from '../errors/index.js'
import { bulkResultJson } from './bulk-answer.js'
import { type BulkEntry, bulkItem } from './bulk-items.js'
import { type BulkVerdict, refusedBySystem, submitEntries } from './bulk-submit.js'
import type { HttpContext } from './context.js'
import { parseJsonBody } from './json-body.js'
import { JSON_MEDIA_TYPE, NDJSON_MEDIA_TYPE } from './media-type.js'
import { BulkQuery, isSet, readQuery } from './query.js'
import type { RouteSpec } from './route.js'
import { SCHEMAS } from './schemas.js'
import { answerStream } from './stream-answer.js'

const STREAMING = `A JSON array is answered with one verdict per command, in order. NDJSON is streamed: lines are stored \
as they come, in order, no faster than the queue takes, however many there are. A line that cannot be taken is refused \
alone. The answer has the totals and the first lines that were refused; with \`items=all\` it streams one verdict per line \
while the request is still being sent, and then the totals, so the client must read while it writes. When the store fails \
in the middle, the answer is 503 and \`details.resumeAtLine\` says from which line to send again.`

/** Makes a command out of one element or line. */
type ReadEntry = (value: unknown) => BulkEntry

export function bulkRoutes(context: HttpContext): RouteSpec[] {
  const result = { 'application/json': ['BulkResult', 'StreamResult'] } as const
  const shared = {
    method: 'POST',
    auth: 'token',
    description: STREAMING,
    query: BulkQuery,
    responses: {
      200: {
        description: 'With `items=all`: one verdict per line of the stream, then the totals.',
        content: { [NDJSON_MEDIA_TYPE]: z.string() },
      },
      202: { description: 'All were accepted.', content: result },
      207: { description: 'Some were not; each says why.', content: result },
    },
    problems: [400, 404, 413, 415, 429, 503],
  } as const
  return [
    {
      ...shared,
      path: '/v1/commands:bulk',
      operationId: 'submitBulk',
      summary: 'Submit many commands of any types.',
      body: {
        'application/json': z.array(SCHEMAS.BulkItem),
        [NDJSON_MEDIA_TYPE]: z.string().describe('One BulkItem per line.'),
      },
      handle: (request, reply) => submitBulk(context, request, reply, bulkItem),
    },
    {
      ...shared,
      path: '/v1/commands/{command}:bulk',
      operationId: 'submitBulkOfType',
      summary: 'Submit many commands of one type.',
      parameter: 'The type of the commands.',
      body: {
        'application/json': z.array(z.unknown()).describe('The payloads.'),
        [NDJSON_MEDIA_TYPE]: z.string().describe('One payload per line.'),
      },
      handle: (request, reply) => {
        const { command: type } = request.params as { readonly command: string }
        if (!context.spillway.config.commands.has(type)) {
          throw new SpillwayError(
            'unknown_command',
            `There is no command type ${JSON.stringify(type.slice(0, 100))}.`,
          )
        }
        return submitBulk(context, request, reply, (payload) => ({ type, payload, options: null }))
      },
    },
  ]
}

async function submitBulk(
  context: HttpContext,
  request: FastifyRequest,
  reply: FastifyReply,
  read: ReadEntry,
): Promise<unknown> {
  const query = readQuery(BulkQuery, request)
  const atomic = isSet(query.atomic)
  if (Buffer.isBuffer(request.body))
    return submitArray(context, reply, elements(context, request.body).map(read), atomic)
  if (atomic)
    throw new SpillwayError('invalid_argument', 'A stream cannot be atomic; send a JSON array.', {
      details: { parameter: 'atomic' },
    })
  return answerStream(context, { request, reply, read }, query.items === 'all')
}

function elements({ limits }: HttpContext, body: Buffer): readonly unknown[] {
  const value = parseJsonBody(body, limits.jsonDepthMax)
  if (!Array.isArray(value)) throw new SpillwayError('invalid_argument', 'A bulk request is a JSON array.')
  if (value.length <= limits.bulkItemsMax) return value
  throw new SpillwayError(
    'payload_too_large',
    `A bulk request takes at most ${limits.bulkItemsMax} commands; stream more as ${NDJSON_MEDIA_TYPE}.`,
    {
      details: { itemsMax: limits.bulkItemsMax },
    },
  )
}

async function submitArray(
  { spillway }: HttpContext,
  reply: FastifyReply,
  entries: readonly BulkEntry[],
  atomic: boolean,
): Promise<string> {
  if (atomic) checkOneType(entries)
  const verdicts =
    atomic && entries.some(isFault)
      ? refusedTogether(entries)
      : await submitEntries(spillway, entries, { atomic })
  const down = refusedBySystem(verdicts)
  if (down !== null) throw down
  const { json, totals } = bulkResultJson(verdicts)
  reply.code(totals.rejected === 0 ? 202 : 207).header('content-type', JSON_MEDIA_TYPE)
  return json
}

const isFault = (entry: BulkEntry): entry is Error => entry instanceof Error

function checkOneType(entries: readonly BulkEntry[]): void {
  const types = new Set(
    entries.map((entry) => (isFault(entry) ? null : entry.type)).filter((type) => type !== null),
  )
  if (types.size > 1)
    throw new SpillwayError('invalid_argument', 'An atomic bulk request has commands of one type only.', {
      details: { parameter: 'atomic' },
    })
}

function refusedTogether(entries: readonly BulkEntry[]): BulkVerdict[] {
  const index = entries.findIndex(isFault)
  const error = new SpillwayError(
    'invalid_argument',
    `Not stored: command ${index} of this atomic request was refused.`,
    { details: { atomic: true, index } },
  )
  return entries.map((entry) => ({ ok: false, error: isFault(entry) ? entry : error }))
}
