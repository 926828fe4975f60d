// Every bound of a callback's delivery. The other side is a stranger's server: whatever it could make large, slow or endless ends here.

/** Characters of a callback url. */
export const URL_LENGTH_MAX = 2_048
/** Characters of a callback's id. */
export const ID_LENGTH_MAX = 255
/** Keys that sign or verify at the same time; a rotation needs two. */
export const SECRETS_MAX = 8
/** Characters of a webhook-signature header that verification reads. */
export const SIGNATURE_HEADER_MAX = 4_096

/** The whole exchange, from resolving the name to the last byte of the answer that is read. */
export const EXCHANGE_MS_MAX = 30_000
/** Resolving, connecting and the TLS handshake together. */
export const CONNECT_MS_MAX = 10_000
/** One of several addresses of a host, before the next is tried. */
export const ADDRESS_ATTEMPT_MS = 1_000
/** Addresses of one host that are tried; all of its addresses are checked. */
export const ADDRESSES_TRIED_MAX = 8
/** One query to a name server, and how often it is sent. */
export const DNS_QUERY_MS_MAX = 2_000
export const DNS_TRIES_MAX = 2

/** Bytes of an answer's headers. */
export const RESPONSE_HEADER_BYTES_MAX = 16 * 1024
/** Bytes of an answer's body that are read; the connection is dropped after them. */
export const RESPONSE_BYTES_MAX = 64 * 1024
/** Bytes of an answer's body that are kept. */
export const SNIPPET_BYTES_MAX = 1_024

/** How long a connection that has nothing to do is kept for the next callback to the same host. */
export const IDLE_CONNECTION_MS = 4_000
/** The same, when the other side asks for more. */
export const IDLE_CONNECTION_MS_MAX = 10_000
/** Connections that are kept while they have nothing to do. */
export const IDLE_CONNECTIONS_MAX = 64
/** A connection is given up after this long even when it is busy, so that a host that has moved is found. */
export const CONNECTION_AGE_MS_MAX = 60_000

/** The longest wait that a Retry-After header can ask for: the longest of the default schedule. */
export const RETRY_AFTER_MS_MAX = 10 * 3_600_000
