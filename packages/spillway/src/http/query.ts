// Query parameters: declared once as a schema, checked before anything is done. A parameter that is not known is refused, since
// a misspelt filter that is ignored answers a question nobody asked.

import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { SubmitOptions } from '../app/api.js'
import {
  COMMAND_STATES,
  type CommandState,
  PAGE_ROWS_MAX,
  PRIORITY_ABS_MAX,
  parseCommandId,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'

const PAGE_ROWS_DEFAULT = 50

const flag = (description: string) => z.enum(['true', 'false', '']).optional().describe(description)
const digits = (description: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .optional()
    .describe(description)
const TIME = /^(?:\d{1,16}|\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))$/
const DURATION = /^\d{1,16}(?:\.\d{1,3})?(?:ms|s|m|h|d)?$/

export const SubmitQuery = z.strictObject({
  priority: z
    .string()
    .regex(/^-?\d{1,9}$/, 'must be a whole number')
    .optional()
    .describe(`Higher runs first; from -${PRIORITY_ABS_MAX} to ${PRIORITY_ABS_MAX}.`),
  runAt: z
    .string()
    .regex(TIME, 'must be an RFC 3339 time or ms since the epoch')
    .optional()
    .describe('Not before this time: RFC 3339, or ms since the epoch.'),
  delay: z
    .string()
    .regex(DURATION, "must be milliseconds or a text like '500ms', '20s', '5m', '2h', '1d'")
    .optional()
    .describe(
      "Not before this long from now: milliseconds, or a text like '500ms', '20s', '5m', '2h', '1d'.",
    ),
})

export const BulkQuery = z.strictObject({
  atomic: flag('All commands are stored or none. All of one type; not for streams.'),
  items: z
    .enum(['failed', 'all'])
    .optional()
    .describe('Of a stream: which lines the answer names. `all` streams one verdict per line.'),
})

export const CommandQuery = z.strictObject({
  wait: digits('Answer when the command is terminal, or after this many seconds.'),
  payload: flag('Add the payload.'),
})

const state = z.enum(COMMAND_STATES as readonly [CommandState, ...CommandState[]]).optional()
const limit = digits(`Items of one page, 1 to ${PAGE_ROWS_MAX}; default ${PAGE_ROWS_DEFAULT}.`)
const cursor = (isOne: (text: string) => boolean) =>
  z
    .string()
    .refine(isOne, 'must be a nextCursor of an earlier answer')
    .optional()
    .describe('`nextCursor` of the page before.')
const commandCursor = cursor((text) => parseCommandId(text) !== null)

export const ListQuery = z.strictObject({
  state,
  type: z.string().optional(),
  queue: z.string().optional(),
  fingerprint: z.string().optional().describe('Of an error group; only with a state.'),
  cursor: commandCursor,
  limit,
})

export const DeadLetterQuery = ListQuery.omit({ state: true })

export const ErrorGroupQuery = ListQuery.pick({ type: true, queue: true, limit: true })

export const CallbackQuery = z.strictObject({ state, cursor: commandCursor, limit })

/** Rows of the audit are numbered. */
const AUDIT_ID_MAX = 2n ** 63n - 1n

export const AuditQuery = z.strictObject({
  cursor: cursor((text) => /^\d{1,19}$/.test(text) && BigInt(text) <= AUDIT_ID_MAX),
  limit,
})

export const VerboseQuery = z.strictObject({ verbose: flag('Name every check.') })

/** The request's query as the schema types it. Throws `invalid_argument` that names the parameter. */
export function readQuery<Schema extends z.ZodType>(
  schema: Schema,
  request: FastifyRequest,
): z.infer<Schema> {
  const parsed = schema.safeParse(request.query)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const name = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path[0]
  const problem = issue?.code === 'unrecognized_keys' ? 'is not a parameter of this path' : issue?.message
  throw new SpillwayError(
    'invalid_argument',
    `Query parameter ${String(name)}: ${problem ?? 'is not usable'}.`,
    { details: { parameter: String(name) } },
  )
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> }

/** The members that are there: an absent one and one that is undefined are not the same to what follows. */
export function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>
}

interface PageQuery {
  readonly cursor?: string | undefined
  readonly limit?: string | undefined
}

/** A page as the running Spillway is asked for it; whatever else the query has is its filter. */
export function pageRequest<Query extends PageQuery>(
  query: Query,
): Given<Omit<Query, 'cursor' | 'limit'>> & { after?: string; limit: number } {
  const { cursor: after, limit: rows, ...filter } = query
  return { ...given(filter), ...(after === undefined ? {} : { after }), limit: pageLimit(rows) }
}

export const isSet = (value: 'true' | 'false' | '' | undefined): boolean => value === 'true' || value === ''

export function pageLimit(text: string | undefined): number {
  const rows = text === undefined ? PAGE_ROWS_DEFAULT : Number(text)
  if (rows >= 1 && rows <= PAGE_ROWS_MAX) return rows
  throw new SpillwayError('invalid_argument', `Query parameter limit: must be from 1 to ${PAGE_ROWS_MAX}.`, {
    details: { parameter: 'limit' },
  })
}

/** What the query of a submit says; ranges are checked by the intake. */
export function submitOptions(query: z.infer<typeof SubmitQuery>): SubmitOptions {
  const options: SubmitOptions = {}
  if (query.priority !== undefined) options.priority = Number(query.priority)
  if (query.runAt !== undefined) options.runAt = timeMs(query.runAt)
  if (query.delay !== undefined)
    options.delay = (/^[\d.]+$/.test(query.delay) ? Number(query.delay) : query.delay) as NonNullable<
      SubmitOptions['delay']
    >
  return options
}

/** ms since the epoch; NaN when it is not a time. */
export function timeMs(text: string): number {
  if (!TIME.test(text)) return Number.NaN
  return /^\d+$/.test(text) ? Number(text) : Date.parse(text)
}
