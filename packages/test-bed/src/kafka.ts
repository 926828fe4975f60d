// Kafka for tests: one node that is its own controller. No package has it; its jars come from where scripts/services puts them.

import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './binaries.js'
import { firstAnswer } from './first-answer.js'
import { kafkaJars } from './kafka-jars.js'
import { freeLoopbackPort } from './loopback-port.js'
import { PrivateServer } from './private-server.js'
import { randomName } from './random-name.js'
import { makeScratchFolder, type RunAs, runAs } from './run-as.js'

const HOST = '127.0.0.1'
/** It starts in half the time without the compiler that makes long runs fast. */
const JAVA_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData']
const SETTINGS = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
  'auto.create.topics.enable': 'false',
  // One of each is enough for one node.
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'num.network.threads': '2',
  'num.io.threads': '4',
  'background.threads': '2',
  'log.cleaner.enable': 'false',
  // Members of a group come and go all the time here, and a node that was killed is wanted back at once.
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'broker.heartbeat.interval.ms': '200',
  'broker.session.timeout.ms': '1000',
}

export interface StartKafkaOptions {
  /** Lines of server.properties. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
}

export async function startKafka(options: StartKafkaOptions = {}): Promise<PrivateServer> {
  const java = program('kafka', 'java')
  const jars = kafkaJars()
  const user = runAs([])
  const folder = makeScratchFolder('kafka', user)
  const cluster = randomName('kafka')
  const controllerPort = await freeLoopbackPort()
  const data = join(folder, 'data')
  mkdirSync(data)
  give(data, user)
  write(join(data, 'meta.properties'), { version: '1', 'cluster.id': cluster, 'node.id': '1' }, user)
  const file = join(folder, 'server.properties')
  return PrivateServer.start({
    ...{ name: 'kafka', user, folder, port: options.port, stopSignal: 'SIGTERM' },
    command(port) {
      write(file, { ...SETTINGS, ...places(port, controllerPort, data), ...options.settings }, user)
      const folders = [`-Djava.io.tmpdir=${folder}`, '-cp', join(jars, '*')]
      return [java, ...JAVA_OPTIONS, ...folders, 'kafka.Kafka', file]
    },
    url: (port) => `kafka://${HOST}:${port}`,
    async connects(port) {
      const answer = await firstAnswer({ port, host: HOST }, METADATA_REQUEST)
      if (!answer.includes(cluster)) throw new Error('somebody else answers')
      if (!answer.includes(HOST)) throw new Error('the node is not part of its cluster yet')
    },
  })
}

function places(port: number, controllerPort: number, data: string): Record<string, string> {
  return {
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port}`,
    'controller.quorum.voters': `1@${HOST}:${controllerPort}`,
    'log.dirs': data,
  }
}

function write(file: string, properties: Readonly<Record<string, string>>, user: RunAs | null): void {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, lines.join(''))
  give(file, user)
}

function give(path: string, user: RunAs | null): void {
  if (user !== null) chownSync(path, user.uid, user.gid)
}

/** Size, then a request for metadata in its second version, from nobody, about no topic: the nodes that are ready, and the cluster's name. */
const METADATA_REQUEST = Buffer.from([0, 0, 0, 14, 0, 3, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]).toString(
  'latin1',
)
