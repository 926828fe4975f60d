// The guard against server-side request forgery: callback urls come from tenants, and must not turn this process into a way into
// the network it stands in. The url is judged by its parsed form, which is the one that is called; the addresses its name resolves
// to are judged again by the connector (guarded-connector.ts), so that a name may answer whatever it likes.

import { isIP } from 'node:net'
import { configError } from '../config/index.js'
import { addressRange, refusedAddress } from './address-ranges.js'
import { URL_LENGTH_MAX } from './limits.js'

export interface AddressGuardOptions {
  /** Whether `http:` urls may be called too. Default false. */
  readonly allowHttp?: boolean
  /** Ports besides 443, and 80 with `allowHttp`. */
  readonly allowPorts?: readonly number[]
  /** Host names that may be called although they look internal, like 'billing.internal'. What they resolve to is judged as ever. */
  readonly allowHosts?: readonly string[]
  /** Ranges that may be called although they are not public, like '10.20.0.0/16'. */
  readonly allowAddresses?: readonly string[]
}

/** `url` is the only form to call: the same text may mean something else to another parser. */
export type UrlJudgement =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly reason: string }

export interface AddressGuard {
  /** Everything that can be said without asking a name server. */
  judgeUrl(text: string): UrlJudgement
  /** Why an IP address may not be called; null when it may. */
  refusedAddress(address: string): string | null
  /** Whether the operator vouches for the name: it may then come from the machine's own hosts file. */
  isAllowedHost(hostname: string): boolean
}

/**
 * Names that never belong to a stranger: special-use names (RFC 6761, 6762 with its appendix G, 8375), what ICANN reserved for
 * private use, and the names of metadata services and clusters.
 */
const INTERNAL_NAMES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa',
  'svc',
  'metadata.goog',
]

/** Throws `invalid_config` when a port or a range is none. */
export function createAddressGuard(options: AddressGuardOptions = {}): AddressGuard {
  const { allowHttp = false, allowPorts = [], allowHosts = [], allowAddresses = [] } = options
  const protocols = allowHttp ? ['https:', 'http:'] : ['https:']
  const ports = new Set([443, ...(allowHttp ? [80] : []), ...allowPorts.map(checkedPort)])
  const hosts = new Set(allowHosts.map((host) => withoutFinalDot(host.toLowerCase())))
  const ranges = allowAddresses.map((cidr, index) => addressRange(cidr, `callbacks.allowAddresses[${index}]`))
  const refused = (address: string): string | null => refusedAddress(address, ranges)

  const problemOf = (url: URL): string | null => {
    if (!protocols.includes(url.protocol)) {
      return `must begin with ${protocols.map((each) => `${each}//`).join(' or ')}`
    }
    if (url.username !== '' || url.password !== '') return 'must not contain a user name or password'
    if (!ports.has(portOf(url))) return `names port ${portOf(url)}, which is not in callbacks.allowPorts`
    return hostProblem(bareHost(url.hostname), hosts, refused)
  }
  return {
    judgeUrl(text) {
      const url = text.length > URL_LENGTH_MAX ? null : parsedUrl(text)
      if (url === null) return { ok: false, reason: `must be a url of at most ${URL_LENGTH_MAX} characters` }
      const problem = problemOf(url)
      return problem === null ? { ok: true, url } : { ok: false, reason: problem }
    },
    refusedAddress: refused,
    isAllowedHost: (hostname) => hosts.has(hostname),
  }
}

/** A url's host as the connector gets it: without the brackets of an IPv6 address. */
export function bareHost(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function hostProblem(
  host: string,
  allowed: ReadonlySet<string>,
  refused: (address: string) => string | null,
): string | null {
  if (isIP(host) !== 0) {
    const kind = refused(host)
    return kind === null
      ? null
      : `names an address that is not public (${kind}); callbacks.allowAddresses can allow it`
  }
  if (allowed.has(host) || !isInternalName(host)) return null
  return `names an internal host; callbacks.allowHosts can allow it`
}

function isInternalName(host: string): boolean {
  return !host.includes('.') || INTERNAL_NAMES.some((name) => host === name || host.endsWith(`.${name}`))
}

/** `example.com.` is `example.com`, spelled so that comparisons and certificates miss it. */
function parsedUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const hostname = withoutFinalDot(url.hostname)
  if (hostname !== url.hostname) url.hostname = hostname
  return hostname === '' || url.hostname !== hostname ? null : url
}

function withoutFinalDot(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

function checkedPort(port: number, index: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw configError(`callbacks.allowPorts[${index}]`, 'a port from 1 to 65535', port)
}
