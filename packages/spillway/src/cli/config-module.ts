// Running the configuration, which is code. Node runs TypeScript itself from 22.18 on, if it is written so that types can just
// be erased and imports name files as they are; everything else goes through jiti, which also resolves './x.js' to './x.ts'.

import { dirname, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { SpillwayConfig } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import { isCodedError } from './failure.js'

/** Before anything was run, Node says that it cannot: there jiti may. */
const NOT_FOR_NODE: ReadonlySet<string> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_UNSUPPORTED_DIR_IMPORT',
])

/** What `defineConfig` made. Every mistake is an `invalid_config` that names the file. */
export async function importConfig(path: string): Promise<SpillwayConfig> {
  const exports = await importModule(path).catch((error: unknown) => {
    throw notUsable(path, error)
  })
  const config = (exports as { default?: unknown }).default
  if (typeof config === 'object' && config !== null) return config as SpillwayConfig
  throw new SpillwayError(
    'invalid_config',
    `${path} exports no configuration: expected export default defineConfig({ ... }), received ${
      config === undefined ? 'no default export' : typeof config
    }.`,
    { details: { file: path, path: 'default' } },
  )
}

async function importModule(path: string): Promise<unknown> {
  const url = pathToFileURL(path).href
  if (!extname(path).endsWith('ts')) return await import(url)
  if (stripsTypes()) {
    try {
      return await import(url)
    } catch (error) {
      if (!NOT_FOR_NODE.has(String((error as NodeJS.ErrnoException).code))) throw error
    }
  }
  return await importWithJiti(path)
}

function stripsTypes(): boolean {
  const { features } = process as { features: { typescript?: unknown } }
  return features.typescript === 'strip' || features.typescript === 'transform'
}

async function importWithJiti(path: string): Promise<unknown> {
  const { createJiti } = await import('jiti')
  // Packages are imported by Node, so that the configuration's `spillway` is the one that runs it.
  const jiti = createJiti(pathToFileURL(`${dirname(path)}/`).href, {
    interopDefault: false,
    // The cache would be a folder that everybody on the machine can write code into.
    fsCache: false,
    nativeModules: ['spillway'],
  })
  return await jiti.import(path)
}

/** A mistake found by `defineConfig` keeps its path, expected and received; anything else is shown as it was thrown. */
export function notUsable(path: string, error: unknown): SpillwayError {
  if (isCodedError(error)) {
    // What an application does wrong in a call is here a mistake of its configuration.
    const isArgument = error.code === 'invalid_argument'
    return new SpillwayError(
      isArgument ? 'invalid_config' : error.code,
      isArgument ? `${path}: ${error.message}` : error.message,
      { details: { ...error.details, file: path }, cause: error },
    )
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return new SpillwayError('invalid_config', `${path} failed to load. ${message}${adviceFor(message)}`, {
    details: { file: path },
    cause: error,
  })
}

/** A package by its name: no path, and of a subpath only the package. */
const MISSING_PACKAGE = /Cannot find (?:module|package) ['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^'"]*)?['"]/

function adviceFor(message: string): string {
  const name = MISSING_PACKAGE.exec(message)?.[1]
  return name === undefined ? '' : ` Install it there: npm install ${name}`
}
