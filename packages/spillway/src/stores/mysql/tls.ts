// Whether connections are encrypted, and whom they trust. The driver ignores most of what other programs write into a URL for that, and goes
// on without encryption; and it does not look whose certificate it is unless it is told to.

import type { ConnectionOptions, SslOptions } from 'mysql2'
import { optionsError } from './errors.js'

/** What may be asked for: the authorities of the system (true), those of the given `ca`, or the driver's of 'Amazon RDS'. */
export type Tls = boolean | string | SslOptions

/** Whose authority signs for nobody else: its name says enough. */
const PROFILE = 'Amazon RDS'
const PARAMETER = 'ssl'
/** `ssl-mode`, `sslmode`, `sslaccept`, `tls`, `useSSL` and the like. */
const FOREIGN_PARAMETER = /^(ssl|tls|use-?ssl)/i

const EXPECTED =
  'TLS to be asked for by ?ssl=true in the URL, or by connection: { ssl: true } or { ssl: { ca } } with the text of a ca.pem'

/** Where to connect, without the URL's word on TLS, which is read here. Throws where it cannot be read. */
export function tlsTarget(url: string, asked: Tls | undefined): ConnectionOptions {
  const bare = new URL(url)
  const { searchParams } = bare
  if ([...searchParams.keys()].some((name) => name !== PARAMETER && FOREIGN_PARAMETER.test(name))) {
    throw optionsError(`${EXPECTED}, by no other name`)
  }
  const inUrl = searchParams.get(PARAMETER)
  if (inUrl === null) return { uri: url, ...driverTls(asked) }
  if (asked !== undefined) throw optionsError('TLS either in the URL or in connection: { ssl }, and not both')
  searchParams.delete(PARAMETER)
  return { uri: bare.href, ...driverTls(fromJson(inUrl)) }
}

function driverTls(asked: unknown): Pick<ConnectionOptions, 'ssl'> {
  if (asked === undefined || asked === false || asked === 0) return {}
  if (asked === true || asked === 1) return { ssl: { verifyIdentity: true } }
  if (asked === PROFILE) return { ssl: asked }
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) throw optionsError(EXPECTED)
  return { ssl: { verifyIdentity: true, ...asked } }
}

/** As the driver reads the parameters of a URL. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
