// A server of our own: what the CLI starts, and what users get who have none. Everything that can be slow, large or endless in
// a connection has a bound here, and off loopback it does not start without a token.

import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import type { Spillway } from '../app/api.js'
import { configError } from '../config/index.js'
import { isSpillwayError, SpillwayError } from '../errors/index.js'
import type { HttpLimits } from './limits.js'
import { isLoopbackHost } from './loopback.js'
import { PROBLEM_MEDIA_TYPE } from './media-type.js'
import { type HttpOptions, limitsOf, pluginOf } from './plugin.js'
import { problemOf, RequestError, type RequestProblemCode } from './problem.js'
import { countRequests, type RunningRequests } from './running-requests.js'
import { fromFastify, sendProblem } from './send-problem.js'
import { loopbackHostHook } from './web-origin.js'

export interface ServeOptions extends HttpOptions {
  /** Default: the configuration's `http.host`. */
  readonly host?: string
  /** 0 takes any free port. Default: the configuration's `http.port`. */
  readonly port?: number
}

export interface HttpServer {
  /** Where it listens, without a slash at the end. */
  readonly url: string
  /** Stops accepting, lets running requests finish within `closeTimeoutMs`, then cuts what is left. */
  close(): Promise<void>
}

export async function serveHttp(spillway: Spillway, options: ServeOptions = {}): Promise<HttpServer> {
  const { http } = spillway.config
  const { host = http.host, port = http.port } = options
  const token = options.token === undefined ? http.token : options.token
  const isLocal = isLoopbackHost(host)
  if (!isLocal && token === null) {
    throw configError(
      'http.token',
      `a token, because ${host} can be reached from other machines (or serve on 127.0.0.1)`,
      undefined,
    )
  }
  const limits = limitsOf(spillway, options)
  const app = newServer(limits)
  const requests = countRequests(app.server)
  if (token === null) app.addHook('onRequest', loopbackHostHook())
  await app.register(pluginOf(spillway, { ...options, token }, 'owner'))
  try {
    await app.listen({ host, port })
  } catch (error) {
    await app.close()
    throw listenError(error, host, port)
  }
  return { url: urlOf(app, host), close: closeOnce(() => closeServer(spillway, app, requests, limits)) }
}

/** A Fastify without routes, with the bounds of a connection and our form of error for what fails before any route. */
export function newServer(limits: HttpLimits): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    connectionTimeout: limits.socketTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // Of a whole request: streams may take as long as they like, so bodies are watched by BodyDeadlines.
    requestTimeout: 0,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      maxHeaderSize: limits.headerBytesMax,
      connectionsCheckingInterval: Math.ceil(limits.headersTimeoutMs / CHECKS_PER_TIMEOUT),
    },
    // While it closes, requests that still come are answered by their routes.
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, fromFastify(error))
    },
  })
  app.server.maxConnections = limits.connectionsMax
  app.setErrorHandler((error, _request, reply) => {
    sendProblem(reply, fromFastify(error))
  })
  return app
}

/** Checks for late headers within one `headersTimeoutMs`. */
const CHECKS_PER_TIMEOUT = 4

const CLIENT_ERRORS: Readonly<Record<string, readonly [RequestProblemCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', 'The request headers are larger than this server accepts.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['request_timeout', 'The request headers did not arrive in time.'],
}

/** What Node's parser refuses never becomes a request, so the answer is written by hand. */
function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const [code, detail] = CLIENT_ERRORS[error.code ?? ''] ?? [
    'malformed_request',
    'The request is not well-formed HTTP.',
  ]
  const problem = problemOf(new RequestError(code, detail))
  const body = JSON.stringify(problem)
  socket.end(
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? 'Bad Request'}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

const REASONS: Readonly<Record<number, string>> = {
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

function listenError(error: unknown, host: string, port: number): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE')
    return configError('http.port', `a free port (${port} on ${host} is taken by another process)`, port)
  if (code === 'EACCES') return configError('http.port', 'a port that this user may open, above 1023', port)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return configError('http.host', 'an address of this machine', host)
  return isSpillwayError(error)
    ? error
    : new SpillwayError('invalid_config', `The HTTP server could not start on ${host}:${port}.`, {
        cause: error,
      })
}

function urlOf(app: FastifyInstance, host: string): string {
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
}

function closeOnce(close: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | null = null
  return () => {
    closed ??= close()
    return closed
  }
}

async function closeServer(
  { clock }: Spillway,
  app: FastifyInstance,
  requests: RunningRequests,
  { closeTimeoutMs }: HttpLimits,
): Promise<void> {
  const cut = (): void => app.server.closeAllConnections()
  const cancel = clock.schedule(closeTimeoutMs, cut)
  const closing = app.close()
  // Node waits for connections that have not sent a request yet; nobody was promised anything on them.
  void requests.ended().then(cut)
  await closing
  cancel()
}
