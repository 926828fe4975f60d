// The OpenAPI 3.1 document, made from the same route objects that are registered: what is not served cannot be documented, and
// what is served cannot be missing.

import { z } from 'zod'
import { PROBLEM_MEDIA_TYPE } from './media-type.js'
import type { BodySchema, RouteResponse, RouteSpec } from './route.js'
import { SCHEMAS } from './schemas.js'

type Json = Readonly<Record<string, unknown>>

/** Version of the interface, not of the package: it moves when the interface does. */
const API_VERSION = '1.0.0'

export function openapiDocument(routes: readonly RouteSpec[], prefix: string, secured: boolean): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, secured) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Spillway',
      version: API_VERSION,
      description: 'Durable asynchronous writes: submit a command, get a receipt, have it executed in bulk.',
    },
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths,
    components: {
      schemas: componentSchemas(),
      ...(secured ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  }
}

function operation(route: RouteSpec, secured: boolean): Json {
  const guarded = secured && route.auth === 'token'
  const problems = guarded ? [...route.problems, 401] : route.problems
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(guarded ? { security: [{ token: [] }] } : {}),
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: route.bodyOptional !== true, content: contentOf(route.body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, response]) => [status, responseOf(response)]),
      ),
      ...Object.fromEntries(problems.map((status) => [status, PROBLEM_RESPONSE])),
    },
  }
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` })

const PROBLEM_RESPONSE: Json = {
  description: 'Refused; the problem says why.',
  content: { [mediaRange(PROBLEM_MEDIA_TYPE)]: { schema: ref('Problem') } },
}

function mediaRange(mediaType: string): string {
  return mediaType.split(';')[0] as string
}

function pathParameters({ path, parameter }: RouteSpec): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: parameter,
    schema: { type: 'string' },
  }))
}

function queryParameters({ query }: RouteSpec): Json[] {
  if (query === undefined) return []
  const { properties = {} } = inlineSchema(query) as { properties?: Record<string, Json> }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}

function headerParameters({ headers = {} }: RouteSpec): Json[] {
  return Object.entries(headers).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }))
}

function responseOf({ description, content, headers = {} }: RouteResponse): Json {
  const headerObjects = Object.entries(headers).map(([name, text]) => [
    name,
    { description: text, schema: { type: 'string' } },
  ])
  return {
    description,
    ...(headerObjects.length === 0 ? {} : { headers: Object.fromEntries(headerObjects) }),
    content: contentOf(content),
  }
}

function contentOf(content: Readonly<Record<string, BodySchema>>): Json {
  return Object.fromEntries(
    Object.entries(content).map(([mediaType, body]) => [mediaType, { schema: schemaOf(body) }]),
  )
}

function schemaOf(body: BodySchema): Json {
  if (!Array.isArray(body)) return typeof body === 'string' ? ref(body) : inlineSchema(body as z.ZodType)
  return { anyOf: body.map((name: string) => ref(name)) }
}

function inlineSchema(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' })
  return json
}

function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(SCHEMAS)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...json }]) => [id, json]),
  )
}
