// What runs inside a worker thread: it loads the user's module and calls the function for the command. Payloads, values and
// faults cross the border as JSON and plain data: cloning is no cheaper, and a cloned error loses its code and fault.

export interface ThreadTask {
  /** File URL of the user's module. */
  readonly module: string
  readonly id: string
  readonly type: string
  readonly attempt: number
  /** JSON text of the payload. */
  readonly json: string
}

export interface ThreadFault {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly code: unknown
  readonly fault: unknown
}

/** JSON text of what the function returned, undefined when it returned nothing; or what it threw. */
export type ThreadAnswer = { readonly json: string | undefined } | { readonly thrown: ThreadFault }

type ThreadFunction = (
  payload: unknown,
  context: { readonly id: string; readonly attempt: number; readonly type: string },
) => unknown

export default async function runTask({
  module,
  id,
  type,
  attempt,
  json,
}: ThreadTask): Promise<ThreadAnswer> {
  try {
    const run = await functionFor(module, type)
    const value = await run(JSON.parse(json), { id, attempt, type })
    return { json: JSON.stringify(value) }
  } catch (error) {
    return { thrown: faultOf(error) }
  }
}

async function functionFor(module: string, type: string): Promise<ThreadFunction> {
  const exported = await load(module).catch((cause: unknown) => {
    throw permanent(
      `The threads module ${module} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
    )
  })
  const run = exported[type] ?? exported.default
  if (typeof run !== 'function')
    throw permanent(`The threads module ${module} must export a function named '${type}' or as default.`)
  return run as ThreadFunction
}

async function load(module: string): Promise<Record<string, unknown>> {
  try {
    return await import(module)
  } catch (error) {
    if (!isUnknownExtension(error)) throw error
    // A module in TypeScript, on a Node that does not strip types by itself.
    const { createJiti } = await import('jiti')
    return await createJiti(module).import(module)
  }
}

function isUnknownExtension(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION'
}

/** No retry can help. */
function permanent(message: string): Error {
  return Object.assign(new Error(message), { code: 'invalid_config', fault: 'permanent' })
}

function faultOf(error: unknown): ThreadFault {
  if (!(error instanceof Error))
    return { name: 'Error', message: String(error), stack: undefined, code: undefined, fault: undefined }
  const { name, message, stack, code, fault } = error as Error & { code?: unknown; fault?: unknown }
  return { name, message, stack, code: plain(code), fault: plain(fault) }
}

function plain(value: unknown): unknown {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
