import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { newConnections } from './connections.js'
import { settingsOf } from './options.js'

const AUTHENTICATED = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0])
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])

function fatal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C57P01\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeUInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

// A postmaster that dies just then makes real servers do this, once in many kills; here all of it is in one packet.
it('a server that dies in the breath in which it said it was ready fails the call, and nothing else', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, fatal('postmaster exit')])))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const connections = newConnections(settingsOf(`postgres://me@127.0.0.1:${port}/db`, {}))
  onTestFinished(() => connections.close())
  const asked = connections.lend('calls', (client) => client.query('select 1'))
  await expect(asked).rejects.toThrow()
})
