// Who may ask. One bearer token for everything; health checks are open because orchestrators have no token. Tokens are
// compared by digest in constant time, so that neither content nor length can be guessed from timing.

import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { configError } from '../config/index.js'
import { RequestError } from './problem.js'

/** `open`: anybody. `token`: whoever has the token, when one is set. Every route declares one. */
export type AuthPolicy = 'open' | 'token'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Spillway's routes: who may ask. */
    auth?: AuthPolicy
  }
}

const TOKEN_LENGTH_MIN = 16
const BEARER = /^bearer +([\x21-\x7e]+) *$/i

export class TokenCheck {
  readonly #digest: Buffer

  constructor(token: string) {
    if (token.length < TOKEN_LENGTH_MIN || !/^[\x21-\x7e]+$/.test(token)) {
      throw configError(
        'http.token',
        `at least ${TOKEN_LENGTH_MIN} printable characters without spaces`,
        `${token.length} characters`,
      )
    }
    this.#digest = digest(token)
  }

  accepts(authorization: string | undefined): boolean {
    const given = BEARER.exec(authorization ?? '')?.[1]
    return given !== undefined && timingSafeEqual(digest(given), this.#digest)
  }
}

function digest(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex')
}

/** Runs before any body is read. What is not a route at all is as closed as the rest. */
export function authHook(check: TokenCheck): onRequestHookHandler {
  return (request, _reply, done) => {
    if (request.routeOptions.config.auth === 'open' || check.accepts(request.headers.authorization)) done()
    else done(unauthorized(request))
  }
}

function unauthorized(request: FastifyRequest): RequestError {
  const given = request.headers.authorization !== undefined
  return new RequestError(
    'unauthorized',
    given ? 'The token is not valid.' : 'Send the header Authorization: Bearer <token>.',
    {
      'www-authenticate': given
        ? 'Bearer realm="spillway", error="invalid_token"'
        : 'Bearer realm="spillway"',
    },
  )
}
