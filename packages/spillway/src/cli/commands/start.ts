// `spillway start`: for production. It logs JSON lines and never changes the schema.

import { ROLES, type Role } from '../../app/api.js'
import { command } from '../command.js'
import { loadConfig } from '../load-config.js'
import { logLevel, logLevelArg } from '../serve/log-level.js'
import { runServer } from '../serve/run-server.js'
import { globalArgs } from '../shared-args.js'
import { usageError } from '../usage-error.js'

export const start = command({
  args: {
    roles: { type: 'string', valueHint: 'roles', description: `Some of ${ROLES.join(',')}; default: all` },
    host: { type: 'string', valueHint: 'host', description: 'Listen here; default 127.0.0.1' },
    port: { type: 'string', valueHint: 'port', description: 'Listen on this port, 0 for any; default 7077' },
    agent: { type: 'boolean', description: 'Ship its journals here too, unless a spillway agent does' },
    ...logLevelArg,
    ...globalArgs,
  },
  serves: true,
  examples: [
    ['', 'everything in one process'],
    ['--agent', 'with what its journals hold, which otherwise waits for a spillway agent'],
    ['--roles intake', 'an API that leaves the work to others'],
    ['--host 0.0.0.0', 'for other machines; needs a token in SPILLWAY_HTTP_TOKEN'],
  ],
  notes: [
    'HTTP is served with the role intake. The schema must be up to date: run spillway migrate before.',
    'What goes to a journal waits for an agent: run spillway agent beside it, or give --agent to one process of the host.',
    'SIGTERM ends it gracefully with exit code 0.',
  ],
  async run(invocation) {
    const { values } = invocation
    const level = logLevel(invocation, values['log-level'])
    const roles = rolesOf(values.roles)
    if (values.agent === true && !roles.includes('worker'))
      throw usageError('--agent executes what it ships, so it needs the role worker. Run: spillway agent')
    const loaded = await loadConfig(invocation, values.config, values)
    await runServer(invocation, loaded, {
      roles,
      migrate: false,
      shipsSpools: values.agent === true,
      logs: { level, form: 'json' },
      onReady: ({ telemetry }, url) => {
        telemetry.record({
          event: 'lifecycle',
          what: 'started',
          details: { roles: roles.join(','), config: loaded.path, ...(url === null ? {} : { url }) },
        })
      },
    })
  },
})

function rolesOf(text: string | undefined): readonly Role[] {
  if (text === undefined) return ROLES
  return text.split(',').map((name) => {
    const role = ROLES.find((known) => known === name.trim())
    if (role !== undefined) return role
    throw usageError(`--roles takes some of ${ROLES.join(',')}; received '${name}'.`)
  })
}
