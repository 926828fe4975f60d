// The application in any of its processes: one configuration, and the roles that this process has.

import { createSpillway, type Role, type Spillway } from 'spillway'
import { issueLetterCommand } from './issue-letter.js'
import { postOffice } from './post-office/client.js'
import { openStore } from './stores/index.js'

export interface ApplicationOptions {
  /** A path or a URL. */
  readonly database: string
  readonly secret: string
  readonly postOfficeUrl: string
  readonly upstreamUrl: string
  readonly replyUrl: string
  readonly roles: readonly Role[]
}

export interface Application {
  readonly spillway: Spillway
  readonly issueLetter: ReturnType<typeof issueLetterCommand>
}

export async function openApplication(options: ApplicationOptions): Promise<Application> {
  const { database, secret, postOfficeUrl, upstreamUrl, replyUrl, roles } = options
  const issueLetter = issueLetterCommand({ postOffice: postOffice(postOfficeUrl), replyUrl })
  const spillway = await createSpillway(
    {
      store: await openStore(database),
      commands: [issueLetter],
      // Short, because workers are killed here and what they held should come back within seconds.
      queues: { letters: { concurrency: 16, lease: '2s' } },
      callbacks: {
        secrets: [secret],
        schedule: ['200ms', '500ms', '1s', '2s', '5s', '10s'],
        // Upstream is on this machine, which no callback reaches unless it is allowed.
        ...{ allowHttp: true, allowPorts: [Number(new URL(upstreamUrl).port)] },
        allowAddresses: ['127.0.0.0/8'],
      },
    },
    // Trouble is what this is about, and the ledger tells of it; 'error' leaves what should not happen.
    { roles, migrate: true, logs: 'error' },
  )
  return { spillway, issueLetter }
}
