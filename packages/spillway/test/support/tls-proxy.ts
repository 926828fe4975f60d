// A broker that only takes connections over TLS, as far as its clients can see: what comes in encrypted goes on in the clear to the real one.
// Clients have to show the certificate that it began with.

import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Certificate } from 'spillway-test-bed'

export interface TlsProxy {
  /** On 127.0.0.1. */
  readonly port: number
  /** The names it was asked for, in order; false where a client named none. */
  readonly names: readonly (string | false)[]
  /** Another certificate from now on. Connections are broken. */
  present(certificate: Certificate): void
  close(): Promise<void>
}

export async function startTlsProxy(
  { cert, key }: Certificate,
  to: { readonly port: number },
): Promise<TlsProxy> {
  const open = new Set<Socket>()
  const names: (string | false)[] = []
  const admission = { ca: cert, requestCert: true, rejectUnauthorized: true }
  const server = createServer({ cert, key, ...admission }, (secure) => {
    names.push(secure.servername ?? false)
    const plain = connect(to.port, '127.0.0.1')
    for (const [one, other] of [
      [secure, plain],
      [plain, secure],
    ] as const) {
      open.add(one)
      // Whichever end goes first, the other goes as well.
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    secure.pipe(plain).pipe(secure)
  })
  // A client that does not trust the certificate says so and goes.
  server.on('tlsClientError', () => {})
  const breakAll = (): void => {
    for (const socket of open) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    names,
    present({ cert, key }) {
      server.setSecureContext({ cert, key, ca: admission.ca })
      breakAll()
    },
    async close() {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}
