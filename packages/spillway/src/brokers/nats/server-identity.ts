// Whose certificate a server of NATS has to show. The client looks for the name of the url; where the url has an address instead it names
// nobody, and Node would take a certificate of `localhost` then.

import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

/** What Node looks for where it is told no name. */
const NOBODY = 'localhost'

export interface IdentityCheck {
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined
}

/** For the settings of TLS, which reach Node as they are. With several addresses one of them is enough: they are one cluster's. */
export function identityCheck(hosts: readonly string[]): IdentityCheck {
  const addresses = hosts.filter((host) => isIP(host) !== 0)
  const areAsked = addresses.length > 0 && !hosts.includes(NOBODY)
  return {
    checkServerIdentity(name, certificate) {
      const wanted = areAsked && name === NOBODY ? addresses : [name]
      const faults = wanted.map((host) => checkServerIdentity(host, certificate))
      return faults.includes(undefined) ? undefined : faults[0]
    },
  }
}
