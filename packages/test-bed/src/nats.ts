// NATS with JetStream. It listens on nothing but a port, so whoever answers there has to know the name that this server was given. It takes
// connections a moment before JetStream is there, and is ready when that answers.

import { chownSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program } from './binaries.js'
import { type Certificate, writeCertificate } from './certificate.js'
import { firstAnswer } from './first-answer.js'
import { PrivateServer } from './private-server.js'
import { randomName } from './random-name.js'
import { makeScratchFolder, type RunAs, runAs } from './run-as.js'

export interface StartNatsOptions {
  /** Lines of its configuration file, as text: `max_payload: 64KB`. */
  readonly settings?: readonly string[]
  /** Connections may be encrypted then; who does that has to show the same certificate. */
  readonly certificate?: Certificate
  /** Default: a free one. */
  readonly port?: number
}

export function startNats(options: StartNatsOptions = {}): Promise<PrivateServer> {
  const user = runAs(['nats', 'postgres'])
  const folder = makeScratchFolder('nats', user)
  const name = randomName('nats')
  const file = writeConfiguration(folder, user, [
    `server_name: ${name}`,
    'host: 127.0.0.1',
    `jetstream { store_dir: "${join(folder, 'jetstream')}" }`,
    ...(options.certificate === undefined ? [] : tlsLines(folder, user, options.certificate)),
    ...(options.settings ?? []),
  ])
  return PrivateServer.start({
    ...{ name: 'nats', user, folder, port: options.port, stopSignal: 'SIGTERM' },
    command: (port) => [program('nats', 'nats-server'), '--config', file, '--port', String(port)],
    url: (port) => `nats://127.0.0.1:${port}`,
    async connects(port) {
      const said = await firstAnswer({ port, host: '127.0.0.1' }, QUESTION, (text) => ANSWER.test(text))
      if (!said.includes(`"${name}"`)) throw new Error('somebody else answers')
      if (NOBODY.test(said)) throw new Error('JetStream is not there yet')
    },
  })
}

function tlsLines(folder: string, user: RunAs | null, certificate: Certificate): readonly string[] {
  const { certFile, keyFile } = writeCertificate(folder, user, certificate)
  // So that this test bed can ask it without.
  const files = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${certFile}"`
  return [`tls { ${files}, verify: true }`, 'allow_non_tls: true']
}

const QUESTION = [
  'CONNECT {"verbose":false,"headers":true,"no_responders":true}',
  'SUB answer 1',
  'PUB $JS.API.INFO answer 0',
  '\r\n',
].join('\r\n')
/** JetStream's answer, or that there is nobody to ask, or that this server lets nobody ask who does not say who he is. */
const ANSWER = /\r\n(MSG answer .*\r\n\{.*\}|HMSG answer [\s\S]*\r\n|-ERR .*)\r\n/
const NOBODY = /\r\n(HMSG|MSG answer .*\r\n\{.*"error":)/

function writeConfiguration(folder: string, user: RunAs | null, lines: readonly string[]): string {
  const file = join(folder, 'nats.conf')
  writeFileSync(file, `${lines.join('\n')}\n`)
  if (user !== null) chownSync(file, user.uid, user.gid)
  return file
}
