// The schema of payloads that only Spillway itself writes: they are taken as they are if they have the right form.

import type { StandardSchemaV1 } from '@standard-schema/spec'

export function storedPayload<Payload>(
  isPayload: (value: unknown) => value is Payload,
): StandardSchemaV1<Payload, Payload> {
  return {
    '~standard': {
      version: 1,
      vendor: 'spillway',
      validate: (value) =>
        isPayload(value) ? { value } : { issues: [{ message: 'this is not what Spillway writes' }] },
    },
  }
}
