// What a driver's author supplies to have the broker contract checked. Structural, as the store contract's: what a test runner must offer
// is the same.

import type { Broker } from '../../ports/index.js'
import type { FaultProxy } from '../fault-proxy/index.js'
import type { TestApi, TestContext } from '../store-contract/index.js'

/** Vitest and most others take a test's own time limit as the third argument. */
export interface BrokerTestApi extends Pick<TestApi, 'describe' | 'expect'> {
  it(name: string, body: (context: TestContext) => Promise<void>, timeoutMs?: number): void
}

/** A queue's refused message, as an operator would find it. */
export interface RefusedMessage {
  readonly id: string | null
  readonly reason: string | null
  readonly body: Uint8Array
}

export interface ConnectOptions {
  /** Connects through it instead of to the server itself. */
  readonly proxy?: FaultProxy
  /**
   * The test is about a server that does not answer: gives up on a publish after about a second, and on a try to connect after about
   * two. Else the machine may be slow.
   */
  readonly isHasty?: boolean
}

/** A namespace of its own on a real server: no queues, no messages, and nobody else's. */
export interface BrokerUnderTest {
  /**
   * A new handle, not opened yet, as another process would have it. It tries again to connect after less than 100 ms. The contract
   * closes it.
   */
  connect(options?: ConnectOptions): Broker
  /** A handle on a server that is not there. */
  connectNowhere(): Broker
  /** Makes the queue exist otherwise than open() wants it. Leave it out when there is no such thing. */
  spoil?(queue: string): Promise<void>
  /** Removes the queue behind everybody's back. */
  remove?(queue: string): Promise<void>
  /** Refused messages of the queue, in any order, where they can be looked at. */
  refused?(queue: string): Promise<readonly RefusedMessage[]>
  dispose(): Promise<void>
}

/** A server that nobody else uses. Pausing keeps connections open; killing loses what is not on its disk. */
export interface ServerControls {
  kill(): Promise<void>
  /** Starts it again, on the same address and data. */
  restart(): Promise<void>
  pause(): void
  resume(): void
}

export interface BrokerTraits {
  /** A partition is read by one consumer at a time, and acknowledged up to a message: those behind one that is stuck wait with it. */
  readonly lanes?: boolean
}

export interface MakeOptions {
  /**
   * Connections and the server will fail: what is in hands that are gone is wanted back after about a second. Else nobody loses what it has
   * in hand to a machine that is busy with other things for a few seconds.
   */
  readonly isFaulty: boolean
}

export interface BrokerHarness {
  readonly name: string
  readonly traits?: BrokerTraits
  make(options: MakeOptions): Promise<BrokerUnderTest>
  /** Given where the server may be mistreated: the theme `faults` is run then. Asked for when a test begins. */
  readonly server?: () => ServerControls
  /** A bad network in front of the server. Without it faults of the network are not tried. */
  readonly proxy?: () => Promise<FaultProxy>
}
