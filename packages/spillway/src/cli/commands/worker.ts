// `spillway worker`: works on commands and cleans up, takes none. One per core or host beside the processes that do.

import { command } from '../command.js'
import { loadConfig } from '../load-config.js'
import { portNumber } from '../numbers.js'
import { logLevel, logLevelArg } from '../serve/log-level.js'
import { runServer } from '../serve/run-server.js'
import { globalArgs } from '../shared-args.js'

export const worker = command({
  args: {
    'metrics-port': {
      type: 'string',
      valueHint: 'port',
      description: 'Serve /metrics, /livez and /readyz on this port',
    },
    ...logLevelArg,
    ...globalArgs,
  },
  serves: true,
  examples: [
    ['', 'worker and maintenance'],
    ['--metrics-port 9464', 'with metrics for Prometheus'],
  ],
  notes: ['SIGTERM ends it gracefully with exit code 0: running handlers finish, the rest is given back.'],
  async run(invocation) {
    const { values } = invocation
    const level = logLevel(invocation, values['log-level'])
    const metricsPort = values['metrics-port']
    const loaded = await loadConfig(invocation, values.config)
    await runServer(invocation, loaded, {
      roles: ['worker', 'maintenance'],
      migrate: false,
      logs: { level, form: 'json' },
      ...(metricsPort === undefined ? {} : { metricsPort: portNumber('--metrics-port', metricsPort) }),
      onReady: ({ telemetry }, url) => {
        telemetry.record({
          event: 'lifecycle',
          what: 'started',
          details: { roles: 'worker,maintenance', config: loaded.path, ...(url === null ? {} : { url }) },
        })
      },
    })
  },
})
