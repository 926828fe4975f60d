// One connection through the proxy: the client's socket, the server's, and a pipe each way.

import { connect, type Socket } from 'node:net'
import type { Clock } from '../../ports/index.js'
import type { CutKind, DirectionFaults } from './direction-faults.js'
import { Pipe } from './pipe.js'

export interface LinkOptions {
  readonly client: Socket
  readonly target: { readonly host: string; readonly port: number }
  readonly toServer: DirectionFaults
  readonly toClient: DirectionFaults
  readonly clock: Clock
  /** Called once, when both sides are closed. */
  readonly onClosed: () => void
}

export class Link {
  readonly #client: Socket
  readonly #server: Socket
  readonly #pipes: readonly Pipe[]

  constructor({ client, target, toServer, toClient, clock, onClosed }: LinkOptions) {
    const server = connect({ ...target, allowHalfOpen: true, noDelay: true })
    this.#client = client
    this.#server = server
    const cut = (how: CutKind): void => this.cut(how)
    this.#pipes = [
      new Pipe({ source: client, destination: server, faults: toServer, clock, cut }),
      new Pipe({ source: server, destination: client, faults: toClient, clock, cut }),
    ]
    const isSilent = (): boolean => toServer.isSwallowed || toClient.isSwallowed
    onBreak(client, () => isSilent() || server.resetAndDestroy())
    onBreak(server, () => isSilent() || client.resetAndDestroy())
    let open = 2
    for (const socket of [client, server]) {
      socket.once('close', () => {
        open -= 1
        if (open === 0) onClosed()
      })
    }
  }

  get hasLostBytes(): boolean {
    return this.#pipes.some((pipe) => pipe.hasLostBytes)
  }

  pump(): void {
    for (const pipe of this.#pipes) pipe.pump()
  }

  cut(how: CutKind): void {
    for (const pipe of this.#pipes) pipe.close()
    for (const socket of [this.#client, this.#server]) {
      if (how === 'reset') socket.resetAndDestroy()
      else socket.end()
    }
  }

  destroy(): void {
    for (const pipe of this.#pipes) pipe.close()
    this.#client.destroy()
    this.#server.destroy()
  }
}

/** A side that breaks takes the other with it; one that ends in order is passed on by its pipe. */
function onBreak(socket: Socket, react: () => unknown): void {
  let isBroken = false
  socket.on('error', () => {
    isBroken = true
  })
  socket.once('close', () => {
    if (isBroken) react()
  })
}
