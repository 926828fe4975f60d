// Sends callbacks: signs each attempt with the time it is made, and delivers it past the guard. This is what the handler of the built-in
// callback command calls; when to try again is the schedule's, and what became of the command is the worker's business.

import type { ResolvedCallbacks } from '../config/index.js'
import type { Clock } from '../ports/index.js'
import { type AddressGuardOptions, createAddressGuard } from './address-guard.js'
import { deliver } from './deliver.js'
import type { DeliveryResult } from './delivery-result.js'
import type { GuardedAgent } from './guarded-agent.js'
import { createHostResolver, type ResolveHost } from './host-resolver.js'
import { signedHeaders } from './signing.js'
import { signingKeys } from './signing-key.js'

/** The payload of a callback's command: nothing in it changes between attempts. */
export interface CallbackPayload {
  readonly url: string
  /** The same for every attempt; without "." */
  readonly id: string
  /** JSON text, sent as it is. */
  readonly body: string
}

/** `secrets` newest first; `timeoutMs` is at most 30 s. What the configuration says about callbacks fits as it is. */
export interface CallbackSenderOptions
  extends Pick<ResolvedCallbacks, 'secrets' | 'timeoutMs'>,
    AddressGuardOptions {
  readonly clock: Clock
  /** Certificates, PEM, of authorities to trust instead of the public ones. */
  readonly ca?: string | readonly string[]
  /** Addresses of the name servers to ask. Default: those of the machine. */
  readonly nameServers?: readonly string[]
  /** Another way to resolve names; its answers are judged like any. */
  readonly resolve?: ResolveHost
}

export interface CallbackSender {
  /** One attempt. Rejects only for a payload that can never be sent (`invalid_argument`). */
  send(payload: CallbackPayload, options?: { readonly signal?: AbortSignal }): Promise<DeliveryResult>
  /** Ends all connections; deliveries under way become `aborted`. */
  close(): Promise<void>
}

/** Throws `invalid_config` when a secret, a port or a range is none. */
export function createCallbackSender(options: CallbackSenderOptions): CallbackSender {
  const { clock, timeoutMs, ca, nameServers } = options
  const keys = signingKeys(options.secrets, 'invalid_config')
  const guard = createAddressGuard(options)
  const resolve =
    options.resolve ??
    createHostResolver({
      isAllowedHost: guard.isAllowedHost,
      ...(nameServers === undefined ? {} : { nameServers }),
    })
  let isClosed = false
  let opening: Promise<GuardedAgent> | null = null
  // With the first delivery: undici takes as long to load as half of Spillway, and most processes never deliver.
  const open = async (): Promise<GuardedAgent> => {
    const { GuardedAgent } = await import('./guarded-agent.js')
    const agent = new GuardedAgent({ guard, resolve, clock, ...(ca === undefined ? {} : { ca }) })
    if (isClosed) await agent.close()
    return agent
  }
  return {
    async send({ url, id, body }, { signal } = {}) {
      opening ??= open()
      const agent = await opening
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'spillway-callbacks',
        ...signedHeaders(id, clock.now(), body, keys),
      }
      const context = { guard, agent, clock, ...(signal === undefined ? {} : { signal }) }
      return deliver({ url, headers, body, timeoutMs }, context)
    },
    async close() {
      isClosed = true
      await (await opening)?.close()
    },
  }
}
