// `spillway dev`: everything in one process, its journals' agent included, migrated by itself, with a request to try at once.

import { relative } from 'node:path'
import { ROLES, type Spillway } from '../../app/api.js'
import { command, type Session } from '../command.js'
import { type LoadedConfig, loadConfig } from '../load-config.js'
import { jsonLine } from '../printable.js'
import { logLevel, logLevelArg } from '../serve/log-level.js'
import { runServer } from '../serve/run-server.js'
import { sampleCurl } from '../serve/sample-curl.js'
import { globalArgs } from '../shared-args.js'

export const dev = command({
  args: {
    host: { type: 'string', valueHint: 'host', description: 'Listen here; default 127.0.0.1' },
    port: { type: 'string', valueHint: 'port', description: 'Listen on this port, 0 for any; default 7077' },
    ...logLevelArg,
    ...globalArgs,
  },
  serves: true,
  examples: [
    ['', 'API, worker and maintenance on one port'],
    ['--port 0', 'on any free port'],
  ],
  notes: [
    'Brings the schema up to date by itself. For production use start.',
    'Ships its journals itself, unless a spillway agent does.',
  ],
  async run(invocation) {
    const { values } = invocation
    const level = logLevel(invocation, values['log-level'])
    const loaded = await loadConfig(invocation, values.config, values)
    await runServer(invocation, loaded, {
      roles: ROLES,
      migrate: true,
      shipsSpools: true,
      logs: { level, form: 'human' },
      onReady: (spillway, url) =>
        welcome(invocation, loaded, spillway, { url: url as string, json: values.json === true }),
    })
  },
})

async function welcome(
  { terminal, cwd }: Session,
  { path }: LoadedConfig,
  { config }: Spillway,
  { url, json }: { readonly url: string; readonly json: boolean },
): Promise<void> {
  const { out } = terminal
  const curl = await sampleCurl(config, url)
  if (json) {
    out.line(jsonLine({ url, openapi: `${url}/openapi.json`, metrics: `${url}/metrics`, curl }))
    return
  }
  out.line(`${out.paint('bold', 'Spillway')} runs ${relative(cwd, path)} on store ${config.store.name}\n`)
  out.line(`  API      ${out.paint('cyan', url)}`)
  out.line(`  OpenAPI  ${url}/openapi.json`)
  out.line(`  Metrics  ${url}/metrics`)
  if (curl === null) out.line('\nNo command is defined yet: add one with defineCommand({ ... }).')
  else out.line(`\nTry it:\n\n  ${curl}`)
  out.line('\nCtrl-C stops it.')
}
