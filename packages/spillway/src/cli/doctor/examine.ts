// All checks in order. One that fails to run is a finding too, and the others still run.

import { isSpillwayError } from '../../errors/index.js'
import type { Store } from '../../ports/index.js'
import type { Session } from '../command.js'
import { isCodedError } from '../failure.js'
import { type LoadedConfig, loadConfig } from '../load-config.js'
import { checkCommands } from './check-commands.js'
import { checkFile, isSqlite } from './check-file.js'
import { checkNode, checkPackage } from './check-installation.js'
import { checkContents, checkSchema } from './check-store.js'
import { type Finding, failure, fine } from './finding.js'

export async function examine(session: Session, configFlag: string | undefined): Promise<Finding[]> {
  const findings = [checkNode()]
  let loaded: LoadedConfig
  try {
    loaded = await loadConfig(session, configFlag)
  } catch (error) {
    if (!isCodedError(error)) throw error
    findings.push(failure('configuration', error.message, 'Correct it, then run the doctor again.'))
    return findings
  }
  const { path, resolved } = loaded
  findings.push(fine('configuration', path), checkPackage(path), checkCommands(resolved))
  findings.push(...(await examineStore(resolved.store)))
  return findings
}

async function examineStore(store: Store): Promise<Finding[]> {
  const findings: Finding[] = []
  if (isSqlite(store)) findings.push(...(await attempt('sqlite', () => checkFile(store))))
  const [schema] = await attempt('schema', async () => [await checkSchema(store)])
  if (schema !== undefined) findings.push(schema)
  // Without its tables there is nothing to look into.
  if (schema?.level !== 'ok') return findings
  findings.push(
    ...(await attempt('store', async () => {
      await store.open()
      try {
        return await checkContents(store)
      } finally {
        await store.close()
      }
    })),
  )
  return findings
}

async function attempt(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    const advice = isSpillwayError(error, 'store_unavailable')
      ? 'See what holds the database, and whether the disk has room.'
      : 'See the message.'
    return [failure(name, detail, advice)]
  }
}
