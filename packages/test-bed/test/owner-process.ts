// A program that starts a server, says where it is, and is killed by a test: nothing of the server may stay.

import { stdout } from 'node:process'
import { startMariaDb, startPostgres } from '../src/index.js'

const [, , kind, state] = process.argv
const server =
  kind === 'mariadb' ? await startMariaDb({ fsync: false }) : await startPostgres({ fsync: false })
if (state === 'paused') server.pause()
stdout.write(`${JSON.stringify({ pid: server.pid, folder: server.folder })}\n`)
process.stdin.resume()
