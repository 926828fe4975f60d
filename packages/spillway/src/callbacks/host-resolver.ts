// From a host's name to its addresses, by queries of our own. getaddrinfo would answer from the hosts file and try search domains, so that
// a stranger's name could mean a machine in here, and it occupies a thread of Node's small pool while a stranger's name
// server takes its time. Only for names the operator vouches for, the machine answers as it would answer anybody.

import { lookup, Resolver } from 'node:dns/promises'
import { DeliveryError, systemCode } from './delivery-error.js'
import { DNS_QUERY_MS_MAX, DNS_TRIES_MAX } from './limits.js'

/** All addresses of a host; rejects when there is none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

export interface HostResolverOptions {
  /** Addresses of name servers, with a port where it is not 53. Default: those of the machine. */
  readonly nameServers?: readonly string[]
  /** Names that the machine resolves by its own means. */
  readonly isAllowedHost: (hostname: string) => boolean
}

export function createHostResolver({ nameServers, isAllowedHost }: HostResolverOptions): ResolveHost {
  const resolver = new Resolver({ timeout: DNS_QUERY_MS_MAX, tries: DNS_TRIES_MAX })
  if (nameServers !== undefined) resolver.setServers(nameServers)

  const byQuery = async (hostname: string): Promise<readonly string[]> => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    if (addresses.length > 0) return addresses
    throw answers.find((answer) => answer.status === 'rejected')?.reason
  }
  const byMachine = async (hostname: string): Promise<readonly string[]> =>
    (await lookup(hostname, { all: true })).map(({ address }) => address)

  return async (hostname) => {
    try {
      return await (isAllowedHost(hostname) ? byMachine(hostname) : byQuery(hostname))
    } catch (error) {
      throw new DeliveryError('dns', `${hostname} cannot be resolved: ${systemCode(error)}`)
    }
  }
}
