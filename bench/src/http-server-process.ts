// The server side of the HTTP sections: Spillway's own routes with the worker running, or a route of the same framework
// that parses the body, answers as much and stores nothing.

import { once } from 'node:events'
import Fastify, { type FastifyInstance } from 'fastify'
import { httpPlugin } from 'spillway/http'
import { answer, readJob } from './child.js'
import { openTable } from './database.js'
import { openSpillway } from './open-spillway.js'
import type { WatchEvent } from './watch-event.js'

export interface ServerJob {
  /** `intake`: a Spillway that takes commands and leaves them to a worker elsewhere. */
  readonly server: 'noop' | 'spillway' | 'intake'
  readonly file: string
}

export interface ServerAddress {
  readonly port: number
}

const { server, file } = readJob<ServerJob>()
const app = Fastify({ bodyLimit: 8 * 1024 * 1024 })
const close = server === 'noop' ? serveNothing(app) : await serveSpillway(app)
const url = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
answer({ port: Number(url.port) } satisfies ServerAddress)
if (process.connected) await once(process, 'disconnect')
await app.close()
await close()

async function serveSpillway(app: FastifyInstance): Promise<() => Promise<void>> {
  openTable(file).close()
  const spillway = await openSpillway(file, server === 'intake' ? ['intake'] : undefined)
  app.register(httpPlugin(spillway))
  return async () => {
    await spillway.drain()
    await spillway.close()
  }
}

function serveNothing(app: FastifyInstance): () => Promise<void> {
  app.post<{ Params: { type: string }; Body: WatchEvent }>(
    '/v1/commands/:type',
    ({ params, body }, reply) => {
      const id = `0197f3c0a1b27c3d8e4f5a6b7c8d9e0f-${body.eventId}`
      const link = `/v1/commands/${id}`
      reply.code(202).header('location', link)
      return {
        id,
        type: params.type,
        queue: 'default',
        status: 'accepted',
        duplicate: false,
        durability: 'store',
        acceptedAt: body.watchedAt,
        links: { self: link },
      }
    },
  )
  return async () => {}
}
