// What a worker or an agent shows to the outside: whether it lives, whether it can do its work, and its metrics. A few lines of node:http,
// because the API has no business in a process that takes no commands.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Health } from '../../app/api.js'
import { configError, type ResolvedConfig } from '../../config/index.js'
import { TokenCheck } from '../../http/auth.js'
import { isLoopbackHost } from '../../http/loopback.js'
import type { Telemetry } from '../../ports/index.js'
import type { Metrics } from '../../telemetry/index.js'

const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
const CONNECTIONS_MAX = 100

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** What it shows. */
export interface Shown {
  readonly http: Pick<ResolvedConfig['http'], 'host' | 'token'>
  readonly metrics: Pick<Metrics, 'render' | 'contentType'>
  readonly telemetry: Telemetry
  health(): Promise<Health>
}

export async function serveMetrics(shown: Shown, port: number): Promise<MetricsServer> {
  const { host, token } = shown.http
  if (token === null && !isLoopbackHost(host)) {
    throw configError('http.token', `a token, because ${host} can be reached from other machines`, undefined)
  }
  const check = token === null ? null : new TokenCheck(token)
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(shown, check, request, response).catch((error: unknown) => {
        shown.telemetry.record({ event: 'fault', where: 'metrics server', error })
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
  shown: Shown,
  check: TokenCheck | null,
  { method, url = '', headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return send(response, 405, 'Only GET.\n')
  const [pathname, query] = url.split('?', 2)
  const isTrusted = check === null || check.accepts(headers.authorization)
  if (pathname === '/livez') return send(response, 200, 'live\n')
  if (pathname === '/readyz')
    return sendHealth(response, await shown.health(), new URLSearchParams(query).has('verbose'), isTrusted)
  if (pathname !== '/metrics') return send(response, 404, 'There are /livez, /readyz and /metrics.\n')
  if (!isTrusted) return send(response, 401, 'Send the bearer token.\n')
  send(response, 200, await shown.metrics.render(), shown.metrics.contentType)
}

/** As the API answers. A detail may name files or hosts. */
function sendHealth(
  response: ServerResponse,
  { ready, checks }: Health,
  isVerbose: boolean,
  isTrusted: boolean,
): void {
  const status = ready ? 'ready' : 'not_ready'
  const shownChecks = checks.map(({ name, ok, detail }) => (isTrusted ? { name, ok, detail } : { name, ok }))
  const body = isVerbose ? { status, checks: shownChecks } : { status }
  send(response, ready ? 200 : 503, `${JSON.stringify(body)}\n`, 'application/json; charset=utf-8')
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
