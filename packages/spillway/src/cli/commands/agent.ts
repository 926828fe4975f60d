// `spillway agent`: takes what journals hold to where it belongs. One per spool; processes that only accept need nothing else.

import { command } from '../command.js'
import { loadConfig } from '../load-config.js'
import { portNumber } from '../numbers.js'
import { logLevel, logLevelArg } from '../serve/log-level.js'
import { keepMemoryModest } from '../serve/modest-memory.js'
import { globalArgs } from '../shared-args.js'

export const agent = command({
  args: {
    spool: {
      type: 'string',
      valueHint: 'folder',
      description: 'Ship this spool instead of those of the configuration; may be repeated',
    },
    execute: {
      type: 'boolean',
      description: 'Execute here what goes to the store: agent and worker in one process',
    },
    wait: { type: 'boolean', description: 'Wait while another agent ships the spool, and take over' },
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
    ['', 'every spool of the configuration'],
    ['--execute', 'the shortest way from a local file to bulk writes'],
    ['--spool ./spool --metrics-port 9465', 'one folder, with metrics for Prometheus'],
  ],
  notes: [
    'Starts whatever is down, and goes on at its checkpoint. What nobody takes is kept in the spool: see spillway journal inspect.',
    'SIGTERM ends it gracefully with exit code 0: what is under way arrives, the rest waits in the spool.',
  ],
  async run(invocation) {
    const { values, cwd } = invocation
    const level = logLevel(invocation, values['log-level'])
    const port = values['metrics-port']
    const { resolve } = await import('node:path')
    const plan = {
      // Typed from where the command was started; the configuration's are relative to its file.
      spools: invocation.all('spool').map((folder) => resolve(cwd, folder)),
      wait: values.wait === true,
      logs: level,
      metricsPort: port === undefined ? null : portNumber('--metrics-port', port),
    }
    if (values.execute !== true) keepMemoryModest()
    const loaded = await loadConfig(invocation, values.config)
    if (values.execute === true) {
      const { runExecutingAgent } = await import('../serve/run-executing-agent.js')
      await runExecutingAgent(invocation, loaded, plan)
    } else {
      const { runAgent } = await import('../serve/run-agent.js')
      await runAgent(invocation, loaded, plan)
    }
  },
})
