// Every error Spillway raises on purpose. One table, so that HTTP statuses, CLI exit codes, docs and tests cannot drift.

/**
 * - `usage`: the caller can fix it (input, configuration, a wrong call)
 * - `unavailable`: a part that is needed does not answer or is full; trying again later may work
 * - `incompatible`: versions or capabilities do not fit; an operator must act
 * - `invariant`: something that must never happen did; please report it
 */
export type ErrorCategory = 'usage' | 'unavailable' | 'incompatible' | 'invariant'

export interface ErrorEntry {
  readonly category: ErrorCategory
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean
  readonly summary: string
}

export const ERROR_CODES = {
  unknown_command: {
    category: 'usage',
    retryable: false,
    summary: 'No command type of that name is defined.',
  },
  invalid_payload: {
    category: 'usage',
    retryable: false,
    summary: 'The payload does not match the input schema.',
  },
  invalid_key: {
    category: 'usage',
    retryable: false,
    summary: 'An idempotency or ordering key is too long or has control characters.',
  },
  invalid_argument: { category: 'usage', retryable: false, summary: 'An argument or option is not usable.' },
  invalid_config: { category: 'usage', retryable: false, summary: 'The configuration is not usable.' },
  payload_too_large: {
    category: 'usage',
    retryable: false,
    summary: 'The payload is larger than a command may be.',
  },
  idempotency_conflict: {
    category: 'usage',
    retryable: false,
    summary: 'The idempotency key was used before with another payload.',
  },
  invalid_envelope: {
    category: 'usage',
    retryable: false,
    summary: 'A message or a frame is not a chunk or a command that can be read.',
  },
  not_found: { category: 'usage', retryable: false, summary: 'There is no command or queue of that name.' },
  expired: {
    category: 'usage',
    retryable: false,
    summary: 'The command is older than the retention and was removed.',
  },
  state_conflict: {
    category: 'usage',
    retryable: false,
    summary: 'The command is not in a state that allows this.',
  },
  sync_handler_required: {
    category: 'usage',
    retryable: false,
    summary: 'Transaction settlement on this store needs a synchronous handler.',
  },
  token_unknown: {
    category: 'usage',
    retryable: false,
    summary: 'No command waits for this completion token: it was used, has expired or never was.',
  },
  endpoint_gone: {
    category: 'usage',
    retryable: false,
    summary: 'The endpoint answered 410 and gets no more callbacks until it is enabled again.',
  },
  invalid_signature: {
    category: 'usage',
    retryable: false,
    summary: 'The callback is not signed by a holder of the secret, or not recently.',
  },
  quota_exceeded: {
    category: 'unavailable',
    retryable: true,
    summary: 'This tenant has used up its share; others have not.',
  },
  queue_full: { category: 'unavailable', retryable: true, summary: 'The queue holds as much as it may.' },
  discarded: {
    category: 'unavailable',
    retryable: true,
    summary: 'The command was dropped from a full memory queue by its discardOldest policy.',
  },
  closed: {
    category: 'unavailable',
    retryable: true,
    summary: 'This Spillway is closing and takes nothing more.',
  },
  store_unavailable: {
    category: 'unavailable',
    retryable: true,
    summary: 'The store could not do it now: locked, full or failing.',
  },
  journal_full: {
    category: 'unavailable',
    retryable: true,
    summary: 'The journal holds as much as it may, or its disk is nearly full: the agent has to catch up.',
  },
  journal_failed: {
    category: 'unavailable',
    retryable: true,
    summary: 'The disk of the journal failed; what was not acknowledged is not there.',
  },
  broker_unavailable: {
    category: 'unavailable',
    retryable: true,
    summary: 'The broker could not be reached or did not confirm in time.',
  },
  wait_timeout: {
    category: 'unavailable',
    retryable: true,
    summary: 'The command did not finish in the time given.',
  },
  handler_timeout: {
    category: 'unavailable',
    retryable: true,
    summary: 'The handler did not finish within its timeout.',
  },
  worker_crash: {
    category: 'unavailable',
    retryable: false,
    summary: 'The worker died or stalled while running this command.',
  },
  lease_lost: {
    category: 'unavailable',
    retryable: true,
    summary: 'Somebody else has the command by now; what this execution still does is not recorded.',
  },
  store_incompatible: {
    category: 'incompatible',
    retryable: false,
    summary: 'The database or its schema version does not fit this Spillway.',
  },
  broker_incompatible: {
    category: 'incompatible',
    retryable: false,
    summary: 'The broker, or a queue that exists on it, does not fit this Spillway.',
  },
  unsupported: {
    category: 'incompatible',
    retryable: false,
    summary: 'The store or channel in use cannot do this.',
  },
  handler_result: {
    category: 'invariant',
    retryable: true,
    summary: 'A batch handler returned something else than one outcome per command.',
  },
  internal: { category: 'invariant', retryable: false, summary: 'A promise of Spillway did not hold.' },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof ERROR_CODES
