// Connections that are open, lent to one call at a time. One that broke is replaced by a new one when it is needed next.

import { type ConnectionSettings, connect, type OpenConnection } from './connection.js'
import { newPlaces, type PlacesSettings } from './places.js'

export interface Pool {
  /** Runs `work` with a connection of its own. */
  use<T>(work: (connection: OpenConnection) => Promise<T>): Promise<T>
  /** Waits for the calls under way, then closes the connections. */
  close(): Promise<void>
}

export interface PoolSettings extends ConnectionSettings, PlacesSettings {}

export function newPool(settings: PoolSettings): Pool {
  const places = newPlaces(settings)
  const idle: OpenConnection[] = []

  function openOne(): OpenConnection | Promise<OpenConnection> {
    for (let known = idle.pop(); known !== undefined; known = idle.pop()) if (known.usable) return known
    return connect(settings)
  }

  return {
    use: (work) =>
      places.use(async () => {
        const connection = await openOne()
        try {
          return await work(connection)
        } finally {
          if (connection.usable) idle.push(connection)
        }
      }),
    async close() {
      await places.close()
      await Promise.all(idle.splice(0).map((connection) => connection.end()))
    },
  }
}
