// All checks in order. One that fails to run is a finding too, and those that do not need what it looked for still run.

import { ERROR_MESSAGE_MAX } from '../../domain/index.js'
import { type ExaminedStore, type Finding, failure, fine, type Store } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { safeText } from '../../telemetry/error-fields.js'
import type { Session } from '../command.js'
import { isCodedError } from '../failure.js'
import { type LoadedConfig, loadConfig } from '../load-config.js'
import { checkBrokers } from './check-brokers.js'
import { checkCommands } from './check-commands.js'
import { checkFile, isSqlite } from './check-file.js'
import { checkNode, checkPackage } from './check-installation.js'
import { checkJournals } from './check-journals.js'
import { checkContents, checkSchema } from './check-store.js'

export async function examine(session: Session, configFlag: string | undefined): Promise<Finding[]> {
  const findings = [checkNode()]
  let loaded: LoadedConfig
  try {
    loaded = await loadConfig(session, configFlag)
  } catch (error) {
    if (!isCodedError(error)) throw error
    findings.push(failure('configuration', shown(error), 'Correct it, then run the doctor again.'))
    return findings
  }
  const { path, resolved } = loaded
  findings.push(fine('configuration', path), checkPackage(path), checkCommands(resolved))
  findings.push(...(await examineStore(resolved.store)))
  const queues = [...resolved.queues.values()]
  findings.push(...(await attempt('journal', () => checkJournals(queues))))
  findings.push(...(await attempt('brokers', () => checkBrokers(queues))))
  return findings
}

async function examineStore(store: Store): Promise<Finding[]> {
  const findings: Finding[] = []
  const found = await attempt(store.name, async () => {
    if (isSqlite(store)) findings.push(...(await checkFile(store)))
    else if (isExamined(store)) findings.push(...(await store.examine(() => systemClock.now())))
    const schema = await checkSchema(store)
    // Without its tables there is nothing to look into.
    return schema.level === 'ok' ? [schema, ...(await attempt('store', () => openAndLook(store)))] : [schema]
  })
  return [...findings, ...found]
}

function isExamined(store: Store): store is ExaminedStore {
  return 'examine' in store && typeof store.examine === 'function'
}

async function openAndLook(store: Store): Promise<Finding[]> {
  await store.open()
  try {
    return await checkContents(store)
  } finally {
    await store.close()
  }
}

async function attempt(name: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check()
  } catch (error) {
    return [failure(name, shown(error), 'Correct that, then run the doctor again.')]
  }
}

/** A configuration may throw anything, connection strings included. */
function shown(error: unknown): string {
  return safeText(error instanceof Error ? error.message : String(error), ERROR_MESSAGE_MAX)
}
