// Spillway's HTTP interface as a plain `(request, response)` function, for Node servers that are not Fastify. Connections, and
// so their timeouts and header limits, are those of the server it is given to.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Spillway } from '../app/api.js'
import { addNotFoundAnswer, type HttpOptions, limitsOf, pluginOf } from './plugin.js'
import { newServer } from './server.js'

export interface HandlerOptions extends HttpOptions {
  /** Path under which the server hands requests over, such as '/spillway'. */
  readonly prefix?: string
}

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void

export function httpHandler(spillway: Spillway, options: HandlerOptions = {}): HttpHandler {
  const app = newServer(limitsOf(spillway, options))
  const { prefix = '' } = options
  if (prefix !== '') addNotFoundAnswer(app)
  app.register(pluginOf(spillway, options, 'owner'), { prefix })
  let isReady = false
  const ready = app.ready().then(() => {
    isReady = true
  })
  return (request, response) => {
    if (isReady) app.routing(request, response)
    else
      ready.then(
        () => app.routing(request, response),
        (error: unknown) => response.destroy(error as Error),
      )
  }
}
