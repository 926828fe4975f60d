// Which Spillway a command means: --url, else --config, else SPILLWAY_URL, else the nearest configuration.

import { cliActor } from '../actor.js'
import type { Session } from '../command.js'
import { Interrupted } from '../interruption.js'
import { usageError } from '../usage-error.js'
import type { Target } from './target.js'

export interface TargetFlags {
  readonly url?: string | undefined
  readonly token?: string | undefined
  readonly config?: string | undefined
}

/** Runs `work` with the target and closes it. */
export async function withTarget<T>(
  session: Session,
  flags: TargetFlags,
  work: (target: Target) => Promise<T>,
): Promise<T> {
  const target = await openTarget(session, flags)
  try {
    return await work(target)
  } finally {
    await target.close()
  }
}

async function openTarget(session: Session, flags: TargetFlags): Promise<Target> {
  if (flags.url !== undefined && flags.config !== undefined) {
    throw usageError('Give either --url or --config: they name two different Spillways.')
  }
  const url = flags.url ?? (flags.config === undefined ? session.environment.url : undefined)
  if (url !== undefined) return await openHttp(session, url, flags)
  if (flags.token !== undefined) throw usageError('--token goes with --url: a store needs none.')
  return await openStore(session, flags)
}

async function openHttp(
  { interruption, environment }: Session,
  url: string,
  flags: TargetFlags,
): Promise<Target> {
  const [{ HttpTarget }, { HttpClient }] = await Promise.all([
    import('./http-target.js'),
    import('./http-client.js'),
  ])
  const base = baseAddress(url)
  const token = flags.token ?? environment.token ?? null
  const client = new HttpClient({ base, token, actor: cliActor() }, interruption.signal)
  return new HttpTarget(base, client, interruption.signal)
}

async function openStore(session: Session, flags: TargetFlags): Promise<Target> {
  const [{ loadConfig }, { createSpillway }, { storeTarget }, { toolFaults }] = await Promise.all([
    import('../load-config.js'),
    import('../../app/create-spillway.js'),
    import('./store-target.js'),
    import('./tool-faults.js'),
  ])
  const { path, config, resolved } = await loadConfig(session, flags.config)
  if (session.interruption.signal.aborted) throw new Interrupted()
  const telemetry = [...(config.telemetry ?? []), toolFaults(session.terminal.messages)]
  const spillway = await createSpillway(
    { ...config, telemetry },
    { roles: ['intake'], logs: 'silent', metrics: false, register: false },
  )
  return storeTarget(spillway, path, {
    ...{ signal: session.interruption.signal, actor: cliActor() },
    spools: async () => (await import('./spool-records.js')).spoolRecords(resolved.queues.values()),
  })
}

function baseAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw usageError('--url takes an address such as http://localhost:7077. What was given is not one.')
  }
  // It would end up in messages, shell histories and logs.
  if (url.username !== '' || url.password !== '') {
    throw usageError('--url must not contain a user or password; put the token into SPILLWAY_TOKEN.')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
