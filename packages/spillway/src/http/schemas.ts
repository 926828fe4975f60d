// The bodies of the interface as schemas: what the OpenAPI document shows, and what the tests hold the real answers against.

import { z } from 'zod'
import { DURABILITIES } from '../domain/index.js'
import { Command, CommandPage, count, ErrorRecord, time, timeOrNull } from './command-schemas.js'
import {
  AuditPage,
  AuditRecord,
  Callback,
  CallbackPage,
  EnabledEndpoint,
  ErrorGroup,
  ErrorGroups,
  GoneEndpoints,
  Operation,
  OperationMatches,
} from './operator-schemas.js'

const Problem = z
  .strictObject({
    type: z.string().describe('urn:spillway:problem:<code>'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable, for programs.'),
    detail: z.string().describe('For people.'),
    retryable: z.boolean().describe('Whether the same request may succeed later without a change.'),
    retryAfter: z.int().min(1).optional().describe('When, in seconds from now: as the header Retry-After.'),
    errors: z
      .array(
        z.strictObject({
          detail: z.string(),
          pointer: z.string().describe('JSON pointer as a URI fragment'),
        }),
      )
      .optional()
      .describe('Faults of a payload.'),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .describe('RFC 9457 problem details')

const Receipt = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    queue: z.string(),
    status: z.enum(['accepted', 'duplicate']),
    duplicate: z.boolean(),
    acceptedAt: time,
    durability: z.enum(DURABILITIES).describe('Where the command is safe now.'),
    links: z.strictObject({ self: z.string() }),
  })
  .describe('Speaks of the receiving, never of the execution.')

const BulkItem = z.strictObject({
  type: z.string(),
  payload: z.unknown(),
  key: z.string().optional().describe('Idempotency key.'),
  priority: z.int().optional(),
  runAt: z.union([z.string(), z.number()]).optional(),
  delay: z.union([z.string(), z.number()]).optional(),
})

const BulkVerdict = z.strictObject({
  index: count.describe('Place of the command in the request, from 0.'),
  line: z.int().min(1).optional().describe('Of a stream: the line, from 1.'),
  status: z.enum(['accepted', 'duplicate', 'rejected']),
  id: z.string().optional(),
  error: Problem.optional(),
})

const totals = { errors: z.boolean(), accepted: count, duplicates: count, rejected: count }

const BulkResult = z.strictObject({ ...totals, items: z.array(BulkVerdict) })

const StreamResult = z.strictObject({
  ...totals,
  lines: count.describe('Lines read.'),
  items: z.array(BulkVerdict).describe('The first lines that were refused.'),
})

const StreamEnd = z
  .strictObject({
    ...totals,
    lines: count.describe('Lines read.'),
    done: z.literal(true),
    stopped: Problem.optional().describe('Why the rest of the stream was not read.'),
  })
  .describe('The last line of a streamed answer.')

const Acknowledged = z.strictObject({
  id: z.string(),
  state: z.string(),
  links: z.strictObject({ self: z.string() }),
})

const settings = {
  paused: z.boolean(),
  pauseReason: z.string().nullable(),
  leasesMax: z.int().min(1).nullable().describe('Chunks that run at once, over all processes.'),
}

const messages = count.nullable().describe('Messages; null when the broker does not say.')

const Queue = z.strictObject({
  queue: z.string(),
  channel: z.string(),
  concurrency: count,
  broker: z
    .strictObject({ name: z.string(), waiting: messages, delivered: messages, refused: messages })
    .nullable()
    .describe('What waits on the broker that the commands come by.'),
  ...settings,
  ready: count,
  running: count,
  scheduled: count,
  retrying: count,
  reconciling: count,
  pending: count,
  blocked: count,
  compensating: count,
  failed: count,
  dead: count,
  cancelled: count,
  compensated: count,
  readyBytes: count.describe('Bytes of what is ready.'),
  oldestReadyAt: timeOrNull,
})

const Queues = z.strictObject({ items: z.array(Queue) })

const QueueSettings = z.strictObject({ queue: z.string(), ...settings })

const Node = z.strictObject({
  id: z.string(),
  host: z.string(),
  pid: count,
  version: z.string(),
  roles: z.array(z.enum(['intake', 'worker', 'maintenance', 'agent'])),
  startedAt: time,
  seenAt: time.describe('Its last heartbeat.'),
  alive: z.boolean(),
  holds: z.array(z.string()).describe('Roles that only one node may have.'),
})

const Nodes = z.strictObject({ items: z.array(Node) })

const Liveness = z.strictObject({ status: z.literal('live') })

const Readiness = z.strictObject({
  status: z.enum(['ready', 'not_ready']),
  checks: z
    .array(z.strictObject({ name: z.string(), ok: z.boolean(), detail: z.string().optional() }))
    .optional(),
})

/** By the name under which the document has them. */
export const SCHEMAS = {
  Acknowledged,
  AuditPage,
  AuditRecord,
  BulkItem,
  BulkResult,
  BulkVerdict,
  Callback,
  CallbackPage,
  Command,
  CommandPage,
  EnabledEndpoint,
  ErrorGroup,
  ErrorGroups,
  ErrorRecord,
  GoneEndpoints,
  Liveness,
  Node,
  Nodes,
  Operation,
  OperationMatches,
  Problem,
  Queue,
  QueueSettings,
  Queues,
  Readiness,
  Receipt,
  StreamEnd,
  StreamResult,
} as const satisfies Record<string, z.ZodType>
