// What went wrong, in Spillway's words. The client's errors name servers and subjects.

import { JetStreamApiError } from '@nats-io/jetstream'
import { failuresOf } from '../driver/index.js'

export const { unavailable, incompatible, closed, notOpened, tooLarge, asked } = failuresOf('nats', {
  smaller: 'raise max_payload of the server, or send less',
  authority: 'connection: { tls: { ca } }',
})

/** As the API of JetStream numbers it, or null. */
export function apiCode(error: unknown): number | null {
  return error instanceof JetStreamApiError ? error.code : null
}
