// What a script learns from `$?`. One table, next to the error codes it translates: an error code without an exit code does
// not compile.

import type { ErrorCode } from '../errors/index.js'

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  config: 3,
  unreachable: 4,
  notFoundOrConflict: 5,
  commandFailed: 6,
  waitTimedOut: 7,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export const EXIT_OF_ERROR = {
  unknown_command: EXIT.notFoundOrConflict,
  invalid_payload: EXIT.usage,
  invalid_key: EXIT.usage,
  invalid_argument: EXIT.usage,
  invalid_config: EXIT.config,
  payload_too_large: EXIT.usage,
  idempotency_conflict: EXIT.notFoundOrConflict,
  not_found: EXIT.notFoundOrConflict,
  expired: EXIT.notFoundOrConflict,
  state_conflict: EXIT.notFoundOrConflict,
  token_unknown: EXIT.notFoundOrConflict,
  endpoint_gone: EXIT.notFoundOrConflict,
  sync_handler_required: EXIT.config,
  invalid_signature: EXIT.usage,
  quota_exceeded: EXIT.failed,
  queue_full: EXIT.failed,
  discarded: EXIT.failed,
  closed: EXIT.unreachable,
  store_unavailable: EXIT.unreachable,
  wait_timeout: EXIT.waitTimedOut,
  handler_timeout: EXIT.commandFailed,
  worker_crash: EXIT.commandFailed,
  lease_lost: EXIT.commandFailed,
  store_incompatible: EXIT.config,
  broker_incompatible: EXIT.config,
  invalid_envelope: EXIT.failed,
  journal_full: EXIT.unreachable,
  journal_failed: EXIT.unreachable,
  broker_unavailable: EXIT.unreachable,
  unsupported: EXIT.config,
  handler_result: EXIT.failed,
  internal: EXIT.failed,
} as const satisfies Record<ErrorCode, ExitCode>

/** As the help shows them. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.ok, 'ok'],
  [EXIT.failed, 'failed'],
  [EXIT.usage, 'wrong usage or input'],
  [EXIT.config, 'configuration or schema does not fit'],
  [EXIT.unreachable, 'server or store cannot be reached'],
  [EXIT.notFoundOrConflict, 'not found, or in a state that forbids it'],
  [EXIT.commandFailed, 'the command ended, but did not succeed'],
  [EXIT.waitTimedOut, 'the wait ended before the command did'],
  [EXIT.interrupted, 'interrupted'],
]
