// Who asks for something that the audit remembers. The token says whether somebody may; the name is what they, or the system
// in front of Spillway that knows them, say of themselves.

import type { FastifyRequest } from 'fastify'
import type { ActionOptions } from '../app/operator-api.js'
import { SpillwayError } from '../errors/index.js'

const HEADER = 'x-spillway-actor'
const ACTOR_LENGTH_MAX = 100
const ACTOR_DEFAULT = 'http'
const PRINTABLE = /^[\x20-\x7e]+$/

/** For the document: what every audited route takes. */
export const ACTOR_HEADER: Readonly<Record<string, string>> = {
  'X-Spillway-Actor': `Who does it, for the audit: at most ${ACTOR_LENGTH_MAX} printable characters; default '${ACTOR_DEFAULT}'.`,
}

/** Throws `invalid_argument`. */
export function actionOf({ raw }: Pick<FastifyRequest, 'raw'>, reason: string | undefined): ActionOptions {
  return { actor: actorOf(raw), ...(reason === undefined ? {} : { reason }) }
}

function actorOf({ headers, headersDistinct }: FastifyRequest['raw']): string {
  const actor = String(headers[HEADER] ?? ACTOR_DEFAULT)
  // Node joins repeated headers with a comma, which may also stand in a name.
  const isRepeated = actor.includes(',') && (headersDistinct[HEADER]?.length ?? 0) > 1
  if (!isRepeated && actor.length <= ACTOR_LENGTH_MAX && PRINTABLE.test(actor)) return actor
  throw new SpillwayError(
    'invalid_argument',
    `The X-Spillway-Actor header must be sent once, with 1 to ${ACTOR_LENGTH_MAX} printable ASCII characters.`,
    { details: { header: 'X-Spillway-Actor', lengthMax: ACTOR_LENGTH_MAX } },
  )
}
