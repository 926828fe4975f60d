// What a worker without API shows to the outside: whether it lives, and its metrics. A few lines of node:http, because the API
// has no business in a process that takes no commands.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Spillway } from '../../app/api.js'
import { configError } from '../../config/index.js'
import { TokenCheck } from '../../http/auth.js'
import { isLoopbackHost } from '../../http/loopback.js'

const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const CONNECTIONS_MAX = 100

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

export async function serveMetrics(spillway: Spillway, port: number): Promise<MetricsServer> {
  const { host, token } = spillway.config.http
  if (token === null && !isLoopbackHost(host)) {
    throw configError('http.token', `a token, because ${host} can be reached from other machines`, undefined)
  }
  const check = token === null ? null : new TokenCheck(token)
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(spillway, check, request, response).catch((error: unknown) => {
        spillway.telemetry.record({ event: 'fault', where: 'metrics server', error })
        send(response, 500, 'The metrics could not be read. The log says why.\n')
      })
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  await listen(server, host, port)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(
  { metrics }: Spillway,
  check: TokenCheck | null,
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'Only GET.\n')
  if (url === '/livez') return send(response, 200, 'live\n')
  if (url !== '/metrics') return send(response, 404, 'There are /livez and /metrics.\n')
  if (check?.accepts(headers.authorization) === false) return send(response, 401, 'Send the bearer token.\n')
  send(response, 200, await metrics.render(), metrics.contentType)
}

function send(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  if (response.headersSent) return
  const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="spillway"' } : {}
  response.writeHead(status, { 'content-type': contentType, ...challenge })
  response.end(text)
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        configError(
          '--metrics-port',
          `a port of ${host} that can be opened (${error.code ?? error.message})`,
          port,
        ),
      )
    })
    server.listen(port, host, resolve)
  })
}
