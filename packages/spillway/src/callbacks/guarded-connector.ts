// Opens connections for undici, only to addresses that were checked. The name is resolved here, every answer is judged, and the socket
// gets the judged list instead of the name, so that a second answer of the name server (DNS rebinding) is never
// asked for. Where it really ended up is judged once more before a byte is sent.

import type { LookupAddress } from 'node:dns'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { buildConnector } from 'undici'
import type { Clock } from '../ports/index.js'
import { type AddressGuard, bareHost } from './address-guard.js'
import { DeliveryError, systemCode } from './delivery-error.js'
import type { ResolveHost } from './host-resolver.js'
import { ADDRESS_ATTEMPT_MS, ADDRESSES_TRIED_MAX, CONNECT_MS_MAX } from './limits.js'

export interface GuardedConnectorOptions {
  readonly guard: Pick<AddressGuard, 'refusedAddress'>
  readonly resolve: ResolveHost
  readonly clock: Clock
  /** Certificates, PEM, of authorities to trust instead of the public ones. */
  readonly ca?: string | readonly string[]
}

type Target = buildConnector.Options

export class GuardedConnector {
  readonly #options: GuardedConnectorOptions
  readonly #connecting = new Set<Socket>()

  constructor(options: GuardedConnectorOptions) {
    this.#options = options
  }

  /** For undici. Calls back once, with a socket that may be used or a DeliveryError. */
  readonly connect: buildConnector.connector = (target, callback) => {
    const host = bareHost(target.hostname)
    const refused = isIP(host) === 0 ? null : this.#options.guard.refusedAddress(host)
    if (refused === null) this.#open({ ...target, hostname: host }, callback)
    else queueMicrotask(() => callback(blocked(refused), null))
  }

  /** Gives up what is not connected yet. */
  close(): void {
    for (const socket of this.#connecting)
      socket.destroy(new DeliveryError('aborted', 'the sender is closing'))
  }

  #open(target: Target, callback: buildConnector.Callback): void {
    const secure = target.protocol === 'https:'
    const socket = this.#socket(target, secure)
    let connected = false
    const finish = (error: DeliveryError | null): void => {
      if (!this.#connecting.delete(socket)) return
      cancelTimer()
      // undici adds its own listener in the callback; until then, and for a socket it never gets, this one stays.
      if (error === null) callback(null, socket)
      else callback(error, null)
    }
    this.#connecting.add(socket)
    const cancelTimer = this.#options.clock.schedule(CONNECT_MS_MAX, () =>
      socket.destroy(new DeliveryError('timeout', `not connected within ${CONNECT_MS_MAX} ms`)),
    )
    socket.once('connect', () => {
      connected = true
      const refused = this.#options.guard.refusedAddress(socket.remoteAddress ?? '')
      if (refused !== null) socket.destroy(blocked(refused))
      else if (!secure) finish(null)
    })
    socket.once('secureConnect', () => finish(null))
    socket.on('error', (error) => finish(connectError(error, connected)))
    socket.once('close', () => finish(new DeliveryError('connect', 'the connection was closed')))
  }

  #socket(target: Target, secure: boolean): Socket {
    const { ca } = this.#options
    const options = {
      host: target.hostname,
      port: Number(target.port) || (secure ? 443 : 80),
      lookup: this.#lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
      noDelay: true,
    }
    if (!secure) return connectTcp(options)
    return connectTls({
      ...options,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      ...(isIP(target.hostname) === 0 ? { servername: target.hostname } : {}),
      ...(ca === undefined ? {} : { ca: [ca].flat() }),
    })
  }

  /** What the socket takes for the name's resolution. It is not called for a literal address. */
  readonly #lookup: LookupFunction = (hostname, options, callback) => {
    this.#judgedAddresses(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (options.all === true || first === undefined) callback(null, addresses)
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, []),
    )
  }

  async #judgedAddresses(hostname: string): Promise<LookupAddress[]> {
    const addresses = await this.#options.resolve(hostname)
    for (const address of addresses) {
      const refused = this.#options.guard.refusedAddress(address)
      if (refused !== null) throw blocked(refused)
    }
    return addresses.slice(0, ADDRESSES_TRIED_MAX).map((address) => ({ address, family: isIP(address) }))
  }
}

function blocked(kind: string): DeliveryError {
  return new DeliveryError('blocked', `the host has an address that is not public (${kind})`)
}

function connectError(error: Error, connected: boolean): DeliveryError {
  if (error instanceof DeliveryError) return error
  return connected
    ? new DeliveryError('tls', `the TLS handshake failed: ${systemCode(error)}`)
    : new DeliveryError('connect', `no connection: ${systemCode(error)}`)
}
