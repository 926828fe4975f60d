// RabbitMQ for tests: one node that no other finds. Erlang's port mapper would be one more process, for all users of the machine and
// never stopped; the node has a fixed port for its own kind instead.

import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './binaries.js'
import { firstAnswer } from './first-answer.js'
import { initialise } from './initialise.js'
import { freeLoopbackPort } from './loopback-port.js'
import { launch, PrivateServer, type ServerSpec } from './private-server.js'
import { randomName } from './random-name.js'
import { makeScratchFolder, type RunAs, runAs } from './run-as.js'

const USER = 'spillway'
const PASSWORD = 'test-bed-secret'
const PROTOCOL_HEADER = 'AMQP\0\0\x09\x01'

export interface StartRabbitMqOptions {
  /** Lines of rabbitmq.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
}

interface Node {
  readonly name: string
  /** Where other Erlang nodes reach it. */
  readonly port: number
  readonly cookie: string
  readonly user: RunAs | null
  readonly folder: string
}

export class RabbitMqServer extends PrivateServer {
  readonly #node: Node

  static async startNode(spec: ServerSpec, node: Node): Promise<RabbitMqServer> {
    const [port, process] = await launch(spec)
    return new RabbitMqServer(spec, port, process, node)
  }

  private constructor(spec: ServerSpec, port: number, process: Started, node: Node) {
    super(spec, port, process)
    this.#node = node
  }

  /** As when its memory is full: it stops reading from every connection that publishes, and tells them. */
  block(): Promise<void> {
    return this.#setMemoryLimit('{absolute, 1}')
  }

  unblock(): Promise<void> {
    return this.#setMemoryLimit('0.9')
  }

  async #setMemoryLimit(limit: string): Promise<void> {
    const { name, port, cookie, user, folder } = this.#node
    const ask = `ok = rpc:call('${name}', vm_memory_monitor, set_vm_memory_high_watermark, [${limit}]), halt().`
    await initialise(
      '/usr/bin/env',
      [
        ...[`HOME=${folder}`, program('rabbitmq', 'erl')],
        ...['-noinput', '-hidden', '-sname', `asking-${process.pid}@localhost`, '-setcookie', cookie],
        ...['-start_epmd', 'false', '-erl_epmd_port', String(port), '-dist_listen', 'false', '-eval', ask],
      ],
      user,
    )
  }
}

type Started = Awaited<ReturnType<typeof launch>>[1]

export async function startRabbitMq(options: StartRabbitMqOptions = {}): Promise<RabbitMqServer> {
  const user = runAs(['rabbitmq'])
  const folder = makeScratchFolder('rabbitmq', user)
  const id = randomName('rabbitmq')
  const node: Node = {
    ...{ user, folder, port: await freeLoopbackPort(), cookie: randomName('cookie') },
    name: `${id}@localhost`,
  }
  const configPath = join(folder, 'rabbitmq.conf')
  return RabbitMqServer.startNode(
    {
      ...{ name: 'rabbitmq', user, folder, port: options.port, stopSignal: 'SIGTERM' },
      command(port) {
        writeFileSync(configPath, configuration(port, options.settings ?? {}))
        if (user !== null) chownSync(configPath, user.uid, user.gid)
        return ['/usr/bin/env', ...environment(node, configPath), program('rabbitmq', 'rabbitmq-server')]
      },
      url: (port) => `amqp://${USER}:${PASSWORD}@127.0.0.1:${port}`,
      async connects(port) {
        const greeting = await firstAnswer({ port, host: '127.0.0.1' }, PROTOCOL_HEADER)
        if (!greeting.includes(id)) throw new Error('somebody else answers')
      },
    },
    node,
  )
}

function configuration(port: number, settings: Readonly<Record<string, string>>): string {
  const all = {
    'listeners.tcp.1': `127.0.0.1:${port}`,
    default_user: USER,
    default_pass: PASSWORD,
    'log.console': 'true',
    'log.console.level': 'warning',
    'log.file': 'false',
    // The machine is shared with everything else that is tested.
    'vm_memory_high_watermark.relative': '0.9',
    'disk_free_limit.absolute': '10MB',
    ...settings,
  }
  return Object.entries(all)
    .map(([name, value]) => `${name} = ${value}\n`)
    .join('')
}

function environment(node: Node, configPath: string): readonly string[] {
  const { name, port, cookie, folder } = node
  const erlang = [
    ...['-noinput', '-sname', name, '-setcookie', cookie],
    ...['-erl_epmd_port', String(port)],
    ...['-kernel', 'inet_dist_use_interface', '{127,0,0,1}'],
  ]
  const variables = {
    HOME: folder,
    RABBITMQ_NODENAME: name,
    RABBITMQ_BASE: folder,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'rabbitmq.pid'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: configPath,
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    // The script becomes the node then, instead of waiting for it.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: erlang.join(' '),
    // Also for the little nodes that it starts every minute, so that they start the port mapper. They fail then, and leave no dump of it.
    ERL_FLAGS: '-start_epmd false',
    ERL_CRASH_DUMP_BYTES: '0',
  }
  return Object.entries(variables).map(([variable, value]) => `${variable}=${value}`)
}
