// A route as one piece of data: what is registered, who may ask, and what the OpenAPI document says are the same object, so
// they cannot drift apart.

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { AuthPolicy } from './auth.js'
import type { SCHEMAS } from './schemas.js'

/** A named schema, one of several, or one that is used only here. */
export type BodySchema = SchemaName | readonly SchemaName[] | z.ZodType

type SchemaName = keyof typeof SCHEMAS

export interface RouteResponse {
  readonly description: string
  /** Per media type. */
  readonly content: Readonly<Record<string, BodySchema>>
  /** Descriptions, by name. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface RouteSpec {
  readonly method: 'GET' | 'POST'
  /** OpenAPI template: `{name}` is a parameter, everything else is literal. */
  readonly path: string
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly auth: AuthPolicy
  /** What the parameter of the path means here. */
  readonly parameter?: string
  readonly query?: z.ZodObject
  /** Descriptions of request headers, by name. */
  readonly headers?: Readonly<Record<string, string>>
  /** Per media type. */
  readonly body?: Readonly<Record<string, BodySchema>>
  /** Whether the request may come without one. */
  readonly bodyOptional?: true
  readonly responses: Readonly<Record<number, RouteResponse>>
  /** Statuses answered with a problem document. */
  readonly problems: readonly number[]
  /** Answers itself through `reply`, or returns the body. */
  readonly handle: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/** The template as find-my-way spells it, where a literal colon is doubled. */
export function routerPath(path: string): string {
  return path
    .split(/(\{\w+\})/)
    .map((part, index, parts) => {
      if (!part.startsWith('{')) return part.replaceAll(':', '::')
      const name = part.slice(1, -1)
      // A parameter that a literal colon follows ends there and nowhere else.
      return parts[index + 1]?.startsWith(':') === true ? `:${name}(^[^:]+)` : `:${name}`
    })
    .join('')
}
