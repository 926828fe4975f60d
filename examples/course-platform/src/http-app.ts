// The platform's HTTP side: cached reads, and one write that is answered as soon as it is durable. Spillway's own API
// (status of a command, dead letters, queues, metrics) is mounted beside it under /spillway.

import Fastify, { type FastifyInstance } from 'fastify'
import { isSpillwayError } from 'spillway'
import { httpPlugin } from 'spillway/http'
import type { Catalogue } from './catalogue.js'
import type { Click } from './clicks.js'
import type { Platform } from './platform.js'

export interface HttpAppParts {
  readonly platform: Pick<Platform, 'spillway' | 'command' | 'tables'>
  readonly catalogue: Catalogue
}

const BODY_BYTES_MAX = 16 * 1024
const RETRY_AFTER_SECONDS = 1

export function httpApp({ platform, catalogue }: HttpAppParts): FastifyInstance {
  const { spillway, command, tables } = platform
  const app = Fastify({ bodyLimit: BODY_BYTES_MAX })

  app.get('/courses', () => ({ courses: catalogue.courses() }))

  app.get<{ Params: { code: string } }>('/courses/:code/materials', ({ params }, reply) => {
    const materials = catalogue.materials(params.code)
    return materials === null ? noSuchCourse(reply, params.code) : { course: params.code, materials }
  })

  app.get<{ Params: { code: string } }>('/courses/:code/views', async ({ params }, reply) => {
    if (catalogue.materials(params.code) === null) return noSuchCourse(reply, params.code)
    return (await tables.viewsOf(params.code)) ?? { course: params.code, records: 0, views: 0 }
  })

  app.post<{ Body: Click }>('/clicks', async ({ body }, reply) => {
    const receipt = await spillway.submit(command, body)
    reply.code(202).header('location', `/spillway/v1/commands/${receipt.id}`)
    return receipt
  })

  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error)
    if (status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS)
    reply.code(status).send({ error: error instanceof Error ? error.message : String(error) })
  })

  app.register(httpPlugin(spillway), { prefix: '/spillway' })
  return app
}

function noSuchCourse(reply: { code(status: number): unknown }, code: string): { error: string } {
  reply.code(404)
  return { error: `there is no course ${code}; GET /courses lists them` }
}

function statusOf(error: unknown): number {
  if (isSpillwayError(error)) return error.category === 'usage' ? 422 : 503
  if (typeof error === 'object' && error !== null && 'statusCode' in error) return Number(error.statusCode)
  return 500
}
