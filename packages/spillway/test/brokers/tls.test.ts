// Brokers over TLS: chunks arrive, and a server whose certificate is not accepted is said to be just that, at once, with what to do about
// it, while the tries to connect go on.

import { inspect } from 'node:util'
import { type Certificate, makeCertificate, requireServer, startNats } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { nats } from '../../src/brokers/nats/index.js'
import { checkBrokers } from '../../src/cli/doctor/check-brokers.js'
import { resolveConfig } from '../../src/config/index.js'
import { createSpillway, defineCommand } from '../../src/index.js'
import type { Broker, OutgoingMessage, PublishVerdict } from '../../src/ports/index.js'
import { memory } from '../../src/stores/memory/index.js'
import { Consumer } from '../../src/testing/broker-contract/consumer.js'
import { PASSWORD, TLS_KINDS, type TlsChoice, type TlsServer } from './tls-kinds.js'

/** Without any of the timeouts that the drivers are given. */
const SOON_MS = 25_000
const QUEUES = [{ name: 'main', partitions: null }]
const NOT_TRUSTED = { code: 'broker_unavailable', retryable: true, details: { reason: 'certificate' } }

let certificate: Certificate
let elsewhere: Certificate
beforeAll(async () => {
  ;[certificate, elsewhere] = await Promise.all([makeCertificate(), makeCertificate(['DNS:elsewhere.test'])])
})

describe.each(TLS_KINDS)('$name over TLS', ({ needs, option, start }) => {
  requireServer(describe, needs, { isPrivate: true })('on a real server', () => {
    let server: TlsServer
    beforeAll(async () => {
      server = await start(certificate)
    })
    afterAll(() => server.stop())

    function connect(choice: TlsChoice): Broker {
      const { broker } = server.channel(choice)
      onTestFinished(() => broker.close())
      return broker
    }

    it('carries chunks to where they are acknowledged, for who shows a certificate of its own', async () => {
      const broker = connect({ ca: certificate.cert })
      await broker.open(QUEUES)
      expect(await publish(broker)).toEqual({ status: 'confirmed' })
      const consumer = await Consumer.on(broker)
      const [delivery] = await consumer.received(1)
      expect(delivery?.body).toEqual(Buffer.from('a chunk'))
      delivery?.ack()
      await expect.poll(() => broker.state()).toMatchObject([{ queue: 'main', waiting: 0 }])
      // Servers behind one address are told apart by it.
      if (server.names !== null) expect(server.names).toContain('localhost')
    })

    it(
      'says at once whose certificate no authority has signed, and how to name one, and shows no password',
      async () => {
        const broker = connect({ ca: null })
        const error = await broker.open(QUEUES).catch((failure: unknown) => failure)
        expect(error).toMatchObject(NOT_TRUSTED)
        expect(String(error)).toContain('shows a certificate that no authority trusted here has signed')
        expect(String(error)).toContain(`Name its authority: ${option}.`)
        expect(inspect(error, { depth: Number.POSITIVE_INFINITY })).not.toContain(PASSWORD)
        await expect(broker.probe()).rejects.toMatchObject(NOT_TRUSTED)
      },
      SOON_MS,
    )

    it(
      'does not get in without a certificate of its own where the server asks for one',
      async () => {
        // The server's word on that may be lost: it closes the connection on what was sent to it meanwhile.
        const broker = connect({ ca: certificate.cert, isAnonymous: true })
        await expect(broker.open(QUEUES)).rejects.toMatchObject({
          code: 'broker_unavailable',
          retryable: true,
        })
        await expect(broker.probe()).rejects.toMatchObject({ code: 'broker_unavailable' })
      },
      SOON_MS,
    )

    it(
      'has that said to who submits, and to who asks for readiness or the doctor',
      async () => {
        const channel = server.channel({ ca: null })
        const config = { store: memory(), commands: [command], queues: { main: { channel } } }
        const spillway = await createSpillway(config, { roles: ['intake'], logs: 'silent' })
        onTestFinished(() => spillway.close())
        await expect(spillway.submit(command, {})).rejects.toMatchObject(NOT_TRUSTED)
        const detail = expect.stringContaining(`Name its authority: ${option}.`)
        const { ready, checks } = await spillway.health()
        expect({ ready, checks }).toMatchObject({
          ready: false,
          checks: expect.arrayContaining([{ name: expect.stringMatching(/^broker /), ok: false, detail }]),
        })
        const advice = expect.stringMatching(/^Correct that: /)
        const { queues } = resolveConfig({
          ...config,
          queues: { main: { channel: server.channel({ ca: null }) } },
        })
        expect(await checkBrokers(queues.values())).toMatchObject([{ level: 'fail', detail, advice }])
      },
      SOON_MS,
    )

    it(
      'says so when the certificate is of another host, and goes on once the server has its own',
      async () => {
        const trusted = connect({ ca: certificate.cert + elsewhere.cert })
        await trusted.open(QUEUES)
        await server.present(elsewhere)
        await expect
          .poll(() => trusted.probe().catch((error: unknown) => error))
          .toMatchObject({
            ...NOT_TRUSTED,
            message: expect.stringContaining('shows a certificate of another host'),
          })
        await server.present(certificate)
        await expect.poll(() => publish(trusted)).toEqual({ status: 'confirmed' })
        await expect.poll(() => trusted.probe().then(() => 'answers', String)).toBe('answers')
      },
      SOON_MS,
    )
  })
})

requireServer(describe, 'nats', { isPrivate: true })('NATS over TLS by an address', () => {
  it('takes no certificate that names localhost alone', async () => {
    const named = await makeCertificate(['DNS:localhost'])
    const server = await startNats({ certificate: named })
    onTestFinished(() => server.stop())
    const on = (host: string): Broker => {
      const { broker } = nats(`tls://${host}:${server.port}`, {
        connection: { tls: { ...named, ca: named.cert } },
      })
      onTestFinished(() => broker.close())
      return broker
    }
    await on('localhost').open(QUEUES)
    await expect(on('127.0.0.1').open(QUEUES)).rejects.toMatchObject({
      ...NOT_TRUSTED,
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })
})

const command = defineCommand({ name: 'click', queue: 'main', input: z.object({}), handle: () => undefined })

let published = 0

async function publish(broker: Broker): Promise<PublishVerdict | undefined> {
  published += 1
  const message: OutgoingMessage = {
    ...{ id: `message-${published}`, queue: 'main', partition: null },
    ...{ contentType: 'text/plain', body: Buffer.from('a chunk') },
  }
  const [verdict] = await broker.publish([message])
  return verdict
}
