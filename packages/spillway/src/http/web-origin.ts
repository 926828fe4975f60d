// Without a token nothing but the network keeps others out, and a browser on the same machine is inside that network: any web
// site it shows could post here, or point a name of its own at 127.0.0.1 and read. So requests that a browser made for another
// site are refused, and a server on loopback answers only to loopback names.

import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { isLoopbackHost } from './loopback.js'
import { RequestError } from './problem.js'

export function crossSiteHook(): onRequestHookHandler {
  return (request, _reply, done) => {
    if (request.method !== 'GET' && request.method !== 'HEAD' && isCrossSite(request)) {
      done(
        new RequestError(
          'forbidden_origin',
          'This request was made by a page of another web site. Set a token to allow it.',
        ),
      )
    } else done()
  }
}

function isCrossSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== headers.host
}

export function loopbackHostHook(): onRequestHookHandler {
  return (request, _reply, done) => {
    const { host } = request.headers
    if (host === undefined || isLoopbackHost(hostname(host))) done()
    else
      done(
        new RequestError(
          'forbidden_origin',
          'This server answers only to localhost. Set a token to serve other names.',
        ),
      )
  }
}

function hostname(host: string): string {
  return host.replace(/:\d+$/, '')
}
